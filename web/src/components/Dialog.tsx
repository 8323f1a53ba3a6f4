import { Modal, type ModalProps } from '@mantine/core'
import { useEffect, useState } from 'react'

/** Dialog is what asks or tells something above the screen. It closes by Escape, and the focus goes back to where it was. */
export function Dialog(props: Omit<ModalProps, 'opened'>) {
  const [before] = useState(() => document.activeElement)
  useEffect(
    () => () => {
      if (before instanceof HTMLElement) setTimeout(() => document.activeElement === document.body && before.focus())
    },
    [before],
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
