import { Button, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'

import { toProblem } from '../api/problem'
import { ProblemAlert, useFormFocus } from '../components/form'
import { TextLink } from '../components/links'
import { Forbidden } from '../components/placeholders'
import { toast } from '../components/toast'
import { type Credentials, register, signIn, useSession } from './api'
import { NewPasswordField } from './PasswordField'
import { SessionFrame } from './SessionFrame'

/** RegisterScreen creates an account if the server allows registration. New users are viewers. */
export function RegisterScreen() {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const session = useSession()
  const form = useForm({ mode: 'uncontrolled', initialValues: { username: '', password: '' } })
  const { mutate, isPending, error } = useMutation({
    mutationFn: async (credentials: Credentials) => {
      await register(credentials)
      return signIn(queryClient, credentials)
    },
    onSuccess: ({ username }) => {
      toast(`Welcome, ${username}. You can view everything. To make changes, ask an admin for another role.`)
      void navigate({ to: '/' })
    },
    gcTime: 0, // do not cache the password
  })
  const problem = error ? toProblem(error) : undefined
  useFormFocus(form, ['username', 'password'], problem)
  return (
    <SessionFrame title="Create account">
      {session && !session.may_register ? (
        <Forbidden>Registration is closed. Ask an admin to invite you.</Forbidden>
      ) : (
        <form onSubmit={form.onSubmit((values) => mutate(values))}>
          <Stack>
            <TextInput
              label="Username"
              required
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              key={form.key('username')}
              {...form.getInputProps('username')}
            />
            <NewPasswordField label="Password" key={form.key('password')} {...form.getInputProps('password')} />
            <ProblemAlert problem={problem} fields={['username', 'password']} />
            <Button type="submit" loading={isPending}>
              Create account
            </Button>
            <TextLink to="/sign-in" size="sm">
              Sign in instead
            </TextLink>
          </Stack>
        </form>
      )}
    </SessionFrame>
  )
}
