import { Button } from '@mantine/core'

import type { IconName } from '../components/icons'
import { EmptyState } from '../components/placeholders'
import { useSelectedSite } from '../sites/selectedSite'

interface Props {
  icon?: IconName
  /** The items of the list, such as "containers". */
  items: string
  /** Clears the filters, if there are any. */
  onClear: (() => void) | undefined
  /** True if the site switch filters the list. */
  isOneSite?: boolean
}

/** NoMatches is shown instead of a list whose filters match nothing. */
export function NoMatches({ icon, items, onClear, isOneSite = false }: Props) {
  const { setSiteId } = useSelectedSite()
  return (
    <EmptyState
      {...(icon && { icon })}
      title={onClear ? `No ${items} match these filters` : `No ${items} at this site`}
      actions={
        <>
          {onClear && (
            <Button variant="default" onClick={onClear}>
              Clear filters
            </Button>
          )}
          {isOneSite && (
            <Button variant="default" onClick={() => setSiteId(undefined)}>
              Show all sites
            </Button>
          )}
        </>
      }
    />
  )
}
