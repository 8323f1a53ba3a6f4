import { Button, Card, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'

import { toProblem } from '../api/problem'
import { ProblemAlert, useFormFocus } from '../components/form'
import { NewPasswordField, PasswordField } from '../session/PasswordField'
import { changePassword } from './api'

const fields = ['current_password', 'password'] as const

/** PasswordForm changes one's password, for which it takes the old one. All sessions end, this one too. */
export function PasswordForm({ onChanged }: { onChanged: () => void }) {
  const form = useForm({ mode: 'uncontrolled', initialValues: { current_password: '', password: '' } })
  const { mutate, isPending, error } = useMutation({
    mutationFn: ({ current_password, password }: Record<(typeof fields)[number], string>) => changePassword(current_password, password),
    onSuccess: onChanged,
    gcTime: 0, // nothing of it is kept
  })
  const problem = error ? toProblem(error) : undefined
  useFormFocus(form, fields, problem, { focusInitially: false }) // it is one part of a screen
  return (
    <Card withBorder maw={420}>
      <form noValidate onSubmit={form.onSubmit((values) => mutate(values))}>
        <Stack>
          <Text size="sm">All sessions and API tokens of yours end with the old password.</Text>
          <PasswordField label="Password until now" autoComplete="current-password" key={form.key('current_password')} {...form.getInputProps('current_password')} />
          <NewPasswordField label="New password" key={form.key('password')} {...form.getInputProps('password')} />
          <ProblemAlert problem={problem} fields={fields} />
          <Button type="submit" loading={isPending}>
            Change the password
          </Button>
        </Stack>
      </form>
    </Card>
  )
}
