import { Button, Card, PasswordInput, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { useEffect } from 'react'

import { asProblem } from '../api/problem'
import { ProblemNote } from '../parts/form'
import { changePassword } from './api'

const fields = ['current_password', 'password'] as const

/** PasswordForm changes one's password, for which it takes the old one. All sessions end, this one too. */
export function PasswordForm({ changed }: { changed: () => void }) {
  const form = useForm({ mode: 'uncontrolled', initialValues: { current_password: '', password: '' } })
  const { mutate, isPending, error } = useMutation({
    mutationFn: ({ current_password, password }: Record<(typeof fields)[number], string>) => changePassword(current_password, password),
    onSuccess: changed,
    gcTime: 0, // nothing of it is kept
  })
  const problem = error ? asProblem(error) : undefined
  useEffect(() => {
    if (!error) return
    const { byField } = asProblem(error)
    form.setErrors(byField)
    const first = fields.find((name) => byField[name])
    if (first) form.getInputNode(first)?.focus()
    // oxlint-disable-next-line react/exhaustive-deps -- the form is a new object at each turn
  }, [error])
  const eye = { 'aria-label': 'Show the password', tabIndex: 0 }
  return (
    <Card withBorder maw={420}>
      <form noValidate onSubmit={form.onSubmit((values) => mutate(values))}>
        <Stack>
          <Text size="sm">All sessions and API tokens of yours end with the old password.</Text>
          <PasswordInput
            label="Password until now"
            required
            autoComplete="current-password"
            visibilityToggleButtonProps={eye}
            key={form.key('current_password')}
            {...form.getInputProps('current_password')}
          />
          <PasswordInput
            label="New password"
            description="8 to 128 characters of any kind, but none of the most common passwords."
            required
            autoComplete="new-password"
            visibilityToggleButtonProps={eye}
            key={form.key('password')}
            {...form.getInputProps('password')}
          />
          <ProblemNote problem={problem} fields={fields} />
          <Button type="submit" loading={isPending}>
            Change the password
          </Button>
        </Stack>
      </form>
    </Card>
  )
}
