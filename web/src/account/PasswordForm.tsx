import { Button, Card, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'

import { toProblem } from '../api/problem'
import { ProblemAlert, useFormFocus } from '../components/form'
import { NewPasswordField, PasswordField } from '../session/PasswordField'
import { changePassword } from './api'

const fields = ['current_password', 'password'] as const

/** PasswordForm changes the user's password, which ends all sessions and revokes all API tokens. */
export function PasswordForm({ onChanged }: { onChanged: () => void }) {
  const form = useForm({ mode: 'uncontrolled', initialValues: { current_password: '', password: '' } })
  const { mutate, isPending, error } = useMutation({
    mutationFn: ({ current_password, password }: Record<(typeof fields)[number], string>) =>
      changePassword(current_password, password),
    onSuccess: onChanged,
    gcTime: 0, // do not cache passwords
  })
  const problem = error ? toProblem(error) : undefined
  useFormFocus(form, fields, problem, { focusInitially: false }) // the form is only one section of the screen
  return (
    <Card withBorder maw={420}>
      <form noValidate onSubmit={form.onSubmit((values) => mutate(values))}>
        <Stack>
          <Text size="sm">Changing your password signs you out everywhere and revokes your API tokens.</Text>
          <PasswordField
            label="Current password"
            autoComplete="current-password"
            key={form.key('current_password')}
            {...form.getInputProps('current_password')}
          />
          <NewPasswordField label="New password" key={form.key('password')} {...form.getInputProps('password')} />
          <ProblemAlert problem={problem} fields={fields} />
          <Button type="submit" loading={isPending}>
            Change password
          </Button>
        </Stack>
      </form>
    </Card>
  )
}
