import { useFreezerNames } from '../freezers/FreezerLink'
import type { FormProps } from '../components/RowDetails'
import { type Field, RowForm } from '../components/RowForm'
import { containerLabels, type NewContainerFields } from './api'

/** ContainerForm edits the fields of a container. Its label is chosen once, when it is new. */
export function ContainerForm<F extends NewContainerFields>({ isNew = false, ...props }: FormProps<F> & { isNew?: boolean }) {
  const called = useFreezerNames()(props.start.freezer_id ?? 0)
  const fields: Field[] = [
    { name: 'description', label: containerLabels.description },
    { name: 'freezer_id', label: containerLabels.freezer_id, required: true, picks: 'freezer', called },
  ]
  const label: Field = { name: 'uuid', label: 'Label', description: 'The uuid on it. The server makes one up if this is left out.' }
  return <RowForm<F> {...props} fields={isNew ? [label, ...fields] : fields} />
}
