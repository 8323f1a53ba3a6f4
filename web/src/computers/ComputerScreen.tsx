import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { useAsOf } from '../asOf/asOf'
import { Attachments } from '../attachments/Attachments'
import { DeletedRow } from '../changes/DeletedRow'
import { RestorableChangeList } from '../changes/RestorableChangeList'
import { DetailColumns } from '../components/DetailColumns'
import { formatIdAsName, formatValue } from '../components/formatValue'
import { ButtonLink, TextLink } from '../components/links'
import { QueryBoundary } from '../components/QueryBoundary'
import { RowDetails } from '../components/RowDetails'
import { RowMenu } from '../components/RowMenu'
import { Screen } from '../components/Screen'
import { ScreenTabs } from '../components/ScreenTabs'
import { useListTotal } from '../grid/useListTotal'
import { attachmentsList } from '../lists/attachments'
import { linkedTodosList } from '../lists/todos'
import { usePermission } from '../session/api'
import { SiteLink, useSiteNames } from '../sites/SiteLink'
import { LinkedTodos } from '../todos/LinkedTodos'
import {
  type Computer,
  computerEditOptions,
  type ComputerFields,
  computerHistory,
  computerLabels,
  computerQuery,
  deleteComputer,
} from './api'
import { ComputerForm } from './ComputerForm'

/** ComputerScreen shows a computer with its todos, files and activity. */
export function ComputerScreen() {
  const { id: idParam } = useParams({ from: '/computers/$id' })
  const asOf = useAsOf()
  const query = useQuery(computerQuery(Number(idParam), asOf))
  return (
    <Screen
      title={query.data?.name ?? `Computer ${idParam}`}
      breadcrumb={
        <>
          <TextLink to="/instruments">Instruments</TextLink>
          {query.data && <SiteLink id={query.data.site_id} />}
        </>
      }
      actions={query.data && asOf === undefined && <ComputerActions computer={query.data} />}
    >
      <QueryBoundary
        query={query}
        renderNotFound={(problem) => <DeletedRow table="computer" rowKey={idParam} problem={problem} />}
      >
        {(computer) => (
          <DetailColumns facts={<Details computer={computer} />}>
            <ComputerTabs computer={computer} />
          </DetailColumns>
        )}
      </QueryBoundary>
    </Screen>
  )
}

function ComputerTabs({ computer }: { computer: Computer }) {
  const { id } = computer
  const canEdit = usePermission('operator')
  const scope = { computer_id: String(id) }
  const todos = useListTotal(linkedTodosList, scope)
  const files = useListTotal(attachmentsList, scope)
  const formatField = formatIdAsName('site_id', useSiteNames())
  return (
    <ScreenTabs
      label="About this computer"
      tabs={[
        { name: 'todos', label: 'Todos', count: todos, render: () => <LinkedTodos link={{ computer_id: id }} /> },
        { name: 'attachments', label: 'Attachments', count: files, render: () => <Attachments parent={{ computer_id: id }} /> },
        {
          name: 'history',
          label: 'History',
          hasPast: true,
          render: () => (
            <RestorableChangeList
              row={computer}
              canEdit={canEdit}
              editLabels={computerLabels}
              editOptions={computerEditOptions(computer)}
              queryKey={['computer', id, 'history']}
              fetchHistory={computerHistory(id)}
              labels={computerLabels}
              formatField={formatField}
            />
          ),
        },
      ]}
    />
  )
}

function Details({ computer }: { computer: Computer }) {
  return (
    <RowDetails<Computer, ComputerFields>
      row={computer}
      canEdit={usePermission('operator')}
      labels={computerLabels}
      titleField="name"
      formatField={formatIdAsName('site_id', useSiteNames())}
      fieldContent={{ mac: <code>{formatValue(computer.mac)}</code>, site_id: <SiteLink id={computer.site_id} /> }}
      moreItems={[['ID', computer.id]]}
      renderForm={(props) => <ComputerForm {...props} />}
      editOptions={computerEditOptions(computer)}
    />
  )
}

function ComputerActions({ computer }: { computer: Computer }) {
  const navigate = useNavigate()
  return (
    <>
      <ButtonLink to="/todos/new" search={{ computer_id: String(computer.id) }}>
        New todo
      </ButtonLink>
      <RowMenu
        canDelete={usePermission('operator')}
        itemName={computer.name}
        onDelete={(options) => deleteComputer(computer, options)}
        navigateAway={() => navigate({ to: '/instruments' })}
        queryKey={computerQuery(computer.id).queryKey}
      />
    </>
  )
}
