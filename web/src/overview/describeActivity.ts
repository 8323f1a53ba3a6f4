import type { Summary } from '../summary/api'

export type Activity = Summary['activity'][number]

const nouns: Record<string, [one: string, many: string]> = {
  site: ['site', 'sites'],
  freezer: ['freezer', 'freezers'],
  computer: ['computer', 'computers'],
  container: ['container', 'containers'],
  checkout: ['check-out', 'check-outs'],
  stocktake: ['stock-take', 'stock-takes'],
  rule: ['rule', 'rules'],
  todo: ['todo', 'todos'],
  attachment: ['attachment', 'attachments'],
  account: ['user', 'users'],
  view: ['view', 'views'],
  alert: ['alert', 'alerts'],
}

const verbs: Record<string, string> = {
  insert: 'added',
  update: 'changed',
  delete: 'deleted',
  open: 'reopened',
  acknowledged: 'acknowledged',
  closed: 'closed',
}

/** describeActivity describes what an actor did: "added 20 containers", "changed the freezer Minus80-B2". */
export function describeActivity({ noun, action, total, label }: Activity): string {
  if (noun === 'credential') return total === 1 ? 'set a password' : `set ${total} passwords`
  if (noun === 'password_link') return action === 'delete' ? 'used or revoked a password link' : 'created a password link'
  const [one, many] = nouns[noun] ?? [noun.replaceAll('_', ' '), `rows of ${noun.replaceAll('_', ' ')}`]
  const verb = noun === 'attachment' && action === 'insert' ? 'uploaded' : (verbs[action] ?? action)
  if (total > 1) return `${verb} ${total.toLocaleString('en')} ${many}`
  return label ? `${verb} the ${one} ${label}` : `${verb} ${one === 'alert' ? 'an' : 'a'} ${one}`
}
