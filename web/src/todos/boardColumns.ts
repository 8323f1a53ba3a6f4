import { statuses, type Todo } from './api'

/** otherColumn is the column of all statuses without a column of their own. */
export const otherColumn = 'other'

/** maxDone is the number of cards in the column of done todos. */
const maxDone = 20

/** newestDone returns the todos that the column of done todos shows: those that were just moved, then the newest. */
export function newestDone<T extends Pick<Todo, 'id'>>(todos: T[], movedIds: ReadonlySet<number>): T[] {
  return todos
    .toSorted((a, b) => Number(movedIds.has(b.id)) - Number(movedIds.has(a.id)) || b.id - a.id)
    .slice(0, maxDone)
}

/** boardColumn returns the board column of a todo. */
export function boardColumn({ status }: Pick<Todo, 'status'>): string {
  return statuses.includes(status) ? status : otherColumn
}

/**
 * adjacentStatus returns the status of the column to the left (-1) or right (+1), or undefined at the edge. Other
 * statuses are to the right of done.
 */
export function adjacentStatus(todo: Pick<Todo, 'status'>, step: -1 | 1): string | undefined {
  const index = statuses.indexOf(todo.status)
  return statuses[(index < 0 ? statuses.length : index) + step]
}
