import { Group } from '@mantine/core'

import { TextLink } from '../components/links'
import { ComputerLink } from '../computers/ComputerLink'
import { FreezerLink } from '../freezers/FreezerLink'
import { SiteLink } from '../sites/SiteLink'
import type { Todo } from './api'

/** hasLinkedItems reports whether a todo is linked to a site, freezer, computer or alert. */
export function hasLinkedItems({ site_id, freezer_id, computer_id, alert_id }: Todo): boolean {
  return [site_id, freezer_id, computer_id, alert_id].some((id) => id !== null)
}

/** LinkedItems shows links to the items that a todo is linked to, in one line if isCompact. */
export function LinkedItems({ todo, isCompact = false }: { todo: Todo; isCompact?: boolean }) {
  if (!hasLinkedItems(todo)) return '–'
  return (
    <Group component="span" gap="xs" wrap={isCompact ? 'nowrap' : 'wrap'}>
      {todo.site_id !== null && <SiteLink id={todo.site_id} />}
      {todo.freezer_id !== null && <FreezerLink id={todo.freezer_id} />}
      {todo.computer_id !== null && <ComputerLink id={todo.computer_id} />}
      {todo.alert_id !== null && (
        <TextLink to="/alerts/$id" params={{ id: todo.alert_id }}>
          Alert
        </TextLink>
      )}
    </Group>
  )
}
