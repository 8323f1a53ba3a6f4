import { Group, Text, TextInput } from '@mantine/core'

import { useScanSettings } from './useScanner'

/** ScannerSettings edits the keys that the barcode scanner sends around a code. */
export function ScannerSettings() {
  const [settings, setSettings] = useScanSettings()
  return (
    <>
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
