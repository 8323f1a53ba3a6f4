import type { RowFormProps } from '../components/RowDetails'
import { type FormField, RowForm } from '../components/RowForm'
import { useFreezerNames } from '../freezers/FreezerLink'
import { containerLabels, type NewContainerFields } from './api'

/** ContainerForm edits the fields of a container. The barcode can only be set for a new container. */
export function ContainerForm<F extends NewContainerFields>({
  isNew = false,
  ...props
}: RowFormProps<F> & { isNew?: boolean }) {
  const pickerLabel = useFreezerNames()(props.initialValues.freezer_id ?? 0)
  const fields: FormField[] = [
    { name: 'description', label: containerLabels.description },
    { name: 'freezer_id', label: containerLabels.freezer_id, required: true, pickerKind: 'freezer', pickerLabel },
  ]
  const barcodeField: FormField = {
    name: 'uuid',
    label: 'Barcode',
    description: 'A UUID. Leave empty to generate one.',
    acceptsScan: true,
  }
  return <RowForm<F> {...props} fields={isNew ? [barcodeField, ...fields] : fields} />
}
