import { useMutation, useQueryClient } from '@tanstack/react-query'

import { toProblem } from '../api/problem'
import { updateInLists } from '../api/useRowEdit'
import { toast } from '../components/toast'
import { fetchTodo, type Todo, todoQuery, updateTodo } from './api'

interface TodoMove {
  todo: Todo
  status: string
}

/** useMoveTodo gives todos another status. It shows at once, and is taken back when it is refused. If others changed only other fields meanwhile, it still goes. */
export function useMoveTodo() {
  const queryClient = useQueryClient()
  const updateCache = (nextTodo: Todo) => {
    updateInLists(queryClient, ['todos'], ({ id }: Todo) => id === nextTodo.id, nextTodo)
    queryClient.setQueryData<Todo>(todoQuery(nextTodo.id).queryKey, (current) => current && nextTodo)
  }
  const isLastMove = () => queryClient.isMutating({ mutationKey }) === 1 // or what comes after it would be hidden
  return useMutation({
    mutationKey,
    scope: { id: 'todo-moves' }, // one after the other: each knows the version that the one before has left
    mutationFn: async ({ todo, status }: TodoMove) => {
      try {
        return await updateTodo({ status }, newestVersion(todo))
      } catch (error) {
        if (toProblem(error).status !== 412) throw error
        const remote = await fetchTodo(todo.id)
        if (remote.status !== todo.status) {
          toast(`Somebody else has moved “${remote.description}” to ${remote.status}. It stays there.`, 'error')
          return remote
        }
        return updateTodo({ status }, remote)
      }
    },
    onMutate: async ({ todo, status }) => {
      await queryClient.cancelQueries({ queryKey: ['todos'] }) // an older answer would hide the move
      updateCache({ ...todo, status })
    },
    onSuccess: (nextTodo) => {
      latestById.set(nextTodo.id, nextTodo)
      if (isLastMove()) updateCache(nextTodo)
    },
    onError: (error, { todo }) => {
      updateCache(newestVersion(todo))
      toast(`“${todo.description}” stays where it was. ${toProblem(error).message}`, 'error')
    },
    onSettled: () => {
      if (isLastMove()) void queryClient.invalidateQueries({ queryKey: ['todos'] })
    },
  })
}

const mutationKey = ['todo-move']
const latestById = new Map<number, Todo>() // as the server last answered a move

function newestVersion(todo: Todo): Todo {
  const current = latestById.get(todo.id)
  return current && current.version > todo.version ? current : todo
}
