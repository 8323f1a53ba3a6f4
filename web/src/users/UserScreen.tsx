import { Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { QueryBoundary } from '../components/QueryBoundary'
import { RowMenu } from '../components/RowMenu'
import { Screen } from '../components/Screen'
import { ScreenTabs } from '../components/ScreenTabs'
import { type Person, personQuery } from '../people/api'
import { PersonAvatar } from '../people/PersonName'
import { usePermission } from '../session/api'
import { deleteUser, type User, userQuery } from './api'
import { UserActivity, UserAlerts, UserAttachments, UserCheckouts, UserEvents, UserTodos } from './UserLists'
import { UserProfile } from './UserProfile'

/** UserScreen shows everything of one person. Admins also see and edit the account. */
export function UserScreen() {
  const { id: idParam } = useParams({ from: '/users/$id' })
  const id = Number(idParam)
  const isAdmin = usePermission('admin')
  const query = useQuery(personQuery(id))
  const { data: user } = useQuery({ ...userQuery(id), enabled: isAdmin })
  return (
    <Screen
      title={query.data?.display_name ?? `User ${idParam}`}
      breadcrumb={isAdmin && <TextLink to="/users">Users</TextLink>}
      actions={user && <UserMenu user={user} />}
    >
      <QueryBoundary query={query}>{(person) => <PersonTabs person={person} isAdmin={isAdmin} />}</QueryBoundary>
    </Screen>
  )
}

function PersonTabs({ person, isAdmin }: { person: Person; isAdmin: boolean }) {
  return (
    <>
      <Group gap="sm">
        <PersonAvatar name={person.display_name} size={40} />
        <Text c="dimmed" size="sm">
          {person.username}, user {person.id}
        </Text>
      </Group>
      <ScreenTabs
        label="About this person"
        tabs={[
          ...(isAdmin ? [{ name: 'account', label: 'Account', render: () => <UserProfile id={person.id} /> }] : []),
          { name: 'todos', label: 'Todos', render: () => <UserTodos person={person} /> },
          { name: 'checkouts', label: 'Checked out', render: () => <UserCheckouts person={person} /> },
          { name: 'alerts', label: 'Alerts', render: () => <UserAlerts person={person} /> },
          { name: 'events', label: 'Events', render: () => <UserEvents person={person} /> },
          { name: 'activity', label: 'Activity', render: () => <UserActivity person={person} /> },
          { name: 'attachments', label: 'Attachments', render: () => <UserAttachments person={person} /> },
        ]}
      />
    </>
  )
}

function UserMenu({ user }: { user: User }) {
  const navigate = useNavigate()
  return (
    <RowMenu
      canDelete
      itemName={user.display_name ?? user.username}
      onDelete={(options) => deleteUser(user, options)}
      navigateAway={() => navigate({ to: '/users' })}
      queryKey={userQuery(user.id).queryKey}
    />
  )
}
