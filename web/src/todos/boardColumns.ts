import { statuses, type Todo } from './api'

export const other = 'other'

/** columnOf is the column of the board where a todo stands. */
export function columnOf({ status }: Pick<Todo, 'status'>): string {
  return statuses.includes(status) ? status : other
}

/** beside is the status that a todo gets one column to the left (-1) or right (+1); undefined where there is none. Whatever is unknown stands right of done. */
export function beside(todo: Pick<Todo, 'status'>, step: -1 | 1): string | undefined {
  const at = statuses.indexOf(todo.status)
  return statuses[(at < 0 ? statuses.length : at) + step]
}
