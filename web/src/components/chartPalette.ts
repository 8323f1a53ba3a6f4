/** chartPalette has the colours of charts. Each has a contrast of at least 3:1 against the background. */
export const chartPalette = {
  light: {
    primary: '#0b5f8a',
    secondary: '#b4530a',
    tertiary: '#6b3fa0',
    critical: '#c8281c',
    muted: '#7d868f',
    text: '#56606b',
    grid: '#e3e7ea',
  },
  dark: {
    primary: '#72bada',
    secondary: '#f2a65e',
    tertiary: '#c3a3ee',
    critical: '#ff7a70',
    muted: '#8b949d',
    text: '#aab1b8',
    grid: '#3b4046',
  },
}

export type ChartColors = (typeof chartPalette)['light']

/** seriesMarkers distinguish the shapes of series without colour. */
export const seriesMarkers = { line: '━', bars: '▮', dots: '●' }

export interface Series {
  label: string
  color: Exclude<keyof ChartColors, 'text' | 'grid'>
  shape: keyof typeof seriesMarkers
  values: (number | null)[]
  /** Positions to draw, if they differ from values: stacked or below zero. */
  plottedValues?: (number | null)[]
}
