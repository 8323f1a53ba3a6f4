import { useMutation, useQueryClient } from '@tanstack/react-query'

import { toProblem } from '../api/problem'
import { toast } from '../components/toast'
import { containerQuery, containerTitle } from '../containers/api'
import { type Content, type Contents, contentsQuery, setPosition } from './api'
import type { Cell } from './positions'

type Place = Pick<Cell, 'label' | 'row' | 'column'>

interface Move {
  content: Content
  to: Place
  from: Place | undefined
}

/** usePositionMove moves a container within the grid of its parent at once, with an undo in the toast. */
export function usePositionMove(parentUuid: string) {
  const queryClient = useQueryClient()
  const { queryKey } = contentsQuery(parentUuid)
  const show = (uuid: string, place: Place | undefined) =>
    queryClient.setQueryData<Contents>(
      queryKey,
      (current) =>
        current && {
          ...current,
          contents: current.contents.map((content) =>
            content.uuid === uuid
              ? {
                  ...content,
                  position: place?.label ?? null,
                  position_row: place?.row ?? null,
                  position_column: place?.column ?? null,
                }
              : content,
          ),
        },
    )
  const { mutate } = useMutation({
    mutationFn: ({ content, to }: Move) => setPosition(content.uuid, to.label),
    onMutate: async ({ content, to }) => {
      await queryClient.cancelQueries({ queryKey }) // a response in flight would overwrite the change
      show(content.uuid, to)
    },
    onSuccess: (_, { content, to, from }) =>
      toast(`Moved ${containerTitle(content)} to ${to.label}`, from && { onUndo: () => undo({ content, from }) }),
    onError: (error, { content, from }) => {
      show(content.uuid, from)
      toast(toProblem(error).errors[0]?.message ?? toProblem(error).message, 'error')
    },
    onSettled: () => refresh(),
  })
  const refresh = () => {
    void queryClient.invalidateQueries({ queryKey: ['storage'] })
    void queryClient.invalidateQueries({ queryKey: ['containers'] })
    void queryClient.invalidateQueries({ queryKey: ['container'] })
  }
  // The toast outlives the screen, so that undo needs no component.
  const undo = ({ content, from }: { content: Content; from: Place }) =>
    setPosition(content.uuid, from.label).then(
      () => {
        show(content.uuid, from)
        toast(`Moved ${containerTitle(content)} back to ${from.label}`)
        refresh()
      },
      (error: unknown) => {
        toast(toProblem(error).errors[0]?.message ?? toProblem(error).message, 'error')
        refresh()
      },
    )
  return (content: Content, to: Cell) => {
    const { position, position_row, position_column } = content
    const from =
      position !== null && position_row !== null && position_column !== null
        ? { label: position, row: position_row, column: position_column }
        : undefined
    void queryClient.cancelQueries({ queryKey: containerQuery(content.uuid).queryKey })
    mutate({ content, to, from })
  }
}
