import 'uplot/dist/uPlot.min.css'

import { Box, Group, Text, useComputedColorScheme } from '@mantine/core'
import { useEffect, useId, useMemo, useRef } from 'react'
import uPlot from 'uplot'

import classes from './Chart.module.css'
import { formatAxisTicks } from './formatAxisTicks'

// A time chart on a canvas. Screen readers cannot read a canvas, so a table with the same values is available below it.

/** Each colour has a contrast of at least 3:1 against the background. Shapes distinguish the series without colour. */
const palette = {
  light: {
    primary: '#0b5f8a',
    secondary: '#b4530a',
    tertiary: '#6b3fa0',
    muted: '#7d868f',
    text: '#56606b',
    grid: '#e3e7ea',
  },
  dark: {
    primary: '#72bada',
    secondary: '#f2a65e',
    tertiary: '#c3a3ee',
    muted: '#8b949d',
    text: '#aab1b8',
    grid: '#3b4046',
  },
}

export interface Series {
  label: string
  color: Exclude<keyof typeof palette.light, 'text' | 'grid'>
  shape: 'line' | 'bars' | 'dots'
  values: (number | null)[]
  /** Positions to draw, if they differ from values: stacked or below zero. */
  plottedValues?: (number | null)[]
}

interface Props {
  /** A short title. */
  label: string
  /** Unix seconds, ascending. */
  timestamps: number[]
  series: Series[]
  /** Seconds between bars. Days are UTC days. */
  interval?: number
  height?: number
  /** Formats a timestamp for the table, which lists the newest first. */
  formatTimestamp?: (timestamp: number) => string
}

const maxTableRows = 60
const secondsPerDay = 86_400
// Multiples of the interval between axis ticks.
const tickSteps = [1, 2, 5, 10, 15, 30, 60, 120, 240, 365, 1000, 3650, 10_000]
const countSteps = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat()
const maxDateSeconds = 8.64e12 // the latest time that a JavaScript Date can hold

/** Chart draws series over time in the colours of the theme, at the width of its container. */
export function Chart({ label, timestamps, series, interval, height = 180, formatTimestamp = String }: Props) {
  const scheme = useComputedColorScheme('light')
  const containerRef = useRef<HTMLDivElement>(null)
  const plotRef = useRef<uPlot>(undefined)
  const seriesShapes = series.map(({ label, color, shape }) => `${label} ${color} ${shape}`).join()
  const hasDates = (timestamps.at(-1) ?? 0) < maxDateSeconds
  const id = useId()
  useEffect(() => {
    const container = containerRef.current
    if (!container) return
    const colors = palette[scheme]
    const axis = {
      stroke: colors.text,
      grid: { stroke: colors.grid, width: 1 },
      ticks: { stroke: colors.grid, width: 1 },
      font: '12px system-ui',
    }
    const chart = new uPlot(
      {
        width: container.clientWidth,
        height,
        cursor: { show: false },
        legend: { show: false },
        scales: {
          x: {
            time: hasDates,
            ...(interval && {
              range: (_: uPlot, min: number, max: number): [number, number] => [min - interval / 2, max + interval / 2],
            }),
          },
        },
        axes: [
          {
            ...axis,
            ...(interval && { incrs: tickSteps.map((n) => n * interval) }),
            ...(hasDates && {
              space: 80,
              values: (_, ticks, __, ___, spacing) =>
                formatAxisTicks(ticks, spacing, interval === secondsPerDay ? 'UTC' : undefined),
            }),
          },
          { ...axis, size: 64, ...(interval && { incrs: countSteps }) },
        ],
        series: [{}, ...series.map(({ color, shape }) => toPlotSeries(shape, colors[color]))],
      },
      [timestamps, ...plottedData(series)],
      container,
    )
    plotRef.current = chart
    const observer = new ResizeObserver(() => chart.setSize({ width: container.clientWidth, height }))
    observer.observe(container)
    return () => {
      observer.disconnect()
      chart.destroy()
      plotRef.current = undefined
    }
    // oxlint-disable-next-line react/exhaustive-deps -- the next effect updates the data
  }, [scheme, seriesShapes, interval, height, hasDates])
  useEffect(() => plotRef.current?.setData([timestamps, ...plottedData(series)]), [timestamps, series])
  const rows = useMemo(() => timestamps.map((_, i) => timestamps.length - 1 - i).slice(0, maxTableRows), [timestamps])
  return (
    <figure className={classes.figure} aria-labelledby={id}>
      <Group component="figcaption" gap="md" mb={4} id={id}>
        <Text size="sm" fw={600}>
          {label}
        </Text>
        {series.map(({ label, color, shape }) => (
          <Text key={label} size="sm" c="dimmed">
            <span aria-hidden className={classes.seriesMarker} style={{ color: palette[scheme][color] }}>
              {{ line: '━', bars: '▮', dots: '●' }[shape]}
            </span>{' '}
            {label}
          </Text>
        ))}
      </Group>
      <Box ref={containerRef} h={height} aria-hidden className={classes.plot} />
      <details>
        <summary className={classes.summary}>Show as table</summary>
        <table className={classes.valuesTable}>
          {timestamps.length > maxTableRows && (
            <caption>
              Newest {maxTableRows} of {timestamps.length}
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
                <th scope="row">{formatTimestamp(timestamps[i] ?? 0)}</th>
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

const plottedData = (series: Series[]) => series.map(({ values, plottedValues }) => plottedValues ?? values)

function toPlotSeries(shape: Series['shape'], color: string): uPlot.Series {
  if (shape === 'bars')
    return {
      width: 0,
      fill: color,
      paths: uPlot.paths.bars?.({ size: [0.8, 40] }) ?? (() => null),
      points: { show: false },
    }
  if (shape === 'dots') return { stroke: color, paths: () => null, points: { show: true, size: 5, fill: color } }
  return {
    stroke: color,
    width: 2,
    paths: uPlot.paths.stepped?.({ align: 1 }) ?? (() => null),
    points: { show: false },
  }
}
