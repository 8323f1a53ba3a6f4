import { useQuery } from '@tanstack/react-query'

import { api, unwrapPage } from '../api/client'
import { AsyncSelect, type AsyncSelectProps, type SelectOption } from '../components/AsyncSelect'
import { Icon } from '../components/icons'
import { type Container, containerQuery, containerTitle } from '../containers/api'
import { holderKinds } from '../containers/kinds'
import { useFreezerNames } from '../freezers/FreezerLink'
import { fetchHits } from '../search/api'
import { foldText } from '../search/findExactHits'
import { findUuid } from '../scan/parseCode'
import { holderKey, parentOf, parseHolder } from './holder'

type HolderOption = SelectOption & { barcode?: string | null }

/** HolderPicker selects where a container lies: a freezer, or a container that can hold others, by name or barcode. */
export function HolderPicker({ value = '', ...rest }: AsyncSelectProps) {
  const name = useHolderName(value)
  return (
    <AsyncSelect
      placeholder="Freezer, shelf, rack or box"
      data-scan="accept"
      {...rest}
      value={value}
      selectedLabel={name}
      queryKey={['storage', 'holders']}
      fetchOptions={fetchHolders}
      findNamed={findNamed}
      renderIcon={({ key }) => <Icon name={parentOf(key) ? 'container' : 'storage'} size={16} />}
    />
  )
}

/** useHolderName returns the name of the freezer or container of a key. */
export function useHolderName(key: string): string {
  const parent = parentOf(key)
  const freezerName = useFreezerNames()
  const { data } = useQuery({ ...containerQuery(parent ?? ''), enabled: parent !== undefined })
  const holder = parseHolder(key)
  if (holder && 'freezer_id' in holder) return freezerName(holder.freezer_id)
  return data ? containerTitle(data) : (parent ?? '')
}

type HolderRow = Container & { freezer_name?: string }

/** fetchHolders returns the freezers and containers that a text names, those with its barcode or UUID first. */
async function fetchHolders(text: string, signal: AbortSignal): Promise<HolderOption[]> {
  const find = async (query: object) => {
    const params = { query: { include: 'freezer', limit: 10, ...query } as never }
    const { rows } = await unwrapPage(api.GET('/api/v1/containers', { params, signal }))
    return rows as HolderRow[]
  }
  const words = text === '' ? {} : { q: text }
  const uuid = findUuid(text)
  const [freezers, ...found] = await Promise.all([
    fetchHits('freezer', text, signal),
    text === '' ? [] : find(uuid ? { uuid } : { barcode: text }),
    find({ ...words, rows__empty: false }),
    find({ ...words, capacity__empty: false }),
    find({ ...words, kind__in: holderKinds.join(',') }),
  ])
  const containers = new Map(found.flat().map((row) => [row.uuid, row]))
  return [
    ...[...containers.values()].map((row) => ({
      key: holderKey({ parent_uuid: row.uuid }),
      title: containerTitle(row),
      detail: [row.kind, row.position, row.freezer_name].filter(Boolean).join(', '),
      barcode: row.barcode,
    })),
    ...freezers.map(({ key, title, detail }) => ({ key: holderKey({ freezer_id: Number(key) }), title, detail })),
  ]
}

/** findNamed returns the options that a text names exactly: by barcode or UUID, else by name. */
function findNamed(text: string, options: HolderOption[]): HolderOption[] {
  const code = text.trim()
  const uuid = findUuid(code)
  const byCode = options.filter(({ key, barcode }) => barcode === code || (uuid && parentOf(key) === uuid))
  return byCode.length > 0 ? byCode : options.filter(({ title }) => foldText(title) === foldText(text))
}
