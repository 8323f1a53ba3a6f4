import 'uplot/dist/uPlot.min.css'

import { Button, Group, Text, useComputedColorScheme } from '@mantine/core'
import { useEffect, useEffectEvent, useId, useRef, useState } from 'react'
import uPlot from 'uplot'

import classes from './Chart.module.css'
import { createPlotOptions, isFullRange } from './chartOptions'
import { chartPalette, type Series, seriesMarkers } from './chartPalette'
import { followPointer } from './chartPointer'
import { ChartTable } from './ChartTable'
import { type ChartCursor, ChartTooltip } from './ChartTooltip'

interface Props {
  /** A short title. */
  label: string
  /** The unit of the vertical axis. */
  unit: string
  /** Unix seconds, ascending. */
  timestamps: number[]
  series: Series[]
  /** Seconds between bars. Days are UTC days. */
  interval?: number
  height?: number
  /** Formats a timestamp for the cursor and the table. */
  formatTimestamp?: (timestamp: number) => string
  /** Decimals of the values at the cursor. */
  decimals?: number
  /** Values below zero count upwards, too. */
  isMirrored?: boolean
  /** Opens what a point shows, on a click with a mouse. A tap only moves the cursor. */
  onOpen?: (index: number) => void
  /** Describes what a click on a point does. A point without a hint cannot be opened. */
  openHint?: (index: number) => string | undefined
}

const maxDateSeconds = 8.64e12 // the latest time that a JavaScript Date can hold
const tooltipWidth = 190 // px, at most

/** Chart draws series over time in the colours of the theme, at the width of its container. */
export function Chart({
  label,
  unit,
  timestamps,
  series,
  interval,
  height = 180,
  formatTimestamp = String,
  decimals = 0,
  isMirrored = false,
  onOpen,
  openHint,
}: Props) {
  const scheme = useComputedColorScheme('light')
  const containerRef = useRef<HTMLDivElement>(null)
  const plotRef = useRef<uPlot>(undefined)
  const [cursor, setCursor] = useState<ChartCursor>()
  const [isZoomed, setIsZoomed] = useState(false)
  const seriesShapes = series.map(({ label, color, shape }) => `${label} ${color} ${shape}`).join()
  const hasDates = (timestamps.at(-1) ?? 0) < maxDateSeconds
  const colors = chartPalette[scheme]
  const id = useId()
  const open = useEffectEvent((index: number) => openHint?.(index) && onOpen?.(index))
  useEffect(() => {
    const container = containerRef.current
    if (!container) return
    const pointer = followPointer(container, {
      findPoint: () => plotRef.current?.cursor.idx,
      onOpen: (index) => open(index),
      onPressOutside: () => setCursor(undefined),
    })
    const chart = new uPlot(
      createPlotOptions({
        width: container.clientWidth,
        height,
        colors,
        fontFamily: getComputedStyle(container).fontFamily,
        unit,
        isMirrored,
        series,
        interval,
        hasDates,
        isTouched: pointer.isTouched,
        hooks: {
          setCursor: [(plot) => setCursor(findCursor(plot))],
          setScale: [
            (plot, key) =>
              key === 'x' && setIsZoomed(!isFullRange(plot.data[0], plot.scales.x?.min ?? 0, plot.scales.x?.max ?? 0)),
          ],
        },
      }),
      [timestamps, ...plottedData(series)],
      container,
    )
    plotRef.current = chart
    const observer = new ResizeObserver(() => chart.setSize({ width: container.clientWidth, height }))
    observer.observe(container)
    return () => {
      pointer.stop()
      observer.disconnect()
      chart.destroy()
      plotRef.current = undefined
      setCursor(undefined)
      setIsZoomed(false)
    }
    // oxlint-disable-next-line react/exhaustive-deps -- the next effect updates the data
  }, [scheme, seriesShapes, interval, height, hasDates, unit, isMirrored])
  useEffect(() => {
    plotRef.current?.setData([timestamps, ...plottedData(series)], !isZoomed)
    if (isZoomed) plotRef.current?.redraw()
    // oxlint-disable-next-line react/exhaustive-deps -- zooming does not change the data
  }, [timestamps, series])
  const resetZoom = () => plotRef.current?.setData(plotRef.current.data)
  const cursorTime = cursor && timestamps[cursor.index]
  return (
    <figure className={classes.figure} aria-labelledby={id}>
      <Group justify="space-between" gap="md" mb={4} mih={24}>
        <Group component="figcaption" gap="md" id={id} className={classes.caption}>
          <Text size="sm" fw={600}>
            {label}
          </Text>
          {series.map(({ label, color, shape }) => (
            <Text key={label} size="sm" c="dimmed">
              <span aria-hidden className={classes.seriesMarker} style={{ color: colors[color] }}>
                {seriesMarkers[shape]}
              </span>{' '}
              {label}
            </Text>
          ))}
        </Group>
        {isZoomed && (
          <Button size="compact-xs" variant="default" onClick={resetZoom}>
            Reset zoom
          </Button>
        )}
      </Group>
      <div aria-hidden className={classes.frame}>
        <div
          ref={containerRef}
          className={classes.plot}
          style={{ height }}
          data-clickable={onOpen !== undefined || undefined}
        />
        {cursor && cursorTime !== undefined && (
          <ChartTooltip
            cursor={cursor}
            time={formatTimestamp(cursorTime)}
            series={series}
            colors={colors}
            decimals={decimals}
            hint={openHint?.(cursor.index)}
          />
        )}
      </div>
      <ChartTable timestamps={timestamps} series={series} formatTimestamp={formatTimestamp} />
    </figure>
  )
}

const plottedData = (series: Series[]) => series.map(({ values, plottedValues }) => plottedValues ?? values)

/** findCursor returns the cursor at the point nearest to the pointer. */
function findCursor(plot: uPlot): ChartCursor | undefined {
  const index = plot.cursor.idx
  const time = index == null ? undefined : plot.data[0][index]
  if (index == null || time === undefined || (plot.cursor.left ?? -1) < 0) return undefined
  const left = plot.over.offsetLeft + plot.valToPos(time, 'x')
  return { index, left, isFlipped: left > plot.width - tooltipWidth }
}
