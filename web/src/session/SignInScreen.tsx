import { Button, Card, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'

import { asProblem } from '../api/problem'
import { ProblemNote } from '../components/form'
import { TextLink } from '../components/links'
import { Screen } from '../components/Screen'
import { type Credentials, signIn, useSession } from './api'
import { inside } from './safeRedirectPath'
import { PasswordField } from './PasswordField'

/** SignInScreen lets people in, and leads them where they wanted to go. */
export function SignInScreen() {
  const { next } = useSearch({ from: '/sign-in' })
  const router = useRouter()
  const queryClient = useQueryClient()
  const session = useSession()
  const form = useForm({ mode: 'uncontrolled', initialValues: { username: '', password: '' } })
  const { mutate, isPending, error } = useMutation({
    mutationFn: (given: Credentials) => signIn(queryClient, given),
    onSuccess: () => router.history.replace(inside(next)),
    onError: () => form.getInputNode('password')?.focus(),
    gcTime: 0, // the password is not kept
  })
  const problem = error ? asProblem(error) : undefined
  return (
    <Screen title="Sign in">
      <Card withBorder maw={420}>
        <form onSubmit={form.onSubmit((values) => mutate(values))}>
          <Stack>
            <TextInput label="Username" required autoComplete="username" autoCapitalize="none" spellCheck={false} key={form.key('username')} {...form.getInputProps('username')} />
            <PasswordField label="Password" autoComplete="current-password" key={form.key('password')} {...form.getInputProps('password')} />
            <ProblemNote problem={problem} />
            <Button type="submit" loading={isPending}>
              Sign in
            </Button>
            {session?.may_register && <TextLink to="/register">Get an account</TextLink>}
          </Stack>
        </form>
      </Card>
    </Screen>
  )
}
