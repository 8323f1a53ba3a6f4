import { Highlight } from '@mantine/core'
import { Spotlight } from '@mantine/spotlight'

import { Icon } from '../components/icons'
import type { SearchResult } from './destinations'
import classes from './SearchSpotlight.module.css'

interface Props {
  id: string
  result: SearchResult
  /** The words of the label that occur in the query are highlighted. */
  query: string
  isSelected: boolean
  onOpen: () => void
}

/** SearchOption is a result of the search. The focus stays in the field. */
export function SearchOption({ id, result: { label, hint, icon, isDestructive }, query, isSelected, onOpen }: Props) {
  return (
    <Spotlight.Action
      renderRoot={(props) => <button {...props} id={id} />} // Spotlight.Action omits id
      role="option"
      aria-selected={isSelected}
      data-selected={isSelected || undefined}
      className={classes.option}
      closeSpotlightOnTrigger={false}
      onClick={onOpen}
    >
      <Icon name={icon} className={isDestructive ? classes.destructive : classes.icon} />
      <Highlight component="span" highlight={query.split(/\s+/)} className={classes.label}>
        {label}
      </Highlight>
      {hint && <span className={classes.hint}>{hint}</span>}
    </Spotlight.Action>
  )
}
