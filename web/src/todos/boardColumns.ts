import { statuses, type Todo } from './api'

export const otherColumn = 'other'

/** boardColumn is the column of the board where a todo stands. */
export function boardColumn({ status }: Pick<Todo, 'status'>): string {
  return statuses.includes(status) ? status : otherColumn
}

/** adjacentStatus is the status that a todo gets one column to the left (-1) or right (+1); undefined where there is none. Whatever is unknown stands right of done. */
export function adjacentStatus(todo: Pick<Todo, 'status'>, step: -1 | 1): string | undefined {
  const index = statuses.indexOf(todo.status)
  return statuses[(index < 0 ? statuses.length : index) + step]
}
