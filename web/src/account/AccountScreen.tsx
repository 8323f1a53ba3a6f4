import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { DeleteDialog } from '../components/DeleteDialog'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { Section } from '../components/Section'
import { toast } from '../components/toast'
import { useSession } from '../session/api'
import { useSignOut } from '../session/useSignOut'
import { AccountDetails } from './AccountDetails'
import { type Account, accountQuery, deleteAccount } from './api'
import { PasswordForm } from './PasswordForm'
import { SessionList } from './Sessions'
import { TokenList } from './Tokens'

/** AccountScreen shows the user's own account: details, password, sessions and API tokens. */
export function AccountScreen() {
  const session = useSession()
  return (
    <Screen title="Your account">
      {session && !session.signed_in ? (
        <EmptyState icon="user" title="No account">
          This server runs without sign-in: everyone has full access.
        </EmptyState>
      ) : (
        <AccountSections />
      )}
    </Screen>
  )
}

function AccountSections() {
  const query = useQuery(accountQuery)
  const signOut = useSignOut()
  const signOutWith = (message: string) => {
    toast(message)
    void signOut()
  }
  return (
    <QueryBoundary query={query}>
      {(account) => (
        <>
          <AccountDetails account={account} />
          <Section title="Password" id="password">
            <PasswordForm onChanged={() => signOutWith('Password changed. Sign in with your new password.')} />
          </Section>
          <Section title="Sessions" id="sessions">
            <SessionList onEnded={() => signOutWith('Signed out')} />
          </Section>
          <TokenList />
          <Section title="Delete account" id="delete">
            <DeleteAccount account={account} onDeleted={() => signOutWith('Account deleted')} />
          </Section>
        </>
      )}
    </QueryBoundary>
  )
}

function DeleteAccount({ account, onDeleted }: { account: Account; onDeleted: () => void }) {
  const [isOpen, setIsOpen] = useState(false)
  return (
    <>
      <Button variant="default" onClick={() => setIsOpen(true)}>
        Delete account
      </Button>
      {isOpen && (
        <DeleteDialog
          itemName={`your account (${account.username})`}
          onDelete={({ dryRun }) => deleteAccount(account, dryRun)}
          onDeleted={onDeleted}
          onClose={() => setIsOpen(false)}
        />
      )}
    </>
  )
}
