import { useLocalStorage } from '@mantine/hooks'
import { useEffect } from 'react'

import { scopedName } from '../api/basePath'

export type Density = 'compact' | 'comfortable'

/** useDensity returns how close the rows and controls are, and a setter. The setting is stored in the browser. */
export function useDensity() {
  return useLocalStorage<Density>({
    key: scopedName('density'),
    defaultValue: 'compact',
    getInitialValueInEffect: false,
  })
}

/** useDensityAttribute sets the attribute that tokens.css reads. Only the shell calls it. */
export function useDensityAttribute() {
  const [density] = useDensity()
  useEffect(() => {
    document.documentElement.dataset.density = density
  }, [density])
}
