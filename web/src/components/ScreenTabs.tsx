import { Tabs } from '@mantine/core'
import type { ReactNode } from 'react'

import { useAsOf } from '../asOf/asOf'
import classes from './ScreenTabs.module.css'
import { useSearchParam } from './useSearchParam'

export interface ScreenTab {
  /** The name in the URL, which the first tab does not have. */
  name: string
  label: ReactNode
  /** The number of items in the tab. */
  count?: string | undefined
  /** True if the tab can show a time in the past. Other tabs are hidden then. */
  hasPast?: boolean
  render: () => ReactNode
}

/** ScreenTabs divides a screen into parts, of which one is shown. The choice is in the URL. */
export function ScreenTabs({ label, tabs: allTabs }: { label: string; tabs: ScreenTab[] }) {
  const asOf = useAsOf()
  const tabs = asOf === undefined ? allTabs : allTabs.filter(({ hasPast }) => hasPast)
  const [tab, setTab] = useSearchParam('tab')
  const active = tabs.find(({ name }) => name === tab) ?? tabs[0]
  if (!active) return null
  const show = (name: string | null) => setTab(name === tabs[0]?.name ? '' : (name ?? ''))
  return (
    <Tabs value={active.name} onChange={show} keepMounted={false}>
      <Tabs.List aria-label={label} className={classes.list}>
        {tabs.map(({ name, label: tabLabel, count }) => (
          <Tabs.Tab key={name} value={name} className={classes.tab}>
            {tabLabel} {/* the space separates the count in the accessible name */}
            {count && <span className={classes.count}>{count}</span>}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {tabs.map(({ name, render }) => (
        <Tabs.Panel key={name} value={name}>
          {render()}
        </Tabs.Panel>
      ))}
    </Tabs>
  )
}
