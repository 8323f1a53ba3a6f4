import { Button, Menu } from '@mantine/core'

import { Icon } from '../components/icons'
import { MenuItemLink } from '../components/links'
import { hasRole, useSession } from '../session/api'
import { newItems } from './newItems'

/** NewMenu creates anything from any screen. */
export function NewMenu() {
  const role = useSession()?.role
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <Button leftSection={<Icon name="plus" size={16} />}>New</Button>
      </Menu.Target>
      <Menu.Dropdown>
        {newItems
          .filter((item) => !item.role || hasRole(role, item.role))
          .map(({ label, icon, to }) => (
            <MenuItemLink key={label} to={to} leftSection={<Icon name={icon} size={16} />}>
              {label}
            </MenuItemLink>
          ))}
      </Menu.Dropdown>
    </Menu>
  )
}
