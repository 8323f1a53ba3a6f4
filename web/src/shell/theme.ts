import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'

// The look, in one place. Mantine's own greys and reds are too faint on its backgrounds for WCAG 2.2 AA (4.5 : 1); axe holds all of it in the journeys.

const ice: MantineColorsTuple = ['#eaf6fb', '#d3e9f3', '#a4d2e7', '#72bada', '#4ba5cf', '#3297c7', '#0f6f9f', '#0b5f8a', '#084f74', '#053d5b']

export const theme = createTheme({
  colors: { ice },
  primaryColor: 'ice',
  primaryShade: { light: 7, dark: 3 },
  autoContrast: true,
  luminanceThreshold: 0.35,
  cursorType: 'pointer',
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  headings: { sizes: { h1: { fontSize: '1.6rem' }, h2: { fontSize: '1.2rem' }, h3: { fontSize: '1rem' } } },
  respectReducedMotion: true,
})

export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#56606b',
    '--mantine-color-placeholder': '#636c76',
    '--mantine-color-error': '#b42318',
    '--mantine-color-anchor': '#0b5f8a',
  },
  dark: {
    '--mantine-color-dimmed': '#aab1b8',
    '--mantine-color-placeholder': '#9aa1a9',
    '--mantine-color-error': '#ff9a94',
    '--mantine-color-anchor': '#72bada',
  },
})
