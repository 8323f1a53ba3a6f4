import { Title } from '@mantine/core'
import type { ReactNode } from 'react'

import classes from './Panel.module.css'

interface Props {
  title: string
  id: string
  actions?: ReactNode
  children: ReactNode
}

/** Panel is a titled part of a screen with a border. */
export function Panel({ title, id, actions, children }: Props) {
  return (
    <section aria-labelledby={id} className={classes.panel}>
      <div className={classes.head}>
        <Title order={2} id={id}>
          {title}
        </Title>
        {actions}
      </div>
      {children}
    </section>
  )
}
