import { Select } from '@mantine/core'

import { Icon } from '../components/icons'
import { useSiteOptions } from './SiteLink'
import { useSelectedSite } from './selectedSite'

const allSites = 'all'

/** SiteSwitch chooses the site whose rows all lists show. */
export function SiteSwitch() {
  const { siteId, setSiteId } = useSelectedSite()
  const options = useSiteOptions()
  const selected = siteId === undefined ? allSites : String(siteId)
  const data = [{ value: allSites, label: 'All sites' }, ...options]
  if (!data.some(({ value }) => value === selected)) data.push({ value: selected, label: `Site ${selected}` })
  return (
    <Select
      aria-label="Site"
      w={{ base: '100%', sm: 140, lg: 160 }}
      leftSection={<Icon name="place" size={16} />}
      allowDeselect={false}
      searchable
      nothingFoundMessage="No site"
      comboboxProps={{ width: 260, position: 'bottom-end' }}
      data={data}
      value={selected}
      onChange={(value) => setSiteId(value === null || value === allSites ? undefined : Number(value))}
    />
  )
}
