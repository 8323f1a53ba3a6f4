import { Button, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'

import { toProblem } from '../api/problem'
import { ProblemAlert } from '../components/form'
import { TextLink } from '../components/links'
import { type Credentials, signIn, useSession } from './api'
import { PasswordField } from './PasswordField'
import { safeRedirectPath } from './safeRedirectPath'
import { SessionFrame } from './SessionFrame'

/** SignInScreen signs a user in and opens the page in the search parameter next. */
export function SignInScreen() {
  const { next } = useSearch({ from: '/sign-in' })
  const router = useRouter()
  const queryClient = useQueryClient()
  const session = useSession()
  const form = useForm({ mode: 'uncontrolled', initialValues: { username: '', password: '' } })
  const { mutate, isPending, error } = useMutation({
    mutationFn: (credentials: Credentials) => signIn(queryClient, credentials),
    onSuccess: () => router.history.replace(safeRedirectPath(next)),
    onError: () => form.getInputNode('password')?.focus(),
    gcTime: 0, // do not cache the password
  })
  const problem = error ? toProblem(error) : undefined
  return (
    <SessionFrame title="Sign in">
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
          <PasswordField
            label="Password"
            autoComplete="current-password"
            key={form.key('password')}
            {...form.getInputProps('password')}
          />
          <ProblemAlert problem={problem} />
          <Button type="submit" loading={isPending}>
            Sign in
          </Button>
          {session?.may_register && (
            <TextLink to="/register" size="sm">
              Create account
            </TextLink>
          )}
          <Text size="sm" c="dimmed">
            Forgot your password? Ask an admin for a reset link.
          </Text>
        </Stack>
      </form>
    </SessionFrame>
  )
}
