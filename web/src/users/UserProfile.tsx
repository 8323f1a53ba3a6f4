import { SimpleGrid } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { ChangeList } from '../changes/ChangeList'
import { QueryBoundary } from '../components/QueryBoundary'
import { Section } from '../components/Section'
import { formatUserField, userHistory, userLabels, userQuery } from './api'
import { UserAccess } from './UserAccess'
import { UserDetails } from './UserDetails'

/** UserProfile shows and edits an account, and how the user signs in. It requires the admin role. */
export function UserProfile({ id }: { id: number }) {
  const query = useQuery(userQuery(id))
  return (
    <QueryBoundary query={query}>
      {(user) => (
        <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
          <div>
            <UserDetails user={user} />
          </div>
          <UserAccess user={user} />
          <Section title="History" id="history">
            <ChangeList
              queryKey={['user', id, 'history']}
              fetchHistory={userHistory(id)}
              labels={userLabels}
              formatField={formatUserField}
            />
          </Section>
        </SimpleGrid>
      )}
    </QueryBoundary>
  )
}
