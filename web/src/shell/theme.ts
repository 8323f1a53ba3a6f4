import { createTheme, DEFAULT_THEME, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'

// Colours and fonts. Mantine's default greys and reds have too little contrast on its backgrounds for WCAG 2.2 AA
// (4.5:1). The journeys check the contrast with axe.

/** headerHeight is the height of the page header in px. */
export const headerHeight = 56

const ice: MantineColorsTuple = [
  '#eaf6fb',
  '#d3e9f3',
  '#a4d2e7',
  '#72bada',
  '#4ba5cf',
  '#3297c7',
  '#0f6f9f',
  '#0b5f8a',
  '#084f74',
  '#053d5b',
]

export const theme = createTheme({
  colors: { ice },
  primaryColor: 'ice',
  primaryShade: 7,
  cursorType: 'pointer',
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  headings: { sizes: { h1: { fontSize: '1.6rem' }, h2: { fontSize: '1.2rem' }, h3: { fontSize: '1rem' } } },
  respectReducedMotion: true,
  components: {
    // Badges are never truncated.
    Badge: { styles: { root: { flexShrink: 0, maxWidth: 'none' }, label: { overflow: 'visible' } } },
  },
})

const colorNames = [...Object.keys(DEFAULT_THEME.colors).filter((name) => name !== 'dark'), 'ice']

/** colorVariables merges the CSS variables of all colours. */
function colorVariables(variablesFor: (name: string) => Record<string, string>): Record<string, string> {
  return Object.assign({}, ...colorNames.map(variablesFor)) as Record<string, string>
}

const darken = (name: string, percent: number) =>
  `color-mix(in srgb, var(--mantine-color-${name}-9) ${percent}%, black)`

// Set for each scheme, because Mantine does so and a value for both schemes would not override it. Ice is dark enough.
const filled = colorVariables((name) =>
  name === 'ice'
    ? {}
    : {
        [`--mantine-color-${name}-filled`]: darken(name, 85),
        [`--mantine-color-${name}-filled-hover`]: darken(name, 75),
      },
)

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    ...filled,
    ...colorVariables((name) => ({
      [`--mantine-color-${name}-light-color`]: darken(name, 70),
      [`--mantine-color-${name}-outline`]: darken(name, 80),
    })),
    '--mantine-color-dimmed': '#56606b',
    '--mantine-color-placeholder': '#636c76',
    '--mantine-color-error': '#b42318',
    '--mantine-color-anchor': '#0b5f8a',
  },
  dark: {
    ...filled,
    ...colorVariables((name) => ({
      [`--mantine-color-${name}-light-color`]: `var(--mantine-color-${name}-2)`,
      [`--mantine-color-${name}-outline`]: `var(--mantine-color-${name}-4)`,
    })),
    '--mantine-color-dimmed': '#aab1b8',
    '--mantine-color-placeholder': '#9aa1a9',
    '--mantine-color-error': '#ff9a94',
    '--mantine-color-anchor': '#72bada',
  },
})
