import { Button, Group, Stack, Text, TextInput } from '@mantine/core'

import { copyText } from '../components/copyText'
import { Dialog } from '../components/Dialog'
import type { PasswordLink } from './api'

/** newLinkKey is the key under which a new link waits for the page of its user. */
export const newLinkKey = (userId: number) => ['new-link', userId] as const

interface Props {
  name: string
  email: string | null
  link: PasswordLink
  onClose: () => void
}

/** PasswordLinkDialog shows a new link, which cannot be shown again. */
export function PasswordLinkDialog({ name, email, link, onClose }: Props) {
  const url = location.origin + link.url
  const isInvitation = link.kind === 'invitation'
  const subject = isInvitation ? 'Your invitation to Labledger' : 'Your new password for Labledger'
  const text = `Hello ${name},\n\nopen this link to choose a password. The link works once, within 24 hours.\n\n${url}\n`
  const mail = `mailto:${email ?? ''}?subject=${encodeURIComponent(subject)}&body=${encodeURIComponent(text)}`
  return (
    <Dialog
      title={isInvitation ? `Invitation for ${name}` : `Password reset for ${name}`}
      onClose={onClose}
      closeOnClickOutside={false}
      size="lg"
    >
      <Stack>
        <Text size="sm">
          Send this link to {name}. The first person who opens it chooses the password. It works once, within 24 hours. You
          won’t see it again.
        </Text>
        <TextInput aria-label="Link" readOnly value={url} onFocus={(event) => event.currentTarget.select()} />
        <Group justify="end">
          <Button variant="default" component="a" href={mail}>
            Write an e-mail
          </Button>
          <Button data-autofocus onClick={() => void copyText('Link', url)}>
            Copy link
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}
