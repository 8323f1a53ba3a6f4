import type { Total } from '../api/client'

/** formatTotal formats a number of rows: "3,042", or "about 120,000" for an estimate. */
export function formatTotal({ count, isEstimate }: Total): string {
  return (isEstimate ? 'about ' : '') + count.toLocaleString('en')
}
