import { useMediaQuery } from '@mantine/hooks'
import { createContext, type ReactNode, use } from 'react'
import { createPortal } from 'react-dom'

/** TitleLineSlot is the place in the title line of the screen, before its buttons. */
export const TitleLineSlot = createContext<HTMLElement | null>(null)

/** TitleLine shows its children in the title line of the screen, which a phone has no room for. */
export function TitleLine({ children }: { children: ReactNode }) {
  const slot = use(TitleLineSlot)
  const isPhone = useMediaQuery('(max-width: 47.99em)', undefined, { getInitialValueInEffect: false })
  return isPhone ? children : slot && createPortal(children, slot)
}
