import { type Event, eventTypeLabels, voidOptions } from '../events/api'
import type { ListDefinition } from '../grid/types'
import { useRuleOptions } from '../rules/api'

export const eventsList: ListDefinition<Event> = {
  noun: 'events',
  label: 'Events',
  itemNames: { one: 'event', many: 'events' },
  rowKey: (event) => event.id,
  keyFields: ['id'],
  defaultSort: '-id',
  isSearchable: false,
  columns: [
    { id: 'user_id', header: 'User', type: 'number' },
    {
      id: 'type',
      header: 'Type',
      type: 'choice',
      options: Object.entries(eventTypeLabels).map(([value, label]) => ({ value, label })),
    },
    { id: 'amount', header: 'Amount', type: 'number' },
    { id: 'time', header: 'Time', type: 'unixTime' },
    { id: 'created_at', header: 'Received', type: 'time' },
    { id: 'alert_codes', header: 'Rule', type: 'codes', useOptions: useRuleOptions },
    { id: 'void_id', header: 'Void', type: 'presence', options: voidOptions },
  ],
}
