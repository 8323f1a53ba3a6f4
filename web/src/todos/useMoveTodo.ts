import { useMutation, useQueryClient } from '@tanstack/react-query'

import { toProblem } from '../api/problem'
import { updateInLists } from '../api/useRowEdit'
import { toast } from '../components/toast'
import { fetchTodo, statusLabel, type Todo, todoQuery, updateTodo } from './api'

interface TodoMove {
  todo: Todo
  status: string
}

/**
 * useMoveTodo changes the status of todos. The change shows at once and is reverted if the server rejects it. If
 * another user changed only other fields meanwhile, the move is retried on the new version.
 */
export function useMoveTodo() {
  const queryClient = useQueryClient()
  const updateCache = (nextTodo: Todo) => {
    updateInLists(queryClient, ['todos'], ({ id }: Todo) => id === nextTodo.id, nextTodo)
    queryClient.setQueryData<Todo>(todoQuery(nextTodo.id).queryKey, (current) => current && nextTodo)
  }
  // The response to an earlier move must not hide a later move.
  const isLastMove = () => queryClient.isMutating({ mutationKey }) === 1
  return useMutation({
    mutationKey,
    scope: { id: 'todo-moves' }, // one at a time: each move needs the version from the previous one
    mutationFn: async ({ todo, status }: TodoMove) => {
      try {
        return await updateTodo({ status }, newestVersion(todo))
      } catch (error) {
        if (toProblem(error).status !== 412) throw error
        const remote = await fetchTodo(todo.id)
        if (remote.status !== todo.status) {
          toast(`Another user moved “${remote.description}” to ${statusLabel(remote.status)}. Your move was discarded.`, 'error')
          return remote
        }
        return updateTodo({ status }, remote)
      }
    },
    onMutate: async ({ todo, status }) => {
      await queryClient.cancelQueries({ queryKey: ['todos'] }) // an older response would hide the move
      updateCache({ ...todo, status })
    },
    onSuccess: (nextTodo) => {
      latestById.set(nextTodo.id, nextTodo)
      if (isLastMove()) updateCache(nextTodo)
    },
    onError: (error, { todo }) => {
      updateCache(newestVersion(todo))
      toast(`“${todo.description}” could not be moved. ${toProblem(error).message}`, 'error')
    },
    onSettled: () => void (isLastMove() && queryClient.invalidateQueries({ queryKey: ['todos'] })),
  })
}

const mutationKey = ['todo-move']
const latestById = new Map<number, Todo>() // as last returned by the server

function newestVersion(todo: Todo): Todo {
  const current = latestById.get(todo.id)
  return current && current.version > todo.version ? current : todo
}
