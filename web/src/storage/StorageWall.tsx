import { Text, VisuallyHidden } from '@mantine/core'
import { Link } from '@tanstack/react-router'

import { ButtonLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { usePermission } from '../session/api'
import type { Summary } from '../summary/api'
import { OccupancyBar } from './OccupancyBar'
import classes from './StorageWall.module.css'

type Unit = Summary['storage'][number]

interface Props {
  freezers: Unit[]
  /** True shows one wall without gaps, in which each tile names its site. */
  isDense?: boolean
}

/**
 * StorageWall shows the freezers as tiles with their contents, by site. A bar shows how many of the positions are taken.
 * While no freezer has positions, it compares the freezers with the fullest.
 */
export function StorageWall({ freezers, isDense = false }: Props) {
  const canEdit = usePermission('operator')
  if (freezers.length === 0)
    return (
      <EmptyState
        icon="storage"
        title="No freezers yet"
        actions={canEdit && <ButtonLink to="/freezers/new">New freezer</ButtonLink>}
      />
    )
  const most = freezers.some(({ positions }) => positions > 0)
    ? undefined
    : Math.max(1, ...freezers.map(({ containers }) => containers))
  if (isDense) return <Wall freezers={freezers} most={most} isDense />
  return [...Map.groupBy(freezers, ({ site_id }) => site_id)].map(([siteId, units]) => (
    <div key={siteId} className={classes.site}>
      <Text component="h2" className={classes.siteName}>
        {units[0]?.site_name}
      </Text>
      <Wall freezers={units} most={most} />
    </div>
  ))
}

function Wall({ freezers, most, isDense = false }: Props & { most: number | undefined }) {
  return (
    <ul className={classes.wall}>
      {freezers.map(({ id, name, site_name, containers, positions, taken }) => (
        <li key={id}>
          <Link to="/freezers/$id" params={{ id: String(id) }} className={classes.tile}>
            <span className={classes.head}>
              <span className={classes.name} title={name}>
                {name}
              </span>
              {isDense && <Count containers={containers} />}
            </span>
            <OccupancyBar taken={most ? containers : taken} positions={most ?? positions} isComparison={most !== undefined} />
            <span className={classes.note}>
              {isDense ? site_name : containers === 1 ? '1 container' : `${containers.toLocaleString('en')} containers`}
              {positions > 0 && `, ${taken.toLocaleString('en')}/${positions.toLocaleString('en')} positions`}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  )
}

function Count({ containers }: { containers: number }) {
  return (
    <span className={classes.count}>
      {containers.toLocaleString('en')}
      <VisuallyHidden>{containers === 1 ? ' container' : ' containers'}</VisuallyHidden>
    </span>
  )
}
