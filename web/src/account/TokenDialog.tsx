import { Button, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'

import { toProblem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { ProblemAlert, useFormFocus } from '../components/form'
import { hasRole, type Role, roles, useSession } from '../session/api'
import { createToken, type NewToken } from './api'

const fields = ['name', 'role', 'days'] as const
const lifetimes = [
  { value: '1', label: '1 day' },
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: '365 days' },
]

/** TokenDialog creates an API token and shows it once. */
export function TokenDialog({ onClose }: { onClose: () => void }) {
  const [newToken, setNewToken] = useState<NewToken>()
  const [isDirty, setIsDirty] = useState(false)
  return (
    <Dialog
      isDirty={isDirty && !newToken}
      title={newToken ? `Token “${newToken.name}” created` : 'New API token'}
      onClose={onClose}
      closeOnClickOutside={!newToken} // the token is shown only once
    >
      {newToken ? (
        <CreatedToken token={newToken.token} onClose={onClose} />
      ) : (
        <TokenForm onCreated={setNewToken} onDirty={setIsDirty} onClose={onClose} />
      )}
    </Dialog>
  )
}

interface FormProps {
  onCreated: (token: NewToken) => void
  onDirty: (isDirty: boolean) => void
  onClose: () => void
}

function TokenForm({ onCreated, onDirty, onClose }: FormProps) {
  const session = useSession()
  const queryClient = useQueryClient()
  const form = useForm<{ name: string; role: Role; days: string }>({
    mode: 'uncontrolled',
    initialValues: { name: '', role: 'viewer', days: '90' },
    onValuesChange: ({ name }) => onDirty(name !== ''),
  })
  const { mutate, isPending, error } = useMutation({
    mutationFn: createToken,
    onSuccess: (token) => {
      onCreated(token)
      void queryClient.invalidateQueries({ queryKey: ['tokens'] })
    },
    gcTime: 0, // do not cache the token
  })
  const problem = error ? toProblem(error) : undefined
  useFormFocus(form, fields, problem)
  return (
    <form noValidate onSubmit={form.onSubmit(({ name, role, days }) => mutate({ name, role, days: Number(days) }))}>
      <Stack>
        <TextInput
          label="Name"
          description="What the token is for"
          required
          data-autofocus
          key={form.key('name')}
          {...form.getInputProps('name')}
        />
        <NativeSelect
          label="Role"
          data={roles.filter((role) => hasRole(session?.role, role))}
          key={form.key('role')}
          {...form.getInputProps('role')}
        />
        <NativeSelect label="Expires in" data={lifetimes} key={form.key('days')} {...form.getInputProps('days')} />
        <ProblemAlert problem={problem} fields={fields} />
        <Group justify="end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={isPending}>
            Create token
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function CreatedToken({ token, onClose }: { token: string; onClose: () => void }) {
  const inputRef = useRef<HTMLInputElement>(null)
  const [copyStatus, setCopyStatus] = useState('')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(token) // undefined unless the page is a secure context
      setCopyStatus('Copied')
    } catch {
      inputRef.current?.focus()
      inputRef.current?.select()
      setCopyStatus('Press Ctrl+C (or ⌘C) to copy')
    }
  }
  return (
    <Stack>
      <Text>Copy the token now. You won’t see it again.</Text>
      <TextInput
        ref={inputRef}
        label="Token"
        value={token}
        readOnly
        onFocus={(event) => event.currentTarget.select()}
        styles={{ input: { fontFamily: 'monospace' } }}
      />
      <Group justify="end">
        <Text size="sm" role="status">
          {copyStatus}
        </Text>
        <Button onClick={() => void copy()} data-autofocus>
          Copy
        </Button>
        <Button variant="default" onClick={onClose}>
          Done
        </Button>
      </Group>
    </Stack>
  )
}
