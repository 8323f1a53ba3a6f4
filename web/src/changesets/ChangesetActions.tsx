import { Button, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { lazy, useEffect, useRef, useState } from 'react'

import { TextLink } from '../components/links'
import { LazyBoundary } from '../components/LazyBoundary'
import { AbsoluteTime } from '../components/TimeAgo'
import { usePersonName } from '../people/PersonName'
import { type Changeset, changesetQuery } from './api'
import classes from './Changesets.module.css'
import { undoVerb } from './undoText'
import { useCanUndo } from './useCanUndo'

const UndoDialog = lazy(() => import('./UndoDialog').then((module) => ({ default: module.UndoDialog })))

/** UndoButton opens the dialog that undoes a change set. Where that is impossible, UndoState says why. */
export function UndoButton({ changeset, label }: { changeset: Changeset; label?: string }) {
  const [isOpen, setIsOpen] = useState(false)
  const canUndo = useCanUndo()(changeset)
  const verb = undoVerb(changeset)
  const isOffered = canUndo && changeset.undone_by_id === null && changeset.undo_problem === null
  return (
    <>
      {isOffered && (
        <Button
          variant="default"
          aria-label={label ?? `${verb}: ${changeset.summary}`}
          onClick={() => setIsOpen(true)}
        >
          {label ?? verb}
        </Button>
      )}
      {isOpen && (
        <LazyBoundary>
          <UndoDialog changeset={changeset} label={label ?? verb} onClose={() => setIsOpen(false)} />
        </LazyBoundary>
      )}
    </>
  )
}

interface StateProps {
  changeset: Changeset
  /** Returns a loaded change set. */
  find?: (id: number) => Changeset | undefined
}

/** UndoState says what a change set undid, who undid it, or why it cannot be undone. */
export function UndoState({ changeset, find }: StateProps) {
  const canUndo = useCanUndo()(changeset)
  const { undoes_id, undone_by_id, undo_problem } = changeset
  const ref = useRef<HTMLDivElement>(null)
  const wasUndone = useRef(undone_by_id !== null)
  useEffect(() => {
    // The button of the undo is gone.
    if (undone_by_id !== null && !wasUndone.current && document.activeElement === document.body) ref.current?.focus()
    wasUndone.current = undone_by_id !== null
  }, [undone_by_id])
  return (
    <div ref={ref} tabIndex={-1} className={classes.state}>
      {undoes_id !== null && (
        <TextLink to="/activity/$id" params={{ id: String(undoes_id) }} underline="always" size="xs" mr="sm">
          {undoVerb(changeset) === 'Redo' ? 'Undoes' : 'Redoes'} change set {undoes_id}
        </TextLink>
      )}
      {undone_by_id !== null ? (
        <UndoneBy id={undone_by_id} undo={find?.(undone_by_id)} />
      ) : (
        undo_problem !== null &&
        canUndo && (
          <Text size="xs" c="dimmed">
            Cannot be undone. {undo_problem}
          </Text>
        )
      )}
    </div>
  )
}

/** UndoneBy names the person who undid a change set, with a link to the undo. */
function UndoneBy({ id, undo: loaded }: { id: number; undo: Changeset | undefined }) {
  const personName = usePersonName()
  const { data = loaded } = useQuery({ ...changesetQuery(String(id)), enabled: loaded === undefined })
  return (
    <Text size="xs" span>
      <TextLink to="/activity/$id" params={{ id: String(id) }} underline="always" inherit>
        {data ? `Undone by ${personName(data.actor)}` : 'Undone'}
      </TextLink>
      {data && (
        <>
          , <AbsoluteTime at={data.at} />
        </>
      )}
    </Text>
  )
}
