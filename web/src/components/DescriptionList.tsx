import { SimpleGrid, Text } from '@mantine/core'
import type { ReactNode } from 'react'

/** DescriptionList shows the properties of one item as names and values. */
export function DescriptionList({ items }: { items: [name: string, value: ReactNode][] }) {
  return (
    <SimpleGrid component="dl" cols={{ base: 1, xs: 2, md: 3 }} spacing="sm" m={0}>
      {items.map(([name, value]) => (
        <div key={name}>
          <Text component="dt" size="sm" c="dimmed">
            {name}
          </Text>
          <Text component="dd" m={0} style={{ overflowWrap: 'anywhere' }}>
            {value ?? '–'}
          </Text>
        </div>
      ))}
    </SimpleGrid>
  )
}
