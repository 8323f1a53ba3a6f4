import { useInfiniteQuery } from '@tanstack/react-query'

import { ButtonLink } from '../components/links'
import { Empty } from '../components/placeholders'
import { Part } from '../components/Section'
import { type Thing, todosAbout } from './api'
import { TodoList } from './TodoList'

/** TodosAbout are the todos that are about a thing, and the way to a new one. */
export function TodosAbout({ thing }: { thing: Thing }) {
  const fresh = (
    <ButtonLink to="/todos/new" search={Object.fromEntries(Object.entries(thing).map(([name, key]) => [name, String(key)]))} variant="default">
      New todo
    </ButtonLink>
  )
  return (
    <Part title="Todos" id="todos" actions={fresh}>
      <TodoList about={false} query={useInfiniteQuery(todosAbout(thing))} empty={<Empty icon="todo" title="No todo is about it" />} />
    </Part>
  )
}
