import { Button, Card, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'

import { toProblem } from '../api/problem'
import { ProblemAlert, useFormFocus } from '../components/form'
import { TextLink } from '../components/links'
import { Forbidden } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { toast } from '../components/toast'
import { type Credentials, register, signIn, useSession } from './api'
import { NewPasswordField } from './PasswordField'

/** RegisterScreen gives people an account of their own, where the server lets them. They are viewers at first. */
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
      toast(`Welcome, ${username}. You may read everything; an admin can let you do more.`)
      void navigate({ to: '/' })
    },
    gcTime: 0, // the password is not kept
  })
  const problem = error ? toProblem(error) : undefined
  useFormFocus(form, ['username', 'password'], problem)
  return (
    <Screen title="Get an account">
      {session && !session.may_register ? (
        <Forbidden>Nobody registers here by themselves. Ask an admin for an account.</Forbidden>
      ) : (
        <Card withBorder maw={420}>
          <form onSubmit={form.onSubmit((values) => mutate(values))}>
            <Stack>
              <TextInput label="Username" required autoComplete="username" autoCapitalize="none" spellCheck={false} key={form.key('username')} {...form.getInputProps('username')} />
              <NewPasswordField label="Password" key={form.key('password')} {...form.getInputProps('password')} />
              <ProblemAlert problem={problem} fields={['username', 'password']} />
              <Button type="submit" loading={isPending}>
                Get an account
              </Button>
              <TextLink to="/sign-in">I have one</TextLink>
            </Stack>
          </form>
        </Card>
      )}
    </Screen>
  )
}
