import type { MapUnit } from './api'

/** Occupancy is how many positions there are and how many are taken. */
export interface Occupancy {
  positions: number
  taken: number
}

/** UnitNode is a container that holds others, with those in it that hold others as well. */
export interface UnitNode {
  unit: MapUnit
  parent: UnitNode | undefined
  children: UnitNode[]
  /** Its own positions, such as the places for boxes in a rack. */
  own: Occupancy
  /** Adds up the container and all containers in it, like the server does for a freezer. */
  occupancy: Occupancy
}

/** buildTree returns the containers of a map that lie in the freezer directly, and all of them by UUID. */
export function buildTree(map: readonly MapUnit[]): { roots: UnitNode[]; byUuid: Map<string, UnitNode> } {
  const byUuid = new Map<string, UnitNode>()
  const roots: UnitNode[] = []
  // A parent comes before what lies in it.
  for (const unit of map) {
    const parent = byUuid.get(unit.parent_uuid ?? '')
    const node: UnitNode = { unit, parent, children: [], own: ownOccupancy(unit), occupancy: ownOccupancy(unit) }
    byUuid.set(unit.uuid, node)
    ;(parent?.children ?? roots).push(node)
  }
  for (const unit of map.toReversed()) {
    const node = byUuid.get(unit.uuid)
    if (!node?.parent) continue
    node.parent.occupancy.positions += node.occupancy.positions
    node.parent.occupancy.taken += node.occupancy.taken
  }
  const byName = (a: UnitNode, b: UnitNode) =>
    (a.unit.position_row ?? Infinity) - (b.unit.position_row ?? Infinity) ||
    (a.unit.position_column ?? Infinity) - (b.unit.position_column ?? Infinity) ||
    collator.compare(a.unit.description ?? '', b.unit.description ?? '')
  roots.sort(byName)
  for (const { children } of byUuid.values()) children.sort(byName)
  return { roots, byUuid }
}

const collator = new Intl.Collator('en', { numeric: true })

/** ownOccupancy counts a container with positions; one that holds any number has none. */
const ownOccupancy = ({ positions, containers }: MapUnit): Occupancy =>
  positions === null ? { positions: 0, taken: 0 } : { positions, taken: containers }

/** chainOf returns the containers around a node, the outermost first, and the node itself. */
export function chainOf(node: UnitNode | undefined): UnitNode[] {
  return node ? [...chainOf(node.parent), node] : []
}

/** totalOccupancy adds up the occupancy of nodes that do not contain each other. */
export const totalOccupancy = (nodes: readonly UnitNode[]): Occupancy =>
  nodes.reduce(
    (sum, { occupancy }) => ({ positions: sum.positions + occupancy.positions, taken: sum.taken + occupancy.taken }),
    { positions: 0, taken: 0 },
  )
