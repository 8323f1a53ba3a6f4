import { Kbd, Switch, Table } from '@mantine/core'

import { Dialog } from '../components/Dialog'
import { useShortcuts, useSingleKeys } from './shortcuts'

const command = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl'

/** ShortcutsHelp lists the keys that work right now. */
export function ShortcutsHelp({ close }: { close: () => void }) {
  const shortcuts = useShortcuts()
  const [on, turn] = useSingleKeys()
  return (
    <Dialog onClose={close} title="Keyboard">
      <Table>
        <Table.Tbody>
          {shortcuts.map(({ keys, label }) => (
            <Table.Tr key={keys + label}>
              <Table.Th scope="row" fw={400}>
                {label}
              </Table.Th>
              <Table.Td ta="right">
                {keys.split(/[ +]/).map((key, i) => (
                  <Kbd key={i} ml={4}>
                    {key === 'mod' ? command : key}
                  </Kbd>
                ))}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Switch mt="md" label={`Keys without ${command} do something`} checked={on} onChange={(event) => turn(event.currentTarget.checked)} />
    </Dialog>
  )
}
