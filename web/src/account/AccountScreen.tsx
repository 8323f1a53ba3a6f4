import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { DeleteDialog } from '../components/DeleteDialog'
import { Screen } from '../components/Screen'
import { Empty } from '../components/placeholders'
import { Shown } from '../components/QueryBoundary'
import { Part } from '../components/Section'
import { toast } from '../components/toast'
import { useSession } from '../session/api'
import { useLeave } from '../session/useSignOut'
import { type Account, deleteOwn, ownQuery } from './api'
import { OwnDetails } from './AccountDetails'
import { PasswordForm } from './PasswordForm'
import { Sessions } from './Sessions'
import { Tokens } from './Tokens'

/** AccountScreen is where one keeps one's own account: its data, password, sessions and API tokens. */
export function AccountScreen() {
  const session = useSession()
  return (
    <Screen title="Your account">
      {session && !session.signed_in ? <Empty icon="user" title="You have no account here">Whoever reaches this server may do everything, and nobody needs to sign in.</Empty> : <Own />}
    </Screen>
  )
}

function Own() {
  const query = useQuery(ownQuery)
  const leave = useLeave()
  const gone = (why: string) => {
    toast(why)
    void leave()
  }
  return (
    <Shown query={query}>
      {(account) => (
        <>
          <OwnDetails account={account} />
          <Part title="Password" id="password">
            <PasswordForm changed={() => gone('Your password is changed. Sign in with the new one.')} />
          </Part>
          <Part title="Sessions" id="sessions">
            <Sessions ended={() => gone('You are signed out.')} />
          </Part>
          <Tokens />
          <Part title="Delete the account" id="delete">
            <DeleteOwn account={account} deleted={() => gone('Your account is deleted.')} />
          </Part>
        </>
      )}
    </Shown>
  )
}

function DeleteOwn({ account, deleted }: { account: Account; deleted: () => void }) {
  const [asking, ask] = useState(false)
  return (
    <>
      <Button variant="default" onClick={() => ask(true)}>
        Delete your account
      </Button>
      {asking && <DeleteDialog what={`your account, ${account.username}`} remove={({ dryRun }) => deleteOwn(account, dryRun)} deleted={deleted} close={() => ask(false)} />}
    </>
  )
}
