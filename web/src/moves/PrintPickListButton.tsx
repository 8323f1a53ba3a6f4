import { Button } from '@mantine/core'

import { Icon } from '../components/icons'
import type { Move } from './api'
import { PickList } from './PickList'

interface Props {
  title: string
  moves: readonly Move[]
}

/** PrintPickListButton prints the moves as a list to tick off. */
export function PrintPickListButton({ title, moves }: Props) {
  return (
    <>
      <Button variant="default" leftSection={<Icon name="print" size={16} />} onClick={() => window.print()}>
        Print pick list
      </Button>
      <PickList title={title} moves={moves} />
    </>
  )
}
