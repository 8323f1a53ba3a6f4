import { Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { type Filter, FilterBar, useFilters } from '../components/filters'
import { TextLink } from '../components/links'
import { Screen } from '../components/Screen'
import { Empty } from '../components/placeholders'
import { Shown } from '../components/QueryBoundary'
import { Part } from '../components/Section'
import { referenceQuery } from './api'
import { matches } from './openapi'

const filters = [{ name: 'find', label: 'Find', placeholder: 'A path, or words' }] as const satisfies Filter<string>[]

/** ReferenceScreen lists everything that programs can ask of the server. */
export function ReferenceScreen() {
  const [{ find = '' }, set] = useFilters(filters)
  const query = useQuery(referenceQuery)
  return (
    <Screen title="API reference">
      <FilterBar filters={filters} values={find ? { find } : {}} set={set} />
      <Shown query={query}>
        {(all) => {
          const found = all.filter((one) => matches(one, find.trim()))
          const tags = [...new Set(found.map(({ tag }) => tag))]
          return (
            <>
              <Text size="sm" c="dimmed" role="status">
                {found.length === 1 ? 'One operation' : `${found.length} operations`}
              </Text>
              {found.length === 0 && <Empty title="No operation has all these words" />}
              {tags.map((tag) => (
                <Part key={tag} title={tag.charAt(0).toUpperCase() + tag.slice(1)} id={`tag-${tag.replaceAll(' ', '-')}`}>
                  <Stack component="ul" gap={6} m={0} p={0} style={{ listStyle: 'none' }}>
                    {found
                      .filter((one) => one.tag === tag)
                      .map(({ id, method, path, summary }) => (
                        <Group component="li" key={id} gap="xs">
                          <TextLink to="/reference/$operation" params={{ operation: id }} ff="monospace" size="sm" style={{ overflowWrap: 'anywhere' }}>
                            {method} {path}
                          </TextLink>
                          <Text size="sm">{summary}</Text>
                        </Group>
                      ))}
                  </Stack>
                </Part>
              ))}
            </>
          )
        }}
      </Shown>
    </Screen>
  )
}
