import type { FormProps } from '../parts/RowDetails'
import { RowForm } from '../parts/RowForm'
import { type SiteFields, siteFields, siteLabels } from './api'

/** SiteForm edits the fields of a site. */
export function SiteForm(props: FormProps<SiteFields>) {
  return <RowForm<SiteFields> {...props} fields={siteFields.map((name) => ({ name, label: siteLabels[name], required: name === 'name' }))} />
}
