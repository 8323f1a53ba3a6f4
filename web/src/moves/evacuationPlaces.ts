import type { PlaceKey } from '../storage/placeKey'
import { guessTemperatureClass, type TemperatureClass } from './temperatureClass'

/** EvacuationPlace is a freezer, or a container in one, that can take containers of an evacuated freezer. */
export interface EvacuationPlace {
  key: PlaceKey
  /** The name of the freezer or the container. */
  name: string
  siteId: number
  siteName: string
  /** The name of its freezer, which may state a temperature. */
  freezerName: string
  /** How many containers fit; undefined for any number. */
  free: number | undefined
  /** How many containers it holds. */
  containers: number
}

/** EvacuationSource is the freezer that is evacuated. */
export interface EvacuationSource {
  name: string
  siteId: number
}

type Match = 'same' | 'unknown' | 'other'

/** matchTemperature compares the temperature classes that the names of two freezers state. */
export function matchTemperature(source: EvacuationSource, place: Pick<EvacuationPlace, 'freezerName'>): Match {
  const [from, to] = [guessTemperatureClass(source.name), guessTemperatureClass(place.freezerName)]
  if (from === undefined || to === undefined) return 'unknown'
  return from === to ? 'same' : 'other'
}

const order: TemperatureClass[] = ['cryogenic', 'ultraCold', 'cold', 'cool']

/** isWarmer reports whether a place is of a warmer class than the source. */
export function isWarmer(source: EvacuationSource, place: Pick<EvacuationPlace, 'freezerName'>): boolean {
  const [from, to] = [guessTemperatureClass(source.name), guessTemperatureClass(place.freezerName)]
  return from !== undefined && to !== undefined && order.indexOf(to) > order.indexOf(from)
}

const matchRank: Record<Match, number> = { same: 0, unknown: 1, other: 2 }
const freeOf = ({ free }: EvacuationPlace) => free ?? Infinity

/**
 * rankPlaces returns the places with room, the best first: the same temperature class, then the same site, then the
 * most room, then the fewest containers.
 */
export function rankPlaces(source: EvacuationSource, places: readonly EvacuationPlace[]): EvacuationPlace[] {
  const { compare } = new Intl.Collator('en', { numeric: true })
  const rankOf = (place: EvacuationPlace) => [
    matchRank[matchTemperature(source, place)],
    Number(place.siteId !== source.siteId),
    -freeOf(place),
    place.containers,
  ]
  return places
    .filter((place) => place.free !== 0)
    .map((place) => ({ place, order: rankOf(place) }))
    .sort((a, b) => compareNumbers(a.order, b.order) || compare(a.place.name, b.place.name))
    .map(({ place }) => place)
}

function compareNumbers(a: number[], b: number[]): number {
  const i = a.findIndex((value, i) => value !== b[i])
  return i < 0 ? 0 : (a[i] ?? 0) < (b[i] ?? 0) ? -1 : 1
}

/** choosePlaces returns the first places that hold a number of containers. None is of another temperature class. */
export function choosePlaces(
  source: EvacuationSource,
  ranked: readonly EvacuationPlace[],
  count: number,
): EvacuationPlace[] {
  const chosen: EvacuationPlace[] = []
  for (const place of ranked) {
    if (distribute(chosen, count).lacking === 0 || matchTemperature(source, place) === 'other') break
    chosen.push(place)
  }
  return chosen
}

/** distribute returns how many containers each place gets, as the server fills them, and for how many there is no room. */
export function distribute(
  places: readonly EvacuationPlace[],
  count: number,
): { shares: number[]; lacking: number } {
  let lacking = count
  const shares = places.map((place) => {
    const share = Math.min(lacking, freeOf(place))
    lacking -= share
    return share
  })
  return { shares, lacking }
}
