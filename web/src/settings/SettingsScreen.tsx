import { Anchor, SegmentedControl, Stack, Switch, Text, useMantineColorScheme } from '@mantine/core'

import { basePath } from '../api/basePath'
import { Panel } from '../components/Panel'
import { Screen } from '../components/Screen'
import { ScannerSettings } from '../scan/ScannerSettings'
import { useSingleKeySetting } from '../shell/shortcuts'
import { type Density, useDensity } from './density'
import classes from './SettingsScreen.module.css'

/** SettingsScreen has the settings of this browser, and leads to what developers need. */
export function SettingsScreen() {
  return (
    <Screen title="Settings">
      <div className={classes.panels}>
        <Appearance />
        <Panel title="Barcode scanner" id="scanner">
          <ScannerSettings />
        </Panel>
        <Keyboard />
        <Panel title="API" id="api">
          <Text size="sm">
            Everything in this app is an API call.{' '}
            <Anchor href={`${basePath}/docs`} inherit underline="always">
              The API reference
            </Anchor>{' '}
            shows each one as a curl command, with the SQL that it runs.
          </Text>
        </Panel>
      </div>
    </Screen>
  )
}

function Appearance() {
  const [density, setDensity] = useDensity()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Panel title="Appearance" id="appearance">
      <Stack gap="sm">
        <div>
          <Text size="sm" id="theme-label">
            Theme
          </Text>
          <SegmentedControl
            aria-labelledby="theme-label"
            value={colorScheme}
            onChange={(value) => setColorScheme(value as typeof colorScheme)}
            data={[
              { value: 'auto', label: 'System' },
              { value: 'light', label: 'Light' },
              { value: 'dark', label: 'Dark' },
            ]}
          />
        </div>
        <div>
          <Text size="sm" id="density-label">
            Density
          </Text>
          <SegmentedControl
            aria-labelledby="density-label"
            value={density}
            onChange={(value) => setDensity(value as Density)}
            data={[
              { value: 'compact', label: 'Compact' },
              { value: 'comfortable', label: 'Comfortable' },
            ]}
          />
        </div>
      </Stack>
    </Panel>
  )
}

function Keyboard() {
  const [isEnabled, setIsEnabled] = useSingleKeySetting()
  return (
    <Panel title="Keyboard" id="keyboard">
      <Switch
        label="Single-key shortcuts"
        description="Press ? to see all shortcuts of a screen."
        checked={isEnabled}
        onChange={(event) => setIsEnabled(event.currentTarget.checked)}
      />
    </Panel>
  )
}
