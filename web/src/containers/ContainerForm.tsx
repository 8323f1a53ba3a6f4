import { Autocomplete, Fieldset, NativeSelect, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'

import { DateField } from '../components/DateField'
import { emptyToNull, FormActions, textToNumber, useFormFocus, useLeaveWarning } from '../components/form'
import type { RowFormProps } from '../components/RowDetails'
import { PersonPicker } from '../people/PersonPicker'
import { parsePlaceKey, placeKeyOf } from '../storage/placeKey'
import { PlacePicker } from '../storage/PlacePicker'
import { PositionField } from '../storage/PositionField'
import classes from './ContainerForm.module.css'
import { type Container, containerLabels as labels, type ContainerFields } from './api'
import { kinds } from './kinds'

const textFields = ['description', 'barcode', 'kind', 'type', 'project', 'owner', 'quantity', 'unit', 'expires_on'] as const
const numberFields = ['thaw_count', 'rows', 'columns', 'capacity'] as const
const otherFields = ['place', 'position', 'scheme', 'blocked'] as const
const formFields = [...textFields, ...otherFields, ...numberFields]
type FieldName = (typeof formFields)[number]
type Values = Record<FieldName, string>

/** aliases are the fields of the API whose messages another field of the form shows. */
const aliases = { uuid: 'barcode', freezer_id: 'place', freezer: 'place', parent_uuid: 'place', parent: 'place' }
const shownFields = [...formFields, ...Object.keys(aliases)]

const schemes = [
  { value: 'A1', label: 'A1, A2, … B1' },
  { value: '1-1', label: '1-1, 1-2, … 2-1' },
  { value: '1', label: '1, 2, 3, …' },
]

type Props = Omit<RowFormProps<ContainerFields>, 'initialValues'> & { initialValues: Partial<Container>; isNew?: boolean }

/** ContainerForm edits a new or an existing container. */
export function ContainerForm({ initialValues, onSubmit, onCancel, isSaving = false, problem, isNew = false }: Props) {
  const form = useForm<Values>({ mode: 'controlled', initialValues: toValues(initialValues) })
  useFormFocus(form, formFields, problem, { aliases })
  useLeaveWarning((form.isDirty() || problem !== undefined) && !isSaving)
  const { place, owner, position, rows } = form.values
  const parent = parsePlaceKey(place)?.container_uuid
  const text = (name: (typeof textFields)[number]) => ({ label: labels[name], ...form.getInputProps(name) })
  const number = (name: (typeof numberFields)[number]) => ({
    label: labels[name],
    inputMode: 'numeric' as const,
    ...form.getInputProps(name),
  })
  return (
    <form noValidate onSubmit={form.onSubmit((values) => onSubmit(toFields(values)))}>
      <Stack>
        <Fieldset legend="What" className={classes.section}>
          <SimpleGrid type="container" cols={{ base: 1, '480px': 2 }} spacing="sm" verticalSpacing="sm">
            <TextInput {...text('description')} />
            <TextInput
              {...text('barcode')}
              description={isNew ? 'Scan or type. A UUID becomes the key of the container.' : undefined}
              autoComplete="off"
              data-scan="accept"
            />
            <Autocomplete {...text('kind')} data={kinds} comboboxProps={{ withinPortal: false }} />
            <TextInput {...text('type')} description="Such as serum" />
            <TextInput {...text('project')} />
            <PersonPicker
              label={labels.owner}
              placeholder="None"
              emptyLabel="None"
              value={owner === '' ? null : owner}
              onChange={(username) => form.setFieldValue('owner', username ?? '')}
              error={form.errors.owner}
            />
            <TextInput {...text('quantity')} inputMode="decimal" />
            <TextInput {...text('unit')} description="Such as ml" />
            <DateField {...text('expires_on')} />
            <TextInput {...number('thaw_count')} description="How often the contents were thawed" />
          </SimpleGrid>
        </Fieldset>
        <Fieldset legend="Where" className={classes.section}>
          <SimpleGrid type="container" cols={{ base: 1, '480px': 2 }} spacing="sm" verticalSpacing="sm">
            <PlacePicker
              label={labels.parent_uuid}
              required
              {...form.getInputProps('place')}
              onChange={(key) => {
                form.setFieldValue('place', key)
                form.setFieldValue('position', '')
              }}
            />
            {parent && (
              <PositionField
                key={parent}
                parent={parent}
                {...form.getInputProps('position')}
                value={position}
                onChange={(label) => form.setFieldValue('position', label)}
              />
            )}
          </SimpleGrid>
        </Fieldset>
        <Fieldset legend="Positions in it" className={classes.section}>
          <SimpleGrid type="container" cols={{ base: 2, '480px': 3 }} spacing="sm" verticalSpacing="sm">
            <TextInput {...number('rows')} />
            <TextInput {...number('columns')} />
            <NativeSelect label={labels.scheme} data={schemes} disabled={rows.trim() === ''} {...form.getInputProps('scheme')} />
            <TextInput
              label={labels.blocked}
              description="Such as C3, C4"
              disabled={rows.trim() === ''}
              {...form.getInputProps('blocked')}
            />
            <TextInput {...number('capacity')} description="How many fit without rows" disabled={rows.trim() !== ''} />
          </SimpleGrid>
        </Fieldset>
        <FormActions problem={problem} fields={shownFields} isSaving={isSaving} onCancel={onCancel} />
      </Stack>
    </form>
  )
}

/** toValues returns the texts of the form for a container. A container with a UUID for a barcode is new. */
function toValues(container: Partial<Container>): Values {
  const values = Object.fromEntries(
    formFields.map((name) => [name, String((container as Record<string, unknown>)[name] ?? '')]),
  ) as Values
  return { ...values, place: placeKeyOf(container), scheme: container.scheme ?? 'A1' }
}

/** toFields returns the fields of the API. A parent determines the freezer. */
function toFields({ place, scheme, blocked, ...values }: Values): ContainerFields {
  const { freezer_id, container_uuid: parent_uuid } = parsePlaceKey(place) ?? {}
  const hasGrid = values.rows.trim() !== ''
  const texts = Object.fromEntries(textFields.map((name) => [name, emptyToNull(values[name])]))
  const numbers = Object.fromEntries(numberFields.map((name) => [name, textToNumber(values[name])]))
  return {
    ...texts,
    ...numbers,
    thaw_count: (numbers.thaw_count ?? 0) as number,
    ...(parent_uuid
      ? { parent_uuid, position: emptyToNull(values.position) }
      : { freezer_id: freezer_id as number, parent_uuid: null, position: null }),
    scheme: hasGrid ? (scheme as 'A1') : null,
    blocked: hasGrid ? emptyToNull(blocked) : null,
    ...(hasGrid && { capacity: null }),
  }
}
