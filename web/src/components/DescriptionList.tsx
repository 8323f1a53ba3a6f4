import type { ReactNode } from 'react'

import classes from './DescriptionList.module.css'

/** DescriptionList shows the properties of one item as names and values. */
export function DescriptionList({ items }: { items: [name: string, value: ReactNode][] }) {
  return (
    <dl className={classes.list}>
      {items.map(([name, value]) => (
        <div key={name} className={classes.item}>
          <dt className={classes.name}>{name}</dt>
          <dd className={classes.value}>{value ?? '–'}</dd>
        </div>
      ))}
    </dl>
  )
}
