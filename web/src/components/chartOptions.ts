import uPlot from 'uplot'

import type { ChartColors, Series } from './chartPalette'
import { formatAxisTicks } from './formatAxisTicks'

const secondsPerDay = 86_400
// Multiples of the interval between axis ticks.
const tickSteps = [1, 2, 5, 10, 15, 30, 60, 120, 240, 365, 1000, 3650, 10_000]
const countSteps = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat()

/** fromZero makes a scale include zero, where bars start. */
const fromZero: uPlot.Range.Limit = { pad: 0.1, soft: 0, mode: 1 }

interface PlotSettings {
  width: number
  height: number
  colors: ChartColors
  fontFamily: string
  /** The unit of the vertical axis. */
  unit: string
  /** Values below zero count upwards, too. */
  isMirrored: boolean
  series: Pick<Series, 'color' | 'shape'>[]
  /** Seconds between bars. */
  interval: number | undefined
  /** False if a time exceeds the range of Date. */
  hasDates: boolean
  /** Reports whether the last pointer was a finger. The browser moves the mouse away from a tapped plot. */
  isTouched: () => boolean
  hooks: uPlot.Hooks.Arrays
}

/** createPlotOptions returns the options of a plot with a cursor. Dragging zooms, a double click shows all again. */
export function createPlotOptions(settings: PlotSettings): uPlot.Options {
  const { width, height, colors, fontFamily, unit, isMirrored, series, interval, hasDates, isTouched, hooks } = settings
  const hasBars = series.some(({ shape }) => shape === 'bars')
  const axis = {
    stroke: colors.text,
    grid: { stroke: colors.grid, width: 1 },
    ticks: { stroke: colors.grid, width: 1 },
    font: `12px ${fontFamily}`,
  }
  return {
    width,
    height,
    hooks,
    legend: { show: false },
    cursor: {
      x: false, // ChartTooltip draws a line at the nearest point
      y: false,
      drag: { x: true, y: false, dist: 5 },
      bind: { mouseleave: (_, __, handler) => (event) => (isTouched() ? null : handler(event)) },
      points: { size: (_, index) => (series[index - 1]?.shape === 'bars' ? 0 : 8) },
    },
    scales: {
      x: {
        time: hasDates,
        ...(hasBars && { range: (plot: uPlot, min: number, max: number) => padRange(plot, min, max, interval) }),
      },
      ...(hasBars && { y: { range: { min: fromZero, max: fromZero } } }),
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
      {
        ...axis,
        size: (_, values) => 24 + 7 * Math.max(...(values ?? ['000']).map((value) => value.length)),
        label: unit,
        labelSize: 18,
        labelGap: 2,
        labelFont: axis.font,
        ...(interval && { incrs: countSteps }),
        ...(isMirrored && { values: (_, ticks) => ticks.map((tick) => Math.abs(tick).toLocaleString('en')) }),
      },
    ],
    series: [{}, ...series.map(({ color, shape }) => toPlotSeries(shape, colors[color]))],
  }
}

/** padRange adds space for half a bar at both ends, unless the plot is zoomed. */
function padRange({ data: [times] }: uPlot, min: number, max: number, interval?: number): [number, number] {
  const padding = interval ? interval / 2 : (max - min) / 40
  return isFullRange(times, min, max) ? [min - padding, max + padding] : [min, max]
}

/** isFullRange reports whether a range contains all times. */
export function isFullRange(times: ArrayLike<number>, min: number, max: number): boolean {
  return times.length === 0 || (min <= (times[0] ?? min) && max >= (times[times.length - 1] ?? max))
}

function toPlotSeries(shape: Series['shape'], color: string): uPlot.Series {
  if (shape === 'bars')
    return {
      width: 0,
      fill: color,
      paths: uPlot.paths.bars?.({ size: [0.8, 40, 4] }) ?? (() => null),
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
