import { statuses, type Todo } from './api'

export const otherColumn = 'other'

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
