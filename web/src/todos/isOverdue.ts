import { localDay } from '../components/localDay'
import type { Todo } from './api'

/** isOverdue reports whether a todo is past its due date and not done. */
export const isOverdue = ({ due_on, status }: Pick<Todo, 'due_on' | 'status'>, now = new Date()): boolean =>
  due_on !== null && status !== 'done' && due_on < localDay({}, now)
