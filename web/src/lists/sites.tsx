import { TextLink } from '../components/links'
import type { ListDefinition } from '../grid/types'
import { type Site, siteLabels } from '../sites/api'

export const sitesList: ListDefinition<Site> = {
  noun: 'sites',
  label: 'Sites',
  itemNames: { one: 'site', many: 'sites' },
  rowKey: (site) => site.id,
  keyFields: ['id'],
  columns: [
    {
      id: 'name',
      header: siteLabels.name,
      type: 'text',
      cell: (site) => (
        <TextLink to="/sites/$id" params={{ id: String(site.id) }}>
          {site.name}
        </TextLink>
      ),
    },
    { id: 'contact', header: siteLabels.contact, type: 'text', isNullable: true },
    { id: 'address', header: siteLabels.address, type: 'text', isNullable: true },
    { id: 'country', header: siteLabels.country, type: 'text', isNullable: true },
    { id: 'state_or_region', header: siteLabels.state_or_region, type: 'text', isNullable: true, isHidden: true },
    { id: 'postcode_or_zip', header: siteLabels.postcode_or_zip, type: 'text', isNullable: true, isHidden: true },
  ],
}
