import type { RowFormProps } from '../components/RowDetails'
import { type FormField, RowForm } from '../components/RowForm'
import { useFreezerNames } from '../freezers/FreezerLink'
import { containerLabels, type NewContainerFields } from './api'

/** ContainerForm edits the fields of a container. Its label is chosen once, when it is new. */
export function ContainerForm<F extends NewContainerFields>({ isNew = false, ...props }: RowFormProps<F> & { isNew?: boolean }) {
  const pickerLabel = useFreezerNames()(props.initialValues.freezer_id ?? 0)
  const fields: FormField[] = [
    { name: 'description', label: containerLabels.description },
    { name: 'freezer_id', label: containerLabels.freezer_id, required: true, pickerKind: 'freezer', pickerLabel },
  ]
  const barcodeField: FormField = { name: 'uuid', label: 'Label', description: 'The uuid on it. The server makes one up if this is left out.' }
  return <RowForm<F> {...props} fields={isNew ? [barcodeField, ...fields] : fields} />
}
