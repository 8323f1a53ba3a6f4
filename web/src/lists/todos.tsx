import { TextLink } from '../components/links'
import { TimeAgo } from '../components/TimeAgo'
import { useComputerNames } from '../computers/ComputerLink'
import { useFreezerNames } from '../freezers/FreezerLink'
import type { GridColumn, ListDefinition } from '../grid/types'
import { PersonName } from '../people/PersonName'
import { useSiteNames } from '../sites/SiteLink'
import { statusLabel, type Todo, todoLabels } from '../todos/api'
import { DueChip } from '../todos/DueChip'
import { LinkedItems } from '../todos/LinkedItems'
import { TodoStatusBadge } from '../todos/TodoStatusBadge'

const columns: GridColumn<Todo>[] = [
  {
    id: 'description',
    header: todoLabels.description,
    type: 'text',
    cell: (todo) => (
      <TextLink to="/todos/$id" params={{ id: String(todo.id) }}>
        {todo.description}
      </TextLink>
    ),
  },
  {
    id: 'status',
    header: todoLabels.status,
    type: 'text',
    value: ({ status }) => statusLabel(status),
    cell: ({ status }) => <TodoStatusBadge status={status} />,
    width: 8.5,
  },
  {
    id: 'assignee',
    header: todoLabels.assignee,
    type: 'person',
    isNullable: true,
    cell: ({ assignee }) => assignee && <PersonName username={assignee} />,
    width: 10.5,
  },
  {
    id: 'due_on',
    header: todoLabels.due_on,
    type: 'date',
    isNullable: true,
    cell: (todo) => <DueChip todo={todo} />,
    width: 11,
  },
  {
    id: 'owner',
    header: 'Created by',
    type: 'person',
    isHidden: true,
    cell: ({ owner }) => <PersonName username={owner} />,
    width: 9,
  },
  {
    id: 'created_at',
    header: 'Created',
    type: 'time',
    isHidden: true,
    cell: (todo) => <TimeAgo at={todo.created_at} />,
    width: 8.5,
  },
]

const definition = {
  noun: 'todos',
  label: 'Todos',
  itemNames: { one: 'todo', many: 'todos' },
  rowKey: (todo: Todo) => todo.id,
  keyFields: ['id'],
}

export const todosList: ListDefinition<Todo> = {
  ...definition,
  siteField: 'at_site_id',
  include: 'site,freezer,computer',
  columns: [
    ...columns,
    {
      id: 'links',
      header: 'Linked to',
      type: 'text',
      isSortable: false,
      isFilterable: false,
      value: () => null,
      cell: (todo) => <LinkedItems todo={todo} isCompact />,
      width: 14,
      exportFields: ['site_name', 'freezer_name', 'computer_name', 'alert_id'],
    },
    {
      id: 'site_name',
      header: todoLabels.site_id,
      type: 'text',
      isNullable: true,
      isFilterOnly: true,
      reference: { kind: 'site', idField: 'site_id', useName: useSiteNames },
    },
    {
      id: 'freezer_name',
      header: todoLabels.freezer_id,
      type: 'text',
      isNullable: true,
      isFilterOnly: true,
      reference: { kind: 'freezer', idField: 'freezer_id', useName: useFreezerNames },
    },
    {
      id: 'computer_name',
      header: todoLabels.computer_id,
      type: 'text',
      isNullable: true,
      isFilterOnly: true,
      reference: { kind: 'computer', idField: 'computer_id', useName: useComputerNames },
    },
  ],
}

/** linkedTodosList is the list on the screen of an item, where all todos are linked to the same item. */
export const linkedTodosList: ListDefinition<Todo> = { ...definition, columns }
