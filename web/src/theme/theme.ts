import {
  ActionIcon,
  Button,
  createTheme,
  DEFAULT_THEME,
  Input,
  Menu,
  type CSSVariablesResolver,
  type MantineColorsTuple,
} from '@mantine/core'

// Maps the design tokens of tokens.css to Mantine. Mantine's default greys and reds have too little contrast on its
// backgrounds for WCAG 2.2 AA (4.5:1). The journeys check the contrast with axe.

/** headerHeight is the height of the page header in px: --header-height. */
export const headerHeight = 48

/** menuWidth is the width of the main menu in px: --menu-width. */
export const menuWidth = 220

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

/** dark has the hue of the dark surfaces, for the controls that take their colours from it. */
const dark: MantineColorsTuple = [
  '#dbe1e8',
  '#bcc5ce',
  '#a3aeba',
  '#6d7985',
  '#46515d',
  '#313a44',
  '#232a32',
  '#1b2027',
  '#14181d',
  '#0f1216',
]

export const theme = createTheme({
  colors: { ice, dark },
  primaryColor: 'ice',
  primaryShade: 7,
  cursorType: 'pointer',
  defaultRadius: 'md',
  fontFamily: 'var(--font-text)',
  fontFamilyMonospace: 'var(--font-code)',
  fontSizes: {
    xs: 'var(--font-size-xs)',
    sm: 'var(--font-size-sm)',
    md: 'var(--font-size-md)',
    lg: 'var(--font-size-lg)',
    xl: 'var(--font-size-title)',
  },
  lineHeights: { xs: '1.35', sm: '1.4', md: '1.45', lg: '1.5', xl: '1.5' },
  spacing: {
    xs: 'var(--space-xs)',
    sm: 'var(--space-sm)',
    md: 'var(--space-md)',
    lg: 'var(--space-lg)',
    xl: 'var(--space-xl)',
  },
  radius: {
    xs: 'var(--radius-sm)',
    sm: 'var(--radius-sm)',
    md: 'var(--radius-md)',
    lg: 'var(--radius-lg)',
    xl: 'var(--radius-pill)',
  },
  headings: {
    fontWeight: '650',
    sizes: {
      h1: { fontSize: 'var(--font-size-title)', lineHeight: '1.3' },
      h2: { fontSize: 'var(--font-size-lg)', lineHeight: '1.35' },
      h3: { fontSize: 'var(--font-size-md)', lineHeight: '1.4' },
    },
  },
  respectReducedMotion: true,
  components: {
    // Badges are never truncated.
    Badge: { styles: { root: { flexShrink: 0, maxWidth: 'none' }, label: { overflow: 'visible' } } },
    // Controls without a size follow the density.
    Button: Button.extend({
      styles: { root: { fontWeight: 550 } },
      vars: (_, { size }) => ({
        root: size
          ? {}
          : {
              '--button-height': 'var(--control-height)',
              '--button-padding-x': 'var(--space-sm)',
              '--button-fz': 'var(--mantine-font-size-sm)',
            },
      }),
    }),
    ActionIcon: ActionIcon.extend({
      vars: (_, { size }) => ({ root: size ? {} : { '--ai-size': 'var(--control-height)' } }),
    }),
    // The dropdown stays in its landmark, and holds menu items only: axe reports a placeholder for the focus.
    Menu: Menu.extend({ defaultProps: { withinPortal: false, withInitialFocusPlaceholder: false } }),
    Input: Input.extend({
      vars: (_, { size }) => ({
        // Fields pass sm by default.
        wrapper:
          size && size !== 'sm'
            ? {}
            : { '--input-height': 'var(--control-height)', '--input-fz': 'var(--mantine-font-size-sm)' },
      }),
    }),
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

/** tokenColors are the colours of Mantine that the design tokens define. */
const tokenColors = {
  '--mantine-color-body': 'var(--surface)',
  '--mantine-color-text': 'var(--text)',
  '--mantine-color-bright': 'var(--text)',
  '--mantine-color-dimmed': 'var(--text-muted)',
  '--mantine-color-placeholder': 'var(--text-muted)',
  '--mantine-color-error': 'var(--critical)',
  '--mantine-color-anchor': 'var(--accent)',
  '--mantine-color-ice-light': 'var(--accent-soft)',
  '--mantine-color-ice-light-color': 'var(--accent-text)',
  '--mantine-color-default': 'var(--surface)',
  '--mantine-color-default-hover': 'var(--inactive-soft)',
  '--mantine-color-default-color': 'var(--text)',
  '--mantine-color-default-border': 'var(--line-strong)',
}

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    ...filled,
    ...colorVariables((name) => ({
      [`--mantine-color-${name}-light-color`]: darken(name, 70),
      [`--mantine-color-${name}-outline`]: darken(name, 80),
    })),
    ...tokenColors,
  },
  dark: {
    ...filled,
    ...colorVariables((name) => ({
      [`--mantine-color-${name}-light-color`]: `var(--mantine-color-${name}-2)`,
      [`--mantine-color-${name}-outline`]: `var(--mantine-color-${name}-4)`,
    })),
    ...tokenColors,
  },
})
