import type { Changeset } from './api'

// The summary of a change set that undoes another one is that of the other, after "undid: " or "redid: ".

const prefix = /^(undid|redid): /

/** undoVerb returns the name of the action that undoes a change set: an undo is undone by Redo. */
export const undoVerb = ({ summary }: Pick<Changeset, 'summary'>): 'Undo' | 'Redo' =>
  summary.startsWith('undid: ') ? 'Redo' : 'Undo'

/** describeUndo reports what an undo has done: "Undone: imported 20 containers into Box 12". */
export const describeUndo = ({ summary }: Pick<Changeset, 'summary'>): string =>
  `${summary.startsWith('redid: ') ? 'Redone' : 'Undone'}: ${summary.replace(prefix, '')}`
