import { Kbd, Stack, Switch, Table } from '@mantine/core'

import { Dialog } from '../components/Dialog'
import { TextLink } from '../components/links'
import { commandKey, useShortcuts, useSingleKeySetting } from './shortcuts'

/** ShortcutsHelp lists the active shortcuts, disables single-key shortcuts, and sets up a barcode scanner. */
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
      <Stack gap="xs" mt="md" align="start">
        <Switch
          label="Single-key shortcuts"
          checked={isEnabled}
          onChange={(event) => setIsEnabled(event.currentTarget.checked)}
        />
        <TextLink to="/settings" size="sm" onClick={onClose}>
          Set up a barcode scanner
        </TextLink>
      </Stack>
    </Dialog>
  )
}
