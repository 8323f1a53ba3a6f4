import { Slider } from '@mantine/core'
import { queryOptions, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { api, unwrapPage } from '../api/client'
import { useAsOf } from './asOf'
import classes from './AsOf.module.css'
import { formatAsOf } from './asOfPresets'
import { formatAsOfTime } from './formatAsOfTime'
import { useSetAsOf } from './useSetAsOf'

/** firstChangeQuery returns the time of the first change of a row, or null if it has no history. */
const firstChangeQuery = (table: string, rowKey: string) =>
  queryOptions({
    queryKey: ['first change', table, rowKey],
    staleTime: Infinity,
    queryFn: async ({ signal }) => {
      const query = { table_name: [table], row_key: [rowKey], sort: 'id', limit: 1 }
      const { rows } = await unwrapPage(api.GET('/api/v1/changes', { params: { query }, signal }))
      return rows[0]?.at ?? null
    },
  })

const minute = 60 // seconds

/** AsOfSlider moves through the time since the first change of a row. Its end is now. */
export function AsOfSlider({ table, rowKey }: { table: string; rowKey: string }) {
  const { data: firstAt } = useQuery(firstChangeQuery(table, rowKey))
  const asOf = useAsOf()
  const setAsOf = useSetAsOf()
  const [end] = useState(() => Math.floor(Date.now() / 1000))
  const [value, setValue] = useState<number>() // while the thumb moves
  if (!firstAt) return null
  const start = Math.ceil(Date.parse(firstAt) / 1000)
  if (end - start < 2) return null
  const current = value ?? (asOf === undefined ? end : Math.min(end, Math.max(start, Math.floor(Date.parse(asOf) / 1000))))
  const describe = (seconds: number) => (seconds >= end ? 'Now' : formatAsOfTime(formatAsOf(new Date(seconds * 1000))))
  const show = (seconds: number) => {
    setValue(undefined)
    setAsOf(seconds >= end ? undefined : formatAsOf(new Date(seconds * 1000)))
  }
  return (
    <div className={classes.slider}>
      <span>{describe(start)}</span>
      <Slider
        min={start}
        max={end}
        step={Math.min(minute, Math.max(1, Math.floor((end - start) / 100)))}
        size="sm"
        classNames={{ bar: classes.bar ?? '' }}
        label={describe}
        thumbLabel="As of"
        thumbProps={{ 'aria-valuetext': describe(current) } as object}
        value={current}
        onChange={setValue}
        onChangeEnd={show}
      />
      <span>Now</span>
    </div>
  )
}
