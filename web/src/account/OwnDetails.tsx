import { Button, Card, Group, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'

import { useRowEdit } from '../api/edit'
import type { Problem } from '../api/problem'
import { ConflictDialog } from '../parts/ConflictDialog'
import { changed, nullable, ProblemNote, useFormFocus } from '../parts/form'
import { shown } from '../parts/shown'
import { Part } from '../parts/states'
import { toast } from '../parts/toast'
import { type Account, changeOwn, ownLabels, ownQuery, readOwn } from './api'

const names = Object.keys(ownLabels) as (keyof typeof ownLabels)[]

/** OwnDetails shows one's own data. One may change the country; the rest is the admins'. */
export function OwnDetails({ account }: { account: Account }) {
  const [base, setBase] = useState<Account>()
  const edit = useRowEdit<Account>({ row: ownQuery.queryKey, list: ['users'], same: (one) => one.id === account.id, read: readOwn, write: changeOwn, saved: () => toast('Saved') })
  const { refused, conflict } = edit
  const editing = refused?.base ?? base
  const end = () => {
    setBase(undefined)
    edit.drop()
  }
  const save = (from: Account, changes: Partial<Account>) => {
    end()
    if (Object.keys(changes).length > 0) edit.save(from, changes)
  }
  return (
    <Part
      title="Details"
      id="details"
      actions={
        !editing && (
          <Button variant="default" onClick={() => !edit.saving && setBase(account)} aria-disabled={edit.saving}>
            {edit.saving ? 'Saving…' : 'Edit'}
          </Button>
        )
      }
    >
      <Card withBorder>
        <Stack>
          <SimpleGrid component="dl" cols={{ base: 1, sm: 2 }} m={0}>
            {names
              .filter((name) => !editing || name !== 'country')
              .map((name) => (
                <div key={name}>
                  <Text component="dt" size="sm" c="dimmed">
                    {ownLabels[name]}
                  </Text>
                  <Text component="dd" m={0} style={{ overflowWrap: 'anywhere' }}>
                    {shown(account[name])}
                  </Text>
                </div>
              ))}
          </SimpleGrid>
          {editing && (
            <CountryForm
              start={{ ...editing, ...refused?.changes }.country}
              problem={refused?.problem}
              submit={(country) => save(editing, changed<Account>(editing, { country }))}
              cancel={end}
            />
          )}
        </Stack>
      </Card>
      {conflict && <ConflictDialog conflict={conflict} labels={ownLabels} keep={save} cancel={end} />}
    </Part>
  )
}

interface Props {
  start: string | null
  problem: Problem | undefined
  submit: (country: string | null) => void
  cancel: () => void
}

function CountryForm({ start, problem, submit, cancel }: Props) {
  const form = useForm({ mode: 'uncontrolled', initialValues: { country: start ?? '' } })
  useFormFocus(form, ['country'], problem)
  return (
    <form noValidate onSubmit={form.onSubmit(({ country }) => submit(nullable(country)))}>
      <Stack maw={420}>
        <TextInput label="Country" autoComplete="country-name" key={form.key('country')} {...form.getInputProps('country')} />
        <ProblemNote problem={problem} fields={['country']} />
        <Group>
          <Button type="submit">Save</Button>
          <Button variant="default" onClick={cancel}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
