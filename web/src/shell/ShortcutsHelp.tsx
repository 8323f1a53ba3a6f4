import { Kbd, Switch, Table } from '@mantine/core'

import { Dialog } from '../components/Dialog'
import { useShortcuts, useSingleKeySetting } from './shortcuts'

const commandKey = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl'

/** ShortcutsHelp lists the active shortcuts and enables or disables single-key shortcuts. */
export function ShortcutsHelp({ onClose }: { onClose: () => void }) {
  const shortcuts = useShortcuts()
  const [isEnabled, setIsEnabled] = useSingleKeySetting()
  return (
    <Dialog onClose={onClose} title="Keyboard shortcuts">
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
                    {key === 'mod' ? commandKey : key}
                  </Kbd>
                ))}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Switch
        mt="md"
        label="Single-key shortcuts"
        checked={isEnabled}
        onChange={(event) => setIsEnabled(event.currentTarget.checked)}
      />
    </Dialog>
  )
}
