import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { Attachments } from '../attachments/Attachments'
import { ChangeList } from '../changes/ChangeList'
import { DeleteButton } from '../components/DeleteButton'
import { formatIdAsName } from '../components/formatValue'
import { TextLink } from '../components/links'
import { QueryBoundary } from '../components/QueryBoundary'
import { RowDetails } from '../components/RowDetails'
import { Screen } from '../components/Screen'
import { Section } from '../components/Section'
import { usePermission } from '../session/api'
import { SiteLink, useSiteNames } from '../sites/SiteLink'
import { LinkedTodos } from '../todos/LinkedTodos'
import {
  type Computer,
  type ComputerFields,
  computerHistory,
  computerLabels,
  computerQuery,
  deleteComputer,
  fetchComputer,
  updateComputer,
} from './api'
import { ComputerForm } from './ComputerForm'

/** ComputerScreen shows a computer with its todos, attachments and history. */
export function ComputerScreen() {
  const { id: idParam } = useParams({ from: '/computers/$id' })
  const id = Number(idParam)
  const query = useQuery(computerQuery(id))
  const getSiteName = useSiteNames()
  return (
    <Screen
      title={query.data?.name ?? `Computer ${idParam}`}
      breadcrumb={<TextLink to="/instruments">Instruments</TextLink>}
      actions={query.data && <DeleteComputer computer={query.data} />}
    >
      <QueryBoundary query={query}>
        {(computer) => (
          <>
            <Details computer={computer} />
            <LinkedTodos link={{ computer_id: id }} />
            <Section title="Attachments" id="attachments">
              <Attachments parent={{ computer_id: id }} />
            </Section>
            <Section title="History" id="history">
              <ChangeList
                queryKey={['computer', id, 'history']}
                fetchHistory={computerHistory(id)}
                labels={computerLabels}
                formatField={formatIdAsName('site_id', getSiteName)}
              />
            </Section>
          </>
        )}
      </QueryBoundary>
    </Screen>
  )
}

function Details({ computer }: { computer: Computer }) {
  return (
    <RowDetails<Computer, ComputerFields>
      row={computer}
      canEdit={usePermission('operator')}
      labels={computerLabels}
      formatField={formatIdAsName('site_id', useSiteNames())}
      fieldContent={{ site_id: <SiteLink id={computer.site_id} /> }}
      renderForm={(props) => <ComputerForm {...props} />}
      editOptions={{
        queryKey: computerQuery(computer.id).queryKey,
        listKey: ['computers'],
        isSameRow: (row) => row.id === computer.id,
        fetchRow: () => fetchComputer(computer.id),
        updateRow: updateComputer,
      }}
    />
  )
}

function DeleteComputer({ computer }: { computer: Computer }) {
  const navigate = useNavigate()
  return (
    <DeleteButton
      canDelete={usePermission('operator')}
      itemName={computer.name}
      onDelete={(options) => deleteComputer(computer, options)}
      navigateAway={() => navigate({ to: '/instruments' })}
      queryKey={computerQuery(computer.id).queryKey}
    />
  )
}
