import { Button, type ButtonProps } from '@mantine/core'

import type { HeldContainer } from './dialogs'
import { useCheckIn } from './useCheckIn'

/** CheckInButton checks a container in at once, and offers to undo it. */
export function CheckInButton({ container, ...buttonProps }: ButtonProps & { container: HeldContainer }) {
  const { checkIn, isPending } = useCheckIn(container)
  return (
    <Button {...buttonProps} loading={isPending} onClick={checkIn}>
      Check in
    </Button>
  )
}
