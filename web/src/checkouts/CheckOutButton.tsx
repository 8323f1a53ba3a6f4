import { Button, type ButtonProps } from '@mantine/core'
import { useState } from 'react'

import { CheckOutDialog, type HeldContainer } from './dialogs'

/** CheckOutButton asks who takes a container, and checks it out. */
export function CheckOutButton({ container, ...buttonProps }: ButtonProps & { container: HeldContainer }) {
  const [isOpen, setIsOpen] = useState(false)
  return (
    <>
      <Button {...buttonProps} onClick={() => setIsOpen(true)}>
        Check out
      </Button>
      {isOpen && <CheckOutDialog container={container} onClose={() => setIsOpen(false)} />}
    </>
  )
}
