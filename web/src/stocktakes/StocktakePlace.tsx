import { useQuery } from '@tanstack/react-query'

import { TextLink } from '../components/links'
import { containerQuery, containerTitle } from '../containers/api'
import { FreezerLink, useFreezerNames } from '../freezers/FreezerLink'
import type { Stocktake, StocktakeRow } from './api'

type Scope = Pick<Stocktake, 'freezer_id' | 'container_uuid'>

/** useStocktakePlace returns the name of what a stock-take covers. */
export function useStocktakePlace({ freezer_id, container_uuid }: Scope): string {
  const freezerName = useFreezerNames()
  const { data } = useQuery({ ...containerQuery(container_uuid ?? ''), enabled: container_uuid !== null })
  if (container_uuid === null) return freezerName(freezer_id)
  return data ? containerTitle(data) : 'a container'
}

/** placeName returns the name of what the row of a list covers. */
export function placeName({ freezer_name, container_uuid, container_description, freezer_id }: StocktakeRow): string {
  if (container_uuid === null) return freezer_name ?? `Freezer ${freezer_id}`
  return container_description?.trim() ? container_description : container_uuid
}

/** StocktakePlaceLinks link to the freezer of a stock-take, and to its container. */
export function StocktakePlaceLinks({ freezer_id, container_uuid }: Scope) {
  const place = useStocktakePlace({ freezer_id, container_uuid })
  return (
    <>
      <FreezerLink id={freezer_id} />
      {container_uuid !== null && (
        <>
          {' › '}
          <TextLink to="/containers/$uuid" params={{ uuid: container_uuid }}>
            {place}
          </TextLink>
        </>
      )}
    </>
  )
}
