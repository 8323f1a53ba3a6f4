import { useLocalStorage } from '@mantine/hooks'

import { scopedName } from '../api/basePath'
import type { Colouring } from './colours'

/** useColouring returns what the colours of positions show, and a setter. The browser keeps the choice. */
export const useColouring = () =>
  useLocalStorage<Colouring>({
    key: scopedName('position-colours'),
    defaultValue: 'type',
    getInitialValueInEffect: false,
  })

/** useIsList returns whether positions are shown as a list, and a setter. The browser keeps the choice. */
export const useIsList = () =>
  useLocalStorage<boolean>({
    key: scopedName('position-list'),
    defaultValue: false,
    getInitialValueInEffect: false,
  })
