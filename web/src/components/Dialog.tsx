import { Modal, type ModalProps } from '@mantine/core'
import { useEffect, useState } from 'react'

/** Dialog is what asks or tells something above the screen. It closes by Escape, and the focus goes back to where it was. */
export function Dialog(props: Omit<ModalProps, 'opened'>) {
  const [previousFocus] = useState(() => document.activeElement)
  useEffect(
    () => () => {
      if (previousFocus instanceof HTMLElement) setTimeout(() => document.activeElement === document.body && previousFocus.focus())
    },
    [previousFocus],
  )
  return (
    <Modal
      opened
      closeButtonProps={{ 'aria-label': 'Close' }}
      attributes={{ header: { role: 'presentation' } }} // or it would be a second banner of the page
      {...props}
    />
  )
}
