import { Modal, type ModalProps } from '@mantine/core'

/** Dialog is what asks or tells something above the screen. It closes by Escape, and the focus goes back to where it was. */
export function Dialog(props: Omit<ModalProps, 'opened'>) {
  return (
    <Modal
      opened
      closeButtonProps={{ 'aria-label': 'Close' }}
      attributes={{ header: { role: 'presentation' } }} // or it would be a second banner of the page
      {...props}
    />
  )
}
