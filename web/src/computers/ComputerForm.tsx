import type { RowFormProps } from '../components/RowDetails'
import { RowForm } from '../components/RowForm'
import { useSiteNames } from '../sites/SiteLink'
import { type ComputerFields, computerLabels } from './api'

/** ComputerForm edits the fields of a computer. */
export function ComputerForm(props: RowFormProps<ComputerFields>) {
  const pickerLabel = useSiteNames()(props.initialValues.site_id ?? 0)
  return (
    <RowForm<ComputerFields>
      {...props}
      fields={[
        { name: 'name', label: computerLabels.name, required: true },
        { name: 'mac', label: computerLabels.mac, description: 'For example 08:00:2b:01:02:03' },
        { name: 'site_id', label: computerLabels.site_id, required: true, pickerKind: 'site', pickerLabel },
      ]}
    />
  )
}
