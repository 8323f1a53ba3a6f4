import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { ButtonLink, TextLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { ResultAlert } from '../components/ResultAlert'
import type { Freezer } from '../freezers/api'
import type { PlaceKey } from '../storage/placeKey'
import { evacuateFreezer, looseCountQuery } from './api'
import { ConflictList } from './ConflictList'
import { otherFreezersQuery } from './evacuationApi'
import { EvacuationForm } from './EvacuationForm'
import { choosePlaces, type EvacuationPlace, rankPlaces } from './evacuationPlaces'
import { countContainers } from './pickOrder'
import { PlanReview } from './PlanReview'
import { PrintPickListButton } from './PrintPickListButton'
import { useMovePlan } from './useMovePlan'

/** Evacuation leads from the choice of places to the plan, and from there to the result. */
export function Evacuation({ freezer }: { freezer: Freezer }) {
  const [chosen, setChosen] = useState<EvacuationPlace[]>() // undefined until the user changes the proposal
  const countQuery = useQuery(looseCountQuery(freezer.id))
  const placesQuery = useQuery(otherFreezersQuery(freezer.id))
  const { makePlan, plan, hasChanged, move, moved, problem, isPlanning, isMoving, discard } = useMovePlan<
    readonly PlaceKey[]
  >({ write: (to, options) => evacuateFreezer(freezer.id, to, options) })
  const pickListTitle = `Evacuate ${freezer.name}`
  const source = { name: freezer.name, siteId: freezer.site_id }

  if (moved)
    return (
      <ResultAlert
        title={`${countContainers(moved.moved)} moved out of ${freezer.name}`}
        message={`${freezer.name} evacuated`}
        requestId={moved.requestId}
        links={
          <TextLink to="/freezers/$id" params={{ id: String(freezer.id) }} underline="always" size="sm">
            View {freezer.name}
          </TextLink>
        }
        actions={<PrintPickListButton title={pickListTitle} moves={moved.moves} />}
      />
    )
  return (
    <QueryBoundary query={countQuery}>
      {(count) => (
        <QueryBoundary query={placesQuery} rows={6}>
          {(freezers) => {
            const ranked = rankPlaces(source, freezers)
            const places = chosen ?? choosePlaces(source, ranked, count)
            const conflicts = (
              <ConflictList problem={problem} items={[]} places={places.map(({ name }) => name)} />
            )
            if (count === 0) return <EmptyFreezer freezer={freezer} />
            if (plan)
              return (
                <PlanReview
                  plan={plan}
                  hasChanged={hasChanged}
                  count={plan.moved}
                  pickListTitle={pickListTitle}
                  conflicts={conflicts}
                  moveLabel="Move everything"
                  isMoving={isMoving}
                  onMove={move}
                  onBack={discard}
                />
              )
            return (
              <EvacuationForm
                freezerId={freezer.id}
                source={source}
                count={count}
                freezers={freezers}
                ranked={ranked}
                places={places}
                onChange={(update) => {
                  setChosen((current) => update(current ?? places))
                  discard()
                }}
                conflicts={conflicts}
                isPlanning={isPlanning}
                onPlan={() => makePlan(places.map(({ key }) => key))}
              />
            )
          }}
        </QueryBoundary>
      )}
    </QueryBoundary>
  )
}

function EmptyFreezer({ freezer }: { freezer: Freezer }) {
  return (
    <EmptyState
      icon="storage"
      title={`${freezer.name} is empty`}
      actions={
        <ButtonLink to="/freezers/$id" params={{ id: String(freezer.id) }} variant="default">
          View {freezer.name}
        </ButtonLink>
      }
    />
  )
}
