import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core'

import type { SearchResult } from './destinations'

/** useCommands returns the actions of the search that need no screen. */
export function useCommands({ onScan }: { onScan: () => void }): SearchResult[] {
  const { setColorScheme } = useMantineColorScheme()
  const isDark = useComputedColorScheme('light') === 'dark'
  return [
    { key: 'scan', label: 'Scan a barcode', icon: 'scan', run: onScan },
    {
      key: 'theme',
      label: isDark ? 'Switch to light theme' : 'Switch to dark theme',
      icon: isDark ? 'sun' : 'moon',
      run: () => setColorScheme(isDark ? 'light' : 'dark'),
    },
  ]
}
