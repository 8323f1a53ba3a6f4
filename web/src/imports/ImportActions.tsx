import { Button, Group, Progress, Text } from '@mantine/core'

import type { ImportStep } from './api'

interface Props {
  step: ImportStep | undefined
  isChecked: boolean
  canCheck: boolean
  onCheck: () => void
  onImport: () => void
  onStop: () => void
}

/** ImportActions are the buttons that check rows and then import them. */
export function ImportActions({ step, isChecked, canCheck, onCheck, onImport, onStop }: Props) {
  return (
    <Group>
      {isChecked ? (
        <Button onClick={onImport} loading={step !== undefined}>
          Import
        </Button>
      ) : (
        <Button onClick={onCheck} loading={step !== undefined} disabled={!canCheck}>
          Check
        </Button>
      )}
      {step && <StepProgress step={step} onStop={onStop} />}
    </Group>
  )
}

const stepLabels = { sending: 'Uploading', waiting: 'Processing' }

function StepProgress({ step, onStop }: { step: ImportStep; onStop: () => void }) {
  const label = stepLabels[step.phase]
  return (
    <>
      <Text size="sm">{label}…</Text>
      <Progress
        value={step.phase === 'waiting' ? 100 : step.fraction * 100}
        animated={step.phase === 'waiting'}
        aria-label={label}
        w={160}
      />
      <Button variant="default" onClick={onStop}>
        Stop
      </Button>
    </>
  )
}
