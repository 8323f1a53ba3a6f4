import type { RowFormProps } from '../components/RowDetails'
import { RowForm } from '../components/RowForm'
import { type SiteFields, siteFields, siteLabels } from './api'

/** SiteForm edits the fields of a site. */
export function SiteForm(props: RowFormProps<SiteFields>) {
  return (
    <RowForm<SiteFields>
      {...props}
      fields={siteFields.map((name) => ({ name, label: siteLabels[name], required: name === 'name' }))}
    />
  )
}
