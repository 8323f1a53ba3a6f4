import { useQuery } from '@tanstack/react-query'

import { StatusBadge } from '../components/StatusBadge'
import { percentFull } from './colours'
import { freezerOccupancyQuery } from './api'

const nearlyFull = 95 // percent

/** FreezerOccupancy shows how full a freezer is, if anything in it has positions. */
export function FreezerOccupancy({ id }: { id: number }) {
  const { data } = useQuery(freezerOccupancyQuery(id))
  if (!data || data.positions === 0) return null
  const percent = percentFull(data.taken, data.positions)
  return (
    <StatusBadge tone={percent >= nearlyFull ? 'warning' : 'inactive'}>
      {percent} % full, {data.free.toLocaleString('en')} free
    </StatusBadge>
  )
}
