import type { RowFormProps } from '../components/RowDetails'
import { RowForm } from '../components/RowForm'
import { useSiteNames } from '../sites/SiteLink'
import { type FreezerFields, freezerLabels } from './api'

/** FreezerForm edits the fields of a freezer. */
export function FreezerForm(props: RowFormProps<FreezerFields>) {
  const pickerLabel = useSiteNames()(props.initialValues.site_id ?? 0)
  return (
    <RowForm<FreezerFields>
      {...props}
      fields={[
        { name: 'name', label: freezerLabels.name, required: true },
        { name: 'site_id', label: freezerLabels.site_id, required: true, pickerKind: 'site', pickerLabel },
        {
          name: 'capacity',
          label: freezerLabels.capacity,
          description: 'How many shelves or racks fit. Empty: any number.',
          isNumber: true,
        },
      ]}
    />
  )
}
