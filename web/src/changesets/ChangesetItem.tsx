import { Button } from '@mantine/core'
import { useId, useState } from 'react'

import { Icon } from '../components/icons'
import { TextLink } from '../components/links'
import { AbsoluteTime, TimeAgo } from '../components/TimeAgo'
import { PersonAvatar, usePersonName } from '../people/PersonName'
import type { Changeset } from './api'
import { UndoButton, UndoState } from './ChangesetActions'
import { ChangesetChanges } from './ChangesetChanges'
import classes from './Changesets.module.css'

interface Props {
  changeset: Changeset
  /** Returns a loaded change set. */
  find: (id: number) => Changeset | undefined
}

/** ChangesetItem describes a change set in a sentence. It opens the single changes, and offers to undo them. */
export function ChangesetItem({ changeset, find }: Props) {
  const [isOpen, setIsOpen] = useState(false)
  const listId = useId()
  const { id, actor, at, summary, message, changes, request_id } = changeset
  const name = usePersonName()(actor)
  return (
    <li className={classes.item} data-changeset={id}>
      <span className={classes.avatar}>
        <PersonAvatar name={name} />
      </span>
      <div className={classes.body}>
        <div className={classes.sentence}>
          <b>{name}</b> {summary}
        </div>
        {message !== null && <div className={classes.message}>“{message}”</div>}
        <div className={classes.meta}>
          <span>
            <TextLink to="/activity/$id" params={{ id: String(id) }} inherit>
              <AbsoluteTime at={at} />
            </TextLink>{' '}
            (<TimeAgo at={at} />){request_id === null && ', directly in the database'}
          </span>
          <Button
            variant="subtle"
            size="compact-sm"
            className={classes.toggle}
            aria-expanded={isOpen}
            aria-controls={listId}
            rightSection={<Icon name="chevronDown" size={14} className={isOpen ? classes.turned : undefined} />}
            onClick={() => setIsOpen(!isOpen)}
          >
            {changes === 1 ? '1 change' : `${changes.toLocaleString('en')} changes`}
          </Button>
        </div>
        <UndoState changeset={changeset} find={find} />
      </div>
      <div className={classes.actions}>
        <UndoButton changeset={changeset} />
      </div>
      <div id={listId} className={classes.details} hidden={!isOpen}>
        {isOpen && <ChangesetChanges id={id} total={changes} />}
      </div>
    </li>
  )
}
