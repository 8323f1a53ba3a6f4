import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { Attachments } from '../attachments/Attachments'
import { ChangeList } from '../changes/ChangeList'
import { DeleteRow } from '../components/DeleteButton'
import { TextLink } from '../components/links'
import { RowDetails } from '../components/RowDetails'
import { Screen } from '../components/Screen'
import { named } from '../components/formatValue'
import { Shown } from '../components/QueryBoundary'
import { Part } from '../components/Section'
import { useMay } from '../session/api'
import { SiteLink, useSiteNames } from '../sites/SiteLink'
import { TodosAbout } from '../todos/LinkedTodos'
import { changeComputer, type Computer, type ComputerFields, computerHistory, computerLabels, computerQuery, deleteComputer, readComputer } from './api'
import { ComputerForm } from './ComputerForm'

/** ComputerScreen shows a computer and what belongs to it. */
export function ComputerScreen() {
  const { id: text } = useParams({ from: '/computers/$id' })
  const id = Number(text)
  const query = useQuery(computerQuery(id))
  const siteName = useSiteNames()
  return (
    <Screen title={query.data?.name ?? `Computer ${text}`} above={<TextLink to="/instruments">Instruments</TextLink>} actions={query.data && <Delete computer={query.data} />}>
      <Shown query={query}>
        {(computer) => (
          <>
            <Details key={id} computer={computer} />
            <TodosAbout thing={{ computer_id: id }} />
            <Part title="Files" id="files">
              <Attachments of={{ computer_id: id }} />
            </Part>
            <Part title="History" id="history">
              <ChangeList queryKey={['computer', id, 'history']} read={computerHistory(id)} labels={computerLabels} tell={named('site_id', siteName)} />
            </Part>
          </>
        )}
      </Shown>
    </Screen>
  )
}

function Details({ computer }: { computer: Computer }) {
  return (
    <RowDetails<Computer, ComputerFields>
      row={computer}
      may={useMay('operator')}
      labels={computerLabels}
      tell={named('site_id', useSiteNames())}
      cells={{ site_id: <SiteLink id={computer.site_id} /> }}
      form={(props) => <ComputerForm {...props} />}
      options={{
        row: computerQuery(computer.id).queryKey,
        list: ['computers'],
        same: (one) => one.id === computer.id,
        read: () => readComputer(computer.id),
        write: changeComputer,
      }}
    />
  )
}

function Delete({ computer }: { computer: Computer }) {
  const navigate = useNavigate()
  return (
    <DeleteRow
      may={useMay('operator')}
      what={computer.name}
      remove={(how) => deleteComputer(computer, how)}
      leave={() => navigate({ to: '/instruments' })}
      row={computerQuery(computer.id).queryKey}
    />
  )
}
