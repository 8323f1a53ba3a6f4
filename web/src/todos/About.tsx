import { Group } from '@mantine/core'

import { TextLink } from '../parts/links'
import type { Todo } from './api'

const things = [
  { field: 'site_id', noun: 'Site', to: '/sites/$id' },
  { field: 'freezer_id', noun: 'Freezer', to: '/freezers/$id' },
  { field: 'computer_id', noun: 'Computer', to: '/computers/$id' },
  { field: 'alert_id', noun: 'Alert', to: '/alerts/$id' },
] as const

/** isAbout tells whether a todo is about something. */
export function isAbout(todo: Todo): boolean {
  return things.some(({ field }) => todo[field] !== null)
}

/** About leads to what a todo is about. */
export function About({ todo }: { todo: Todo }) {
  const found = things.filter(({ field }) => todo[field] !== null)
  if (found.length === 0) return '–'
  return (
    <Group component="span" gap="xs">
      {found.map(({ field, noun, to }) => (
        <TextLink key={field} to={to} params={{ id: String(todo[field]) }}>
          {field === 'alert_id' ? noun : `${noun} ${todo[field]}`}
        </TextLink>
      ))}
    </Group>
  )
}
