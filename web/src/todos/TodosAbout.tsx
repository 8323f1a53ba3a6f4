import { useInfiniteQuery } from '@tanstack/react-query'

import { Empty } from '../parts/states'
import { type Thing, todosAbout } from './api'
import { TodoList } from './TodoList'

/** TodosAbout are the todos that are about a thing. */
export function TodosAbout({ thing }: { thing: Thing }) {
  return <TodoList query={useInfiniteQuery(todosAbout(thing))} empty={<Empty icon="todo" title="No todo is about it" />} />
}
