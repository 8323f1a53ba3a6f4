import { Group } from '@mantine/core'
import { Fragment, type ReactNode } from 'react'

import { TextLink } from '../components/links'
import { ComputerLink } from '../computers/ComputerLink'
import { FreezerLink } from '../freezers/FreezerLink'
import { SiteLink } from '../sites/SiteLink'
import type { Todo } from './api'

/** hasLinkedItems reports whether a todo is linked to a site, freezer, computer or alert. */
export function hasLinkedItems({ site_id, freezer_id, computer_id, alert_id }: Todo): boolean {
  return [site_id, freezer_id, computer_id, alert_id].some((id) => id !== null)
}

/** LinkedItems shows links to the items that a todo is linked to, as one text if isCompact. */
export function LinkedItems({ todo, isCompact = false }: { todo: Todo; isCompact?: boolean }) {
  if (!hasLinkedItems(todo)) return '–'
  const { site_id, freezer_id, computer_id, alert_id } = todo
  const links: ReactNode[] = [
    site_id !== null && <SiteLink key="site" id={site_id} />,
    freezer_id !== null && <FreezerLink key="freezer" id={freezer_id} />,
    computer_id !== null && <ComputerLink key="computer" id={computer_id} />,
    alert_id !== null && (
      <TextLink key="alert" to="/alerts/$id" params={{ id: alert_id }}>
        Alert
      </TextLink>
    ),
  ].filter(Boolean)
  if (!isCompact)
    return (
      <Group component="span" gap="xs">
        {links}
      </Group>
    )
  return (
    <span>
      {links.map((link, i) => (
        <Fragment key={i}>
          {i > 0 && ', '}
          {link}
        </Fragment>
      ))}
    </span>
  )
}
