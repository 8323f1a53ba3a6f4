import 'uplot/dist/uPlot.min.css'

import { Box, Group, Text, useComputedColorScheme } from '@mantine/core'
import { useEffect, useId, useMemo, useRef } from 'react'
import uPlot from 'uplot'

import style from './Chart.module.css'
import { moments } from './formatAxisTicks'

// A chart over time, drawn on a canvas, which a screen reader cannot see: the same numbers stand in a table that opens below it.

/** Each colour has 3 : 1 against what is behind it. Whoever sees none of them can tell the series by their shape. */
const palette = {
  light: { main: '#0b5f8a', more: '#b4530a', less: '#6b3fa0', calm: '#7d868f', ink: '#56606b', grid: '#e3e7ea' },
  dark: { main: '#72bada', more: '#f2a65e', less: '#c3a3ee', calm: '#8b949d', ink: '#aab1b8', grid: '#3b4046' },
}

export interface Series {
  label: string
  colour: Exclude<keyof typeof palette.light, 'ink' | 'grid'>
  shape: 'line' | 'bars' | 'dots'
  values: (number | null)[]
  /** Where they are drawn, if elsewhere: on top of others, or below zero. */
  drawn?: (number | null)[]
}

interface Props {
  /** What is shown, in a few words. */
  label: string
  /** Seconds since 1970, ascending. */
  at: number[]
  series: Series[]
  /** Seconds from bar to bar. Days are those of UTC. */
  step?: number
  height?: number
  /** What the values are in the table, newest first. */
  told?: (at: number) => string
}

const most = 60 // rows of the table
const day = 86_400
const steps = [1, 2, 5, 10, 15, 30, 60, 120, 240, 365, 1000, 3650, 10_000] // between the marks of an axis
const counts = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat()
const latest = 8.64e12 // seconds, after which JavaScript has no dates

/** Chart draws series over time. It takes the colours of the scheme, and the width that there is. */
export function Chart({ label, at, series, step, height = 180, told = String }: Props) {
  const scheme = useComputedColorScheme('light')
  const frame = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const shapes = series.map(({ label, colour, shape }) => `${label} ${colour} ${shape}`).join()
  const dated = (at.at(-1) ?? 0) < latest
  const id = useId()
  useEffect(() => {
    const box = frame.current
    if (!box) return
    const colours = palette[scheme]
    const axis = { stroke: colours.ink, grid: { stroke: colours.grid, width: 1 }, ticks: { stroke: colours.grid, width: 1 }, font: '12px system-ui' }
    const drawn = new uPlot(
      {
        width: box.clientWidth,
        height,
        cursor: { show: false },
        legend: { show: false },
        scales: { x: { time: dated, ...(step && { range: (_: uPlot, min: number, max: number): [number, number] => [min - step / 2, max + step / 2] }) } },
        axes: [{ ...axis, ...(step && { incrs: steps.map((n) => n * step) }), ...(dated && { space: 80, values: (_, at, __, ___, apart) => moments(at, apart, step === day ? 'UTC' : undefined) }) }, { ...axis, size: 64, ...(step && { incrs: counts }) }],
        series: [{}, ...series.map(({ colour, shape }) => drawing(shape, colours[colour]))],
      },
      [at, ...drawnOf(series)],
      box,
    )
    plot.current = drawn
    const watch = new ResizeObserver(() => drawn.setSize({ width: box.clientWidth, height }))
    watch.observe(box)
    return () => {
      watch.disconnect()
      drawn.destroy()
      plot.current = undefined
    }
    // oxlint-disable-next-line react/exhaustive-deps -- new data alone are set below
  }, [scheme, shapes, step, height, dated])
  useEffect(() => plot.current?.setData([at, ...drawnOf(series)]), [at, series])
  const rows = useMemo(() => at.map((_, i) => at.length - 1 - i).slice(0, most), [at])
  return (
    <figure className={style.figure} aria-labelledby={id}>
      <Group component="figcaption" gap="md" mb={4} id={id}>
        <Text size="sm" fw={600}>
          {label}
        </Text>
        {series.map(({ label, colour, shape }) => (
          <Text key={label} size="sm" c="dimmed">
            <span aria-hidden className={style.sign} style={{ color: palette[scheme][colour] }}>
              {{ line: '━', bars: '▮', dots: '●' }[shape]}
            </span>{' '}
            {label}
          </Text>
        ))}
      </Group>
      <Box ref={frame} h={height} aria-hidden className={style.plot} />
      <details>
        <summary className={style.summary}>The same in numbers</summary>
        <table className={style.numbers}>
          {at.length > most && (
            <caption>
              The newest {most} of {at.length}
            </caption>
          )}
          <thead>
            <tr>
              <th scope="col">Time</th>
              {series.map(({ label }) => (
                <th scope="col" key={label}>
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((i) => (
              <tr key={i}>
                <th scope="row">{told(at[i] ?? 0)}</th>
                {series.map(({ label, values }) => (
                  <td key={label}>{values[i] ?? '–'}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  )
}

const drawnOf = (series: Series[]) => series.map(({ values, drawn }) => drawn ?? values)

function drawing(shape: Series['shape'], colour: string): uPlot.Series {
  if (shape === 'bars') return { width: 0, fill: colour, paths: uPlot.paths.bars?.({ size: [0.8, 40] }) ?? (() => null), points: { show: false } }
  if (shape === 'dots') return { stroke: colour, paths: () => null, points: { show: true, size: 5, fill: colour } }
  return { stroke: colour, width: 2, paths: uPlot.paths.stepped?.({ align: 1 }) ?? (() => null), points: { show: false } }
}
