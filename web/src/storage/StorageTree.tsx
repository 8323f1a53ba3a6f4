import { Text, UnstyledButton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useMemo, useState } from 'react'

import { Icon } from '../components/icons'
import { TextLink } from '../components/links'
import { QueryBoundary } from '../components/QueryBoundary'
import { containerTitle } from '../containers/api'
import type { Summary } from '../summary/api'
import { freezerMapQuery, type FreezerMapData } from './api'
import { buildTree, type Occupancy, type UnitNode } from './mapTree'
import { OccupancyBar } from './OccupancyBar'
import classes from './StorageTree.module.css'

type Freezer = Summary['storage'][number]

/** StorageTree shows sites, freezers, shelves and so on with their free positions. It loads a freezer when it opens. */
export function StorageTree({ freezers }: { freezers: Freezer[] }) {
  return [...Map.groupBy(freezers, ({ site_id }) => site_id)].map(([siteId, units]) => (
    <div key={siteId}>
      <Text component="h2" className={classes.site}>
        {units[0]?.site_name}
      </Text>
      <ul className={classes.tree} aria-label={`Freezers at ${units[0]?.site_name}`}>
        {units.map((freezer) => (
          <TreeNode
            key={freezer.id}
            name={freezer.name}
            link={
              <TextLink to="/freezers/$id" params={{ id: String(freezer.id) }}>
                {freezer.name}
              </TextLink>
            }
            occupancy={freezer}
            containers={freezer.containers}
            canOpen={freezer.containers > 0}
          >
            <FreezerNodes id={freezer.id} />
          </TreeNode>
        ))}
      </ul>
    </div>
  ))
}

interface NodeProps {
  name: string
  link: ReactNode
  occupancy: Occupancy
  containers: number
  canOpen: boolean
  /** What is shown when the node is open. */
  children: ReactNode
}

function TreeNode({ name, link, occupancy: { positions, taken }, containers, canOpen, children }: NodeProps) {
  const [isOpen, setIsOpen] = useState(false)
  return (
    <li>
      <div className={classes.node}>
        {canOpen ? (
          <UnstyledButton
            className={classes.toggle}
            aria-expanded={isOpen}
            aria-label={`Contents of ${name}`}
            onClick={() => setIsOpen(!isOpen)}
          >
            <Icon name="chevronDown" size={14} />
          </UnstyledButton>
        ) : (
          <span />
        )}
        <span className={classes.name}>{link}</span>
        {positions > 0 ? <OccupancyBar taken={taken} positions={positions} /> : <span />}
        <span className={classes.free}>
          {positions > 0
            ? `${(positions - taken).toLocaleString('en')} of ${positions.toLocaleString('en')} free`
            : containers === 1
              ? '1 container'
              : `${containers.toLocaleString('en')} containers`}
        </span>
      </div>
      {isOpen && children}
    </li>
  )
}

function FreezerNodes({ id }: { id: number }) {
  const query = useQuery(freezerMapQuery(id))
  return (
    <QueryBoundary query={query} rows={2}>
      {(map) => <FreezerContents map={map} />}
    </QueryBoundary>
  )
}

function FreezerContents({ map: { id, map, loose } }: { map: FreezerMapData }) {
  const { roots } = useMemo(() => buildTree(map), [map])
  return (
    <ul>
      {roots.map((node) => (
        <UnitNodes key={node.unit.uuid} node={node} />
      ))}
      {loose > 0 && (
        <li className={classes.node}>
          <span />
          <span className={classes.name}>
            <TextLink
              to="/freezers/$id"
              params={{ id: String(id) }}
              search={{ tab: 'contents', 'containers.parent_uuid__empty': 'true' }}
            >
              {loose === 1 ? '1 loose container' : `${loose.toLocaleString('en')} loose containers`}
            </TextLink>
          </span>
        </li>
      )}
    </ul>
  )
}

function UnitNodes({ node: { unit, children, occupancy } }: { node: UnitNode }) {
  const name = containerTitle(unit)
  return (
    <TreeNode
      name={name}
      link={
        <TextLink to="/containers/$uuid" params={{ uuid: unit.uuid }}>
          {name}
        </TextLink>
      }
      occupancy={occupancy}
      containers={unit.containers}
      canOpen={children.length > 0}
    >
      <ul>
        {children.map((child) => (
          <UnitNodes key={child.unit.uuid} node={child} />
        ))}
      </ul>
    </TreeNode>
  )
}
