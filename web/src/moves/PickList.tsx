import { useState } from 'react'
import { createPortal } from 'react-dom'

import type { Move } from './api'
import classes from './PickList.module.css'
import { countContainers, describePlace, moveTitle, sortForPicking } from './pickOrder'

interface Props {
  title: string
  moves: readonly Move[]
}

/** PickList is what the browser prints while it is mounted, in place of the screen: a list of moves to tick off. */
export function PickList({ title, moves }: Props) {
  const [openedAt] = useState(() => new Date().toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' }))
  return createPortal(
    <section className={classes.list} aria-label="Pick list">
      <h1>{title}</h1>
      <p>
        {countContainers(moves.length)}, in the order of where they lie. {openedAt}
      </p>
      <table>
        <thead>
          <tr>
            <th className={classes.check}>Done</th>
            <th className={classes.number}>No.</th>
            <th>From</th>
            <th>To</th>
            <th>Container</th>
            <th className={classes.code}>Barcode</th>
          </tr>
        </thead>
        <tbody>
          {sortForPicking(moves).map((move, i) => (
            <tr key={move.container_uuid}>
              <td className={classes.check}>
                <span className={classes.box} />
              </td>
              <td className={classes.number}>{i + 1}</td>
              <td>{describePlace(move, 'from')}</td>
              <td>{describePlace(move, 'to')}</td>
              <td>{moveTitle(move)}</td>
              <td className={classes.code}>{move.barcode ?? move.container_uuid}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>,
    document.body,
  )
}
