import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'

import { parseSeriesText, seriesTexts } from './series'

interface Props {
  columnName: string
  initialText: string
  /** The number of selected rows, if several are selected. */
  initialCount: number | undefined
  /** Index of the first row to fill. */
  firstRow: number
  maxCount: number
  onFill: (texts: string[]) => void
}

const defaultCount = 20

/** SeriesForm fills a column with numbered texts. */
export function SeriesForm({ columnName, initialText, initialCount, firstRow, maxCount, onFill }: Props) {
  const [text, setText] = useState(initialText)
  const [from, setFrom] = useState('1')
  const [to, setTo] = useState(String(initialCount ?? defaultCount))
  const [digits, setDigits] = useState('1')
  const typed = parseSeriesText(text)
  const series = typed ?? { text, from: Number(from), to: Number(to), digits: Number(digits) }
  const texts = text.trim() && (typed || (from && to)) ? seriesTexts(series, maxCount) : []
  const submit = (event: FormEvent) => {
    event.preventDefault()
    event.stopPropagation() // the grid may be within a form
    if (texts.length > 0) onFill(texts)
  }
  const numberProps = { type: 'number', min: 0, step: 1, w: 88, disabled: typed !== undefined }
  return (
    <form onSubmit={submit}>
      <Stack gap="sm" maw={320}>
        <TextInput
          label={`Text of ${columnName}`}
          description="{n} stands for the number. You can also type: box 1…20"
          placeholder="Mouse serum, box {n}"
          autoComplete="off"
          data-autofocus
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Group gap="xs">
          <TextInput
            label="From"
            {...numberProps}
            value={typed ? typed.from : from}
            onChange={(event) => setFrom(event.currentTarget.value)}
          />
          <TextInput
            label="To"
            {...numberProps}
            value={typed ? typed.to : to}
            onChange={(event) => setTo(event.currentTarget.value)}
          />
          <TextInput
            label="Digits"
            {...numberProps}
            min={1}
            max={9}
            value={typed ? typed.digits : digits}
            onChange={(event) => setDigits(event.currentTarget.value)}
          />
        </Group>
        <Text size="sm" c="dimmed" aria-live="polite" style={{ overflowWrap: 'anywhere' }}>
          {texts.length > 0
            ? `${texts[0]} … ${texts.at(-1)}, in rows ${firstRow + 1} to ${firstRow + texts.length}`
            : 'Enter a text and the numbers.'}
        </Text>
        <Button type="submit" disabled={texts.length === 0}>
          {texts.length === 1 ? 'Fill 1 row' : `Fill ${texts.length} rows`}
        </Button>
      </Stack>
    </form>
  )
}
