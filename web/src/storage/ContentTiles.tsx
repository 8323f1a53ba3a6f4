import { Text, UnstyledButton } from '@mantine/core'

import { TextLink } from '../components/links'
import { containerTitle } from '../containers/api'
import type { Content, Contents } from './api'
import { contentSize } from './cellName'
import classes from './ContentTiles.module.css'
import { OccupancyBar } from './OccupancyBar'

const shownCount = 200

interface Props {
  contents: Contents
  chosen: ReadonlySet<string>
  onChoose: (content: Content) => void
}

/** ContentTiles shows what lies in a container without a grid, such as the racks on a shelf. */
export function ContentTiles({ contents: { uuid, contents }, chosen, onChoose }: Props) {
  if (contents.length === 0)
    return (
      <Text size="sm" c="dimmed">
        Empty
      </Text>
    )
  return (
    <>
      <ul className={classes.tiles}>
        {contents.slice(0, shownCount).map((content) => (
          <li key={content.uuid}>
            <UnstyledButton
              className={classes.tile}
              aria-pressed={chosen.has(content.uuid)}
              onClick={() => onChoose(content)}
            >
              {containerTitle(content)}
              <span className={classes.size}>{contentSize(content)}</span>
              {content.positions !== null && <OccupancyBar taken={content.containers} positions={content.positions} />}
            </UnstyledButton>
          </li>
        ))}
      </ul>
      {contents.length > shownCount && (
        <TextLink to="/containers/$uuid" params={{ uuid }} size="sm">
          Show all {contents.length.toLocaleString('en')}
        </TextLink>
      )}
    </>
  )
}
