import { UnstyledButton, VisuallyHidden } from '@mantine/core'

import { containerTitle } from '../containers/api'
import { fillLevel, percentFull } from './colours'
import type { Occupancy, UnitNode } from './mapTree'
import gridClasses from './PositionGrid.module.css'
import classes from './ShelfMatrix.module.css'

interface Props {
  roots: UnitNode[]
  /** UUIDs of the chosen containers, from the outermost one on. */
  chain: ReadonlySet<string>
  onChoose: (uuid: string) => void
}

/**
 * ShelfMatrix shows the outermost containers of a freezer as rows, and what lies in them as cells: shelves × racks.
 * A cell shows how many places of its own are taken, such as those for boxes.
 */
export function ShelfMatrix({ roots, chain, onChoose }: Props) {
  return (
    <div className={classes.scroller}>
      <table className={classes.table} aria-label="Shelves and racks">
        <tbody>
          {roots.map(({ unit, children, occupancy }) => (
            <tr key={unit.uuid}>
              <th scope="row">
                <UnstyledButton
                  className={classes.shelf}
                  aria-pressed={chain.has(unit.uuid)}
                  title={describeUnit(containerTitle(unit), occupancy)}
                  onClick={() => onChoose(unit.uuid)}
                >
                  {containerTitle(unit)}
                </UnstyledButton>
              </th>
              <td>
                <div className={classes.racks}>
                  {(children.length > 0 ? children : [{ unit, occupancy, own: occupancy }]).map((node) => (
                    <RackButton
                      key={node.unit.uuid}
                      name={node.unit === unit ? '' : containerTitle(node.unit)}
                      title={containerTitle(node.unit)}
                      occupancy={node.own.positions > 0 ? node.own : node.occupancy}
                      containers={node.unit.containers}
                      isChosen={chain.has(node.unit.uuid)}
                      onClick={() => onChoose(node.unit.uuid)}
                    />
                  ))}
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface RackButtonProps {
  /** Empty if the row has the name already. */
  name: string
  title: string
  occupancy: Occupancy
  containers: number
  isChosen: boolean
  onClick: () => void
}

function RackButton({ name, title, occupancy, containers, isChosen, onClick }: RackButtonProps) {
  const { taken, positions } = occupancy
  return (
    <UnstyledButton
      className={`${classes.rack} ${gridClasses.level}`}
      data-level={fillLevel(taken, positions)}
      aria-pressed={isChosen}
      title={describeUnit(title, occupancy)}
      onClick={onClick}
    >
      {name ? <span>{name}</span> : <VisuallyHidden>{title}</VisuallyHidden>}{' '}
      <span>{positions > 0 ? `${percentFull(taken, positions)} %` : containers.toLocaleString('en')}</span>
      {positions > 0 && <VisuallyHidden>, {describePositions(occupancy)}</VisuallyHidden>}
    </UnstyledButton>
  )
}

/** describeUnit returns the name of a container and how full it is: "Rack C, 89 %, 72 of 81". */
const describeUnit = (name: string, { taken, positions }: Occupancy): string =>
  positions > 0
    ? `${name}, ${percentFull(taken, positions)} %, ${describePositions({ taken, positions })}`
    : name

const describePositions = ({ taken, positions }: Occupancy): string =>
  `${taken.toLocaleString('en')} of ${positions.toLocaleString('en')} positions`
