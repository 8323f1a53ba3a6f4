import type { Replay } from './api'

/** formatCount formats a number of things: 1,234. */
export const formatCount = (count: number) => count.toLocaleString('en')

/** describeCounts describes the effect of settings: "0 new, 471 removed, 566 unchanged". */
export const describeCounts = ({ added, removed, unchanged }: Pick<Replay, 'added' | 'removed' | 'unchanged'>): string =>
  `${formatCount(added)} new, ${formatCount(removed)} removed, ${formatCount(unchanged)} unchanged`
