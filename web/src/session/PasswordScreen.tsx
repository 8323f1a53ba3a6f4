import { Button, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useLocation, useNavigate } from '@tanstack/react-router'

import { toProblem } from '../api/problem'
import { ProblemAlert, useFormFocus } from '../components/form'
import { ButtonLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { toast } from '../components/toast'
import { type LinkInfo, linkQuery, setPasswordWithLink, signIn } from './api'
import { NewPasswordField } from './PasswordField'
import { SessionFrame } from './SessionFrame'

/** PasswordScreen opens an invitation or a password reset: the user chooses a password and is signed in. */
export function PasswordScreen() {
  const token = useLocation({ select: ({ hash }) => hash }) // browsers do not send the fragment to the server
  const query = useQuery({ ...linkQuery(token), enabled: token !== '' })
  const isInvalid = token === '' || (query.error && toProblem(query.error).status === 404)
  return (
    <SessionFrame title="Choose a password">
      {isInvalid ? (
        <EmptyState
          icon="lock"
          title="This link is not valid"
          actions={<ButtonLink to="/sign-in">Sign in</ButtonLink>}
        >
          It was used, replaced or revoked, or it has expired: a link works once, within 24 hours. Ask an admin for
          a new one.
        </EmptyState>
      ) : (
        <QueryBoundary query={query} rows={3}>
          {(link) => <PasswordForm key={token} token={token} link={link} />}
        </QueryBoundary>
      )}
    </SessionFrame>
  )
}

const fields = ['password'] as const

function PasswordForm({ token, link: { username, display_name, kind } }: { token: string; link: LinkInfo }) {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const form = useForm({ mode: 'uncontrolled', initialValues: { password: '' } })
  const { mutate, isPending, error } = useMutation({
    mutationFn: async ({ password }: { password: string }) => {
      await setPasswordWithLink(token, password)
      return signIn(queryClient, { username, password })
    },
    onSuccess: () => {
      toast(kind === 'invitation' ? `Welcome, ${display_name}` : 'Password changed')
      void navigate({ to: '/', replace: true })
    },
    gcTime: 0, // do not cache the password
  })
  const problem = error ? toProblem(error) : undefined
  useFormFocus(form, fields, problem)
  return (
    <form onSubmit={form.onSubmit((values) => mutate(values))}>
      <Stack>
        <Text>
          {kind === 'invitation'
            ? `Hello ${display_name}. Choose a password for your account.`
            : `Hello ${display_name}. Choose a new password. Saving it signs you out everywhere and revokes your API tokens.`}
        </Text>
        <TextInput label="Username" value={username} readOnly autoComplete="username" />
        <NewPasswordField label="New password" key={form.key('password')} {...form.getInputProps('password')} />
        <ProblemAlert problem={problem} fields={fields} />
        <Button type="submit" loading={isPending}>
          Save and sign in
        </Button>
      </Stack>
    </form>
  )
}
