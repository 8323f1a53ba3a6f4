import { Button, Popover, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'

import { Icon } from '../components/icons'
import { toLocalInput } from '../components/localTime'
import { useAsOf } from './asOf'
import { asOfPresets, formatAsOf, presetTime } from './asOfPresets'
import { formatAsOfTime } from './formatAsOfTime'
import { useSetAsOf } from './useSetAsOf'

/** AsOfButton chooses the time that the screen shows: now, or a time in the past. */
export function AsOfButton() {
  const asOf = useAsOf()
  const setAsOf = useSetAsOf()
  const [isOpen, setIsOpen] = useState(false)
  const [text, setText] = useState('')
  const [now, setNow] = useState('') // when the form opened
  const isPast = text !== '' && text <= now
  const choose = (value: string | undefined) => {
    setIsOpen(false)
    setAsOf(value)
  }
  const handleSubmit = (event: FormEvent) => {
    event.preventDefault()
    if (isPast) choose(formatAsOf(new Date(text)))
  }
  return (
    <Popover opened={isOpen} onChange={setIsOpen} position="bottom-end" trapFocus returnFocus>
      <Popover.Target>
        <Button
          variant={asOf === undefined ? 'default' : 'light'}
          aria-label={`As of: ${asOf === undefined ? 'now' : formatAsOfTime(asOf)}`}
          leftSection={<Icon name="clock" size={15} />}
          rightSection={<Icon name="chevronDown" size={14} />}
          onClick={() => {
            setText(toLocalInput('time', asOf ?? ''))
            setNow(toLocalInput('time', new Date().toISOString()))
            setIsOpen(!isOpen)
          }}
        >
          {asOf === undefined ? 'Now' : formatAsOfTime(asOf)}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="As of">
        <form onSubmit={handleSubmit}>
          <Stack gap="xs">
            {asOf !== undefined && (
              <Button variant="default" onClick={() => choose(undefined)}>
                Now
              </Button>
            )}
            {asOfPresets.map(({ label, unit }) => (
              <Button key={unit} variant="default" onClick={() => choose(presetTime(unit))}>
                {label}
              </Button>
            ))}
            <TextInput
              label="Date and time"
              type="datetime-local"
              max={now}
              value={text}
              error={text !== '' && !isPast ? 'Enter a time in the past' : undefined}
              onChange={(event) => setText(event.currentTarget.value)}
            />
            <Button type="submit" disabled={!isPast}>
              Show
            </Button>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  )
}
