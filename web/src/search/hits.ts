import { describeReasons } from '../alerts/explainReason'
import type { Total } from '../api/client'
import { formatTotal } from '../components/formatTotal'
import { userNameOf } from '../people/userNameOf'
import type { EntityKind, SearchGroup, SearchHit } from './api'

/** toHits returns the rows of a group as hits, with details that distinguish equal names; the key comes last. */
export function toHits(group: SearchGroup): SearchHit[] {
  const hits = rowHits(group)
  const isAmbiguous = ({ title, detail }: SearchHit) =>
    hits.filter((other) => other.title === title && other.detail === detail).length > 1
  return hits.map((row) => (isAmbiguous(row) ? { ...row, detail: `${row.detail}, ${row.key}` } : row))
}

function rowHits(group: SearchGroup): SearchHit[] {
  switch (group.noun) {
    case 'sites':
      return group.rows.map((site) => hit('site', site.id, site.name, site.address, site.state_or_region, site.country))
    case 'freezers':
      return group.rows.map((freezer) => hit('freezer', freezer.id, freezer.name, freezer.site_name))
    case 'computers':
      return group.rows.map(({ id, name, mac, site_name }) => hit('computer', id, name, mac, site_name))
    case 'containers':
      return group.rows.map(({ uuid, description, barcode, kind, position, freezer_name, site_name }) =>
        hit('container', uuid, description || barcode || uuid, description && barcode, kind, position, freezer_name, site_name),
      )
    case 'todos':
      return group.rows.map((todo) => hit('todo', todo.id, todo.description, todo.status, todo.assignee, todo.due_on))
    case 'directory':
      return group.rows.map(({ id, username, display_name }) =>
        hit('user', id, display_name, display_name === username ? null : username),
      )
    case 'rules':
      return group.rows.map(({ code, title }) => hit('rule', code, title, `code ${code}`))
    case 'events':
      return group.rows.map((event) =>
        hit('event', event.id, `${event.type === 'withdraw' ? 'Withdrawal' : 'Deposit'} ${event.amount}, ${userNameOf(event)}`, formatTime(event.created_at)),
      )
    case 'alerts':
      return group.rows.map((alert) =>
        hit(
          'alert',
          alert.id,
          `${userNameOf(alert)}: ${describeReasons(alert.reasons ?? [])}`,
          alert.state,
          formatTime(alert.created_at),
        ),
      )
    case 'attachments':
      return group.rows.flatMap(attachmentHit)
    default: // a list that only a newer server has
      return []
  }
}

const timeFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const formatTime = (at: string | undefined) => (at === undefined ? undefined : timeFormat.format(new Date(at)))

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

/** describeShown returns how many of all matches are shown: "12 of 39", "5 of about 1,200", or "12" for all. */
export const describeShown = (shown: number, total: Total): string =>
  shown < total.count ? `${shown} of ${formatTotal(total)}` : String(shown)
