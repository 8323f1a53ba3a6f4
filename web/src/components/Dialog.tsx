import { Modal, type ModalProps } from '@mantine/core'

import { confirmLeave, useLeaveWarning } from './form'
import { useReturnFocus } from './useReturnFocus'

interface Props extends Omit<ModalProps, 'opened'> {
  /** True if the dialog has typed text: it asks before Escape, a click outside or a link discards the text. */
  isDirty?: boolean
}

/** Dialog is a modal window. Escape closes it, and the focus returns to the previous element. */
export function Dialog({ isDirty = false, onClose, ...rest }: Props) {
  useReturnFocus()
  useLeaveWarning(isDirty)
  return (
    <Modal
      opened
      onClose={() => confirmLeave(isDirty) && onClose()}
      closeButtonProps={{ 'aria-label': 'Close' }}
      attributes={{ header: { role: 'presentation' } }} // a <header> would be a second banner landmark
      {...rest}
    />
  )
}
