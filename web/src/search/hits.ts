import type { Total } from '../api/client'
import { formatTotal } from '../components/formatTotal'
import type { EntityKind, SearchGroup, SearchHit } from './api'

/** toHits returns the rows of a group as hits, with what tells rows of the same name apart. */
export function toHits(group: SearchGroup): SearchHit[] {
  switch (group.noun) {
    case 'sites':
      return group.rows.map((site) => hit('site', site.id, site.name, site.address, site.state_or_region, site.country))
    case 'freezers':
      return group.rows.map((freezer) => hit('freezer', freezer.id, freezer.name, freezer.site_name))
    case 'computers':
      return group.rows.map(({ id, name, mac, site_name }) => hit('computer', id, name, mac, site_name))
    case 'containers':
      return group.rows.map(({ uuid, description, freezer_name, site_name }) =>
        hit('container', uuid, description || uuid, freezer_name, site_name),
      )
    case 'todos':
      return group.rows.map((todo) => hit('todo', todo.id, todo.description, todo.status, todo.assignee, todo.due_on))
    case 'users':
      return group.rows.map(({ id, username, role, country }) => hit('user', id, username, role, country))
    case 'rules':
      return group.rows.map(({ code, title }) => hit('rule', code, title, `code ${code}`))
    case 'events':
      return group.rows.map(({ id, type, amount, user_id, created_at }) =>
        hit('event', id, `${type} ${amount} of user ${user_id}`, created_at),
      )
    case 'alerts':
      return group.rows.map(({ id, alert_codes, user_id, state }) =>
        hit('alert', id, `alert ${alert_codes?.join(', ')} of user ${user_id}`, state),
      )
    case 'attachments':
      return group.rows.flatMap(attachmentHit)
    default: // a list that only a newer server has
      return []
  }
}

type Attachment = Extract<SearchGroup, { noun: 'attachments' }>['rows'][number]

/** attachmentHit returns the row that a file belongs to: its screen shows the file. */
function attachmentHit(file: Attachment): SearchHit[] {
  const owners: [EntityKind, unknown, string | null | undefined][] = [
    ['site', file.site_id, file.site_name],
    ['freezer', file.freezer_id, file.freezer_name],
    ['computer', file.computer_id, file.computer_name],
    ['container', file.container_uuid, file.container_description],
  ]
  const owner = owners.find(([, key]) => key !== null && key !== undefined)
  return owner ? [hit(owner[0], owner[1], file.name, 'file', owner[2])] : []
}

const maxTitleLength = 200 // characters

const hit = (kind: EntityKind, key: unknown, title = '', ...details: (string | null | undefined)[]): SearchHit => ({
  kind,
  key: String(key),
  title: title.slice(0, maxTitleLength),
  detail: details.filter(Boolean).join(', '),
})

/** countMatches returns the number of all matches, such as "39" or "about 1,200". */
export const countMatches = (totals: readonly Total[]): string =>
  formatTotal({
    count: totals.reduce((sum, { count }) => sum + count, 0),
    isEstimate: totals.some(({ isEstimate }) => isEstimate),
  })
