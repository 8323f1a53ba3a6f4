import { Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { DelayedTextInput } from '../components/DelayedTextInput'
import { TextLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { Section } from '../components/Section'
import { useSearchParam } from '../components/useSearchParam'
import { referenceQuery } from './api'
import { matchesSearch } from './openapi'

/** ReferenceScreen lists the operations of the API. */
export function ReferenceScreen() {
  const [find, setFind] = useSearchParam('find')
  const query = useQuery(referenceQuery)
  return (
    <Screen title="API reference">
      <DelayedTextInput
        label="Search operations"
        placeholder="Path or keywords"
        maw={400}
        value={find}
        onChange={setFind}
      />
      <QueryBoundary query={query}>
        {(operations) => {
          const matches = operations.filter((operation) => matchesSearch(operation, find.trim()))
          const tags = [...new Set(matches.map(({ tag }) => tag))]
          return (
            <>
              <Text size="sm" c="dimmed" role="status">
                {matches.length === 1 ? '1 operation' : `${matches.length} operations`}
              </Text>
              {matches.length === 0 && <EmptyState title="No operations match this search" />}
              {tags.map((tag) => (
                <Section
                  key={tag}
                  title={tag.charAt(0).toUpperCase() + tag.slice(1)}
                  id={`tag-${tag.replaceAll(' ', '-')}`}
                >
                  <Stack component="ul" gap={6} m={0} p={0} style={{ listStyle: 'none' }}>
                    {matches
                      .filter((operation) => operation.tag === tag)
                      .map(({ id, method, path, summary }) => (
                        <Group component="li" key={id} gap="xs">
                          <TextLink
                            to="/reference/$operation"
                            params={{ operation: id }}
                            ff="monospace"
                            size="sm"
                            style={{ overflowWrap: 'anywhere' }}
                          >
                            {method} {path}
                          </TextLink>
                          <Text size="sm">{summary}</Text>
                        </Group>
                      ))}
                  </Stack>
                </Section>
              ))}
            </>
          )
        }}
      </QueryBoundary>
    </Screen>
  )
}
