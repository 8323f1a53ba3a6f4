import { Modal, type ModalProps } from '@mantine/core'
import { useEffect, useState } from 'react'

/** Dialog is a modal window. Escape closes it, and the focus returns to the previous element. */
export function Dialog(props: Omit<ModalProps, 'opened'>) {
  const [previousFocus] = useState(() => document.activeElement)
  useEffect(
    () => () => {
      if (previousFocus instanceof HTMLElement)
        setTimeout(() => document.activeElement === document.body && previousFocus.focus())
    },
    [previousFocus],
  )
  return (
    <Modal
      opened
      closeButtonProps={{ 'aria-label': 'Close' }}
      attributes={{ header: { role: 'presentation' } }} // a <header> would be a second banner landmark
      {...props}
    />
  )
}
