import { Button, Group, Text } from '@mantine/core'

import { containerTitle } from '../containers/api'
import type { Content } from './api'

interface Props {
  contents: Content[]
  chosen: string | undefined
  onChoose: (content: Content) => void
}

const shownCount = 30

/** UnplacedContents lists what lies in a container without a position. */
export function UnplacedContents({ contents, chosen, onChoose }: Props) {
  if (contents.length === 0) return null
  return (
    <div>
      <Text size="sm" c="dimmed" mb={4}>
        Without a position:
      </Text>
      <Group gap={6}>
        {contents.slice(0, shownCount).map((content) => (
          <Button
            key={content.uuid}
            variant="default"
            size="compact-sm"
            aria-pressed={content.uuid === chosen}
            onClick={() => onChoose(content)}
          >
            {containerTitle(content)}
          </Button>
        ))}
        {contents.length > shownCount && (
          <Text size="sm">and {(contents.length - shownCount).toLocaleString('en')} more</Text>
        )}
      </Group>
    </div>
  )
}
