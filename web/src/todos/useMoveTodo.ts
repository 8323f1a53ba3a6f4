import { useMutation, useQueryClient } from '@tanstack/react-query'

import { showInLists } from '../api/useRowEdit'
import { asProblem } from '../api/problem'
import { toast } from '../components/toast'
import { changeTodo, readTodo, type Todo, todoQuery } from './api'

interface Move {
  todo: Todo
  status: string
}

/** useMove gives todos another status. It shows at once, and is taken back when it is refused. If others changed only other fields meanwhile, it still goes. */
export function useMove() {
  const queryClient = useQueryClient()
  const show = (next: Todo) => {
    showInLists(queryClient, ['todos'], ({ id }: Todo) => id === next.id, next)
    queryClient.setQueryData<Todo>(todoQuery(next.id).queryKey, (known) => known && next)
  }
  const last = () => queryClient.isMutating({ mutationKey }) === 1 // or what comes after it would be hidden
  return useMutation({
    mutationKey,
    scope: { id: 'todo-moves' }, // one after the other: each knows the version that the one before has left
    mutationFn: async ({ todo, status }: Move) => {
      try {
        return await changeTodo({ status }, newest(todo))
      } catch (thrown) {
        if (asProblem(thrown).status !== 412) throw thrown
        const theirs = await readTodo(todo.id)
        if (theirs.status !== todo.status) {
          toast(`Somebody else has moved “${theirs.description}” to ${theirs.status}. It stays there.`, 'bad')
          return theirs
        }
        return changeTodo({ status }, theirs)
      }
    },
    onMutate: async ({ todo, status }) => {
      await queryClient.cancelQueries({ queryKey: ['todos'] }) // an older answer would hide the move
      show({ ...todo, status })
    },
    onSuccess: (next) => {
      latest.set(next.id, next)
      if (last()) show(next)
    },
    onError: (thrown, { todo }) => {
      show(newest(todo))
      toast(`“${todo.description}” stays where it was. ${asProblem(thrown).message}`, 'bad')
    },
    onSettled: () => {
      if (last()) void queryClient.invalidateQueries({ queryKey: ['todos'] })
    },
  })
}

const mutationKey = ['todo-move']
const latest = new Map<number, Todo>() // as the server last answered a move

function newest(todo: Todo): Todo {
  const known = latest.get(todo.id)
  return known && known.version > todo.version ? known : todo
}
