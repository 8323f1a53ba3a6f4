import { Group, Kbd, Switch, Table, Text, TextInput, Title } from '@mantine/core'

import { Dialog } from '../components/Dialog'
import { useScanSettings } from '../scan/useScanner'
import { useShortcuts, useSingleKeySetting } from './shortcuts'

const commandKey = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl'

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
      <Switch
        mt="md"
        label="Single-key shortcuts"
        checked={isEnabled}
        onChange={(event) => setIsEnabled(event.currentTarget.checked)}
      />
      <ScannerSettings />
    </Dialog>
  )
}

/** ScannerSettings edits the keys that the barcode scanner sends around a code. */
function ScannerSettings() {
  const [settings, setSettings] = useScanSettings()
  return (
    <>
      <Title order={3} size="h4" mt="md">
        Barcode scanner
      </Title>
      <Text size="sm" c="dimmed">
        Scan on any screen to open the container.
      </Text>
      <Group grow align="start" mt="xs">
        <TextInput
          label="Prefix"
          description="Characters or key, such as F9, that the scanner sends first. Empty: scans are detected by speed."
          autoComplete="off"
          spellCheck={false}
          value={settings.prefix}
          onChange={(event) => setSettings({ ...settings, prefix: event.currentTarget.value })}
        />
        <TextInput
          label="Suffix"
          description="Characters or key that the scanner sends last. Empty: Enter or Tab."
          autoComplete="off"
          spellCheck={false}
          value={settings.suffix}
          onChange={(event) => setSettings({ ...settings, suffix: event.currentTarget.value })}
        />
      </Group>
    </>
  )
}
