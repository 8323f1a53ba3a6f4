import { useInfiniteQuery } from '@tanstack/react-query'

import { ButtonLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { Section } from '../components/Section'
import { linkedTodosQuery, type TodoLink } from './api'
import { TodoList } from './TodoList'

/** LinkedTodos lists the todos linked to an item, with a button for a new one. */
export function LinkedTodos({ link }: { link: TodoLink }) {
  const newButton = (
    <ButtonLink
      to="/todos/new"
      search={Object.fromEntries(Object.entries(link).map(([name, id]) => [name, String(id)]))}
      variant="default"
    >
      New todo
    </ButtonLink>
  )
  return (
    <Section title="Todos" id="todos" actions={newButton}>
      <TodoList
        showLinks={false}
        query={useInfiniteQuery(linkedTodosQuery(link))}
        empty={<EmptyState icon="todo" title="No linked todos" />}
      />
    </Section>
  )
}
