import { ActionIcon, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useLocalStorage } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, lazy, useEffect, useEffectEvent, useState } from 'react'

import { scopedName } from '../api/basePath'
import { useOwnUsername } from '../checkouts/dialogs'
import { Icon } from '../components/icons'
import { LazyBoundary } from '../components/LazyBoundary'
import { Screen } from '../components/Screen'
import { useStore } from '../components/store'
import { useGoBack } from '../components/useGoBack'
import { useSearchParam } from '../components/useSearchParam'
import { hasCamera } from '../scan/barcodeReader'
import { useScanHandler } from '../scan/scanHandler'
import { hasRole, useSession } from '../session/api'
import { giveFeedback } from './feedback'
import { type CheckOutSettings, CheckOutSettingsPanel, MoveSettingsPanel } from './ModeSettings'
import { type ScanMode, type ScanModeName, scanModes } from './modes'
import { ScanCard } from './ScanCard'
import { ScanLog } from './ScanLog'
import classes from './ScanModeScreen.module.css'
import type { ScanQueue } from './ScanQueue'
import { currentQueue, listenToOutcomes, newEntry, scanPlace, setScanPlace, startQueue, undoScan } from './scanQueues'
import { StocktakePanel } from './StocktakePanel'
import type { ScanAction } from './types'

const Camera = lazy(() => import('../scan/Camera').then((module) => ({ default: module.Camera })))

/** ScanModeScreen handles one scan after the other: it finds containers, checks them out and in, moves and counts them. */
export function ScanModeScreen() {
  const session = useSession()
  const queryClient = useQueryClient()
  const user = session?.username ?? ''
  const running = useStore(currentQueue)
  useEffect(() => startQueue(user, queryClient), [user, queryClient])
  return running?.user === user && <ScanPanel key={user} queue={running.queue} user={user} />
}

function ScanPanel({ queue, user }: { queue: ScanQueue; user: string }) {
  const role = useSession()?.role
  const modes: ScanMode[] = scanModes.filter((mode) => !('role' in mode) || hasRole(role, mode.role))
  const [modeParam, setMode] = useSearchParam('mode')
  const mode = modes.find(({ name }) => name === modeParam) ?? (scanModes[0] as ScanMode)
  const [checkOut, setCheckOut] = useState<CheckOutSettings>({ holder: useOwnUsername(), dueOn: null })
  const [stocktake, setStocktake] = useSearchParam('stocktake')
  const [isMuted, setIsMuted] = useLocalStorage({ key: scopedName('scan-muted'), defaultValue: false })
  const addScan = useAddScan(queue, user, mode.name as ScanModeName, { ...checkOut, stocktake: Number(stocktake) })
  useScanHandler(({ typed, us }) => addScan([typed, us]))
  const onOutcome = useEffectEvent((tone: 'fine' | 'warning' | 'critical') => giveFeedback(tone, { isMuted }))
  useEffect(() => listenToOutcomes((_, { tone }) => onOutcome(tone)), [])
  return (
    <div className={classes.frame}>
      <Screen
        title="Scan"
        actions={
          <>
            <ActionIcon
              variant="default"
              size="lg"
              aria-label={isMuted ? 'Turn the sound on' : 'Turn the sound off'}
              onClick={() => setIsMuted(!isMuted)}
            >
              <Icon name={isMuted ? 'soundOff' : 'sound'} />
            </ActionIcon>
            <LeaveButton />
          </>
        }
      >
        <Stack gap="sm">
          <ModeButtons modes={modes} mode={mode} onChange={(name) => setMode(name === scanModes[0].name ? '' : name)} />
          {mode.name === 'check-out' && <CheckOutSettingsPanel value={checkOut} onChange={setCheckOut} />}
          {mode.name === 'move' && <MoveSettingsPanel />}
          {mode.name === 'stock-take' && <StocktakePanel id={Number(stocktake)} onChange={(id) => setStocktake(String(id))} />}
          <CodeInput onCode={(code) => addScan([code])} />
          <LastScan queue={queue} prompt={usePrompt(mode)} />
          <Records queue={queue} />
        </Stack>
      </Screen>
    </div>
  )
}

/** useAddScan returns a function that queues a scan with what the mode does. */
function useAddScan(queue: ScanQueue, user: string, mode: ScanModeName, settings: CheckOutSettings & { stocktake: number }) {
  const { holder, dueOn, stocktake } = settings
  const place = useStore(scanPlace)
  const toAction = (): ScanAction => {
    switch (mode) {
      case 'find':
        return { kind: 'find' }
      case 'check-out':
        return { kind: 'checkOut', holder, dueOn }
      case 'check-in':
        return { kind: 'checkIn' }
      case 'move':
        return place ? { kind: 'move', to: place } : { kind: 'place' }
      case 'stock-take':
        return { kind: 'count', stocktake }
    }
  }
  return (texts: string[]) => {
    const entry = newEntry(user, texts, toAction())
    if (entry.action.kind === 'place') setScanPlace({ entryKey: entry.key })
    queue.add(entry)
  }
}

/** usePrompt returns what to scan next. */
function usePrompt({ name, prompt }: ScanMode): string {
  const place = useStore(scanPlace)
  return name === 'move' && place ? 'Scan what goes there' : prompt
}

function LeaveButton() {
  const navigate = useNavigate()
  const goBack = useGoBack(() => void navigate({ to: '/' }))
  return (
    <ActionIcon variant="default" size="lg" aria-label="Leave scan mode" onClick={goBack}>
      <Icon name="close" />
    </ActionIcon>
  )
}

interface ModeButtonsProps {
  modes: ScanMode[]
  mode: ScanMode
  onChange: (name: string) => void
}

function ModeButtons({ modes, mode, onChange }: ModeButtonsProps) {
  return (
    <div className={classes.modes} role="group" aria-label="What a scan does">
      {modes.map(({ name, label, icon }) => (
        <Button
          key={name}
          variant={name === mode.name ? 'filled' : 'default'}
          aria-pressed={name === mode.name}
          leftSection={<Icon name={icon} size={16} />}
          onClick={() => onChange(name)}
        >
          {label}
        </Button>
      ))}
    </div>
  )
}

/** CodeInput reads codes with the camera, or typed. */
function CodeInput({ onCode }: { onCode: (code: string) => void }) {
  const [text, setText] = useState('')
  const [hasCameraOn, setHasCameraOn] = useLocalStorage({ key: scopedName('scan-camera'), defaultValue: false })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (text.trim() === '') return
    onCode(text.trim())
    setText('')
  }
  return (
    <>
      {hasCamera() && hasCameraOn && (
        <LazyBoundary>
          <Camera onCode={onCode} />
        </LazyBoundary>
      )}
      <form onSubmit={submit}>
        <Group gap="xs" align="end" wrap="nowrap">
          <TextInput
            flex={1}
            label="Code"
            placeholder="Scan or type"
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            leftSection={<Icon name="scan" size={16} />}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <Button type="submit" variant="default" disabled={text.trim() === ''}>
            Enter
          </Button>
          {hasCamera() && (
            <Button
              variant="default"
              aria-pressed={hasCameraOn}
              leftSection={<Icon name="camera" size={16} />}
              onClick={() => setHasCameraOn(!hasCameraOn)}
            >
              Camera
            </Button>
          )}
        </Group>
      </form>
    </>
  )
}

/** LastScan shows the last outcome, and how many scans wait for the network. */
function LastScan({ queue, prompt }: { queue: ScanQueue; prompt: string }) {
  const records = useStore(queue.records)
  const isWaiting = useStore(queue.isWaiting)
  const waiting = records.filter(({ outcome }) => !outcome).length
  const last = records.find(({ outcome }) => outcome)?.outcome
  return (
    <div role="status">
      {isWaiting && waiting > 0 && (
        <Group gap="xs" mb="xs" className={classes.waiting} wrap="nowrap">
          <Icon name="offline" size={28} />
          <Text fw={600}>Waiting for the network: {waiting.toLocaleString('en')}</Text>
        </Group>
      )}
      <Text size="sm" c="dimmed" mb="xs">
        {prompt}
      </Text>
      {last && <ScanCard outcome={last} />}
    </div>
  )
}

function Records({ queue }: { queue: ScanQueue }) {
  const records = useStore(queue.records)
  return <ScanLog records={records} onUndo={(record) => undoScan(queue, record)} />
}
