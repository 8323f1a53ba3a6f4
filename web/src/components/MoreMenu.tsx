import { ActionIcon, type ActionIconProps, Menu } from '@mantine/core'
import type { ReactNode } from 'react'

import { Icon } from './icons'

interface Props extends ActionIconProps {
  label?: string
  children: ReactNode
}

/** MoreMenu holds the actions that users need rarely. */
export function MoreMenu({ label = 'More actions', children, ...buttonProps }: Props) {
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" aria-label={label} {...buttonProps}>
          <Icon name="more" size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>{children}</Menu.Dropdown>
    </Menu>
  )
}
