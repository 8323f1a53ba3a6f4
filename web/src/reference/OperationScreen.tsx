import { Button, Code, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useRef } from 'react'

import { type Column, RowTable } from '../components/DataTable'
import { TextLink } from '../components/links'
import { Screen } from '../components/Screen'
import { Empty } from '../components/placeholders'
import { Shown } from '../components/QueryBoundary'
import { Part } from '../components/Section'
import { toast } from '../components/toast'
import { referenceQuery } from './api'
import type { Field, Operation, Sample } from './openapi'

const sampleServer = 'http://127.0.0.1:5000' // as the document's samples call it

/** OperationScreen tells all about one operation: what it takes, what it answers, how to call it, and the SQL that it runs. */
export function OperationScreen() {
  const { operation: id } = useParams({ from: '/reference/$operation' })
  const query = useQuery(referenceQuery)
  const found = query.data?.find((one) => one.id === id)
  return (
    <Screen title={found?.summary ?? id} above={<TextLink to="/reference">API reference</TextLink>}>
      <Shown query={query}>{() => (found ? <Details operation={found} /> : <Empty title="There is no such operation">The server may have become another version.</Empty>)}</Shown>
    </Screen>
  )
}

function Details({ operation: { method, path, text, parameters, body, answer, samples } }: { operation: Operation }) {
  return (
    <>
      <div>
        <Text ff="monospace" style={{ overflowWrap: 'anywhere' }}>
          {method} {path}
        </Text>
        <Text>{text}</Text>
      </div>
      {samples.map((sample, i) => (
        <Snippet key={i} sample={{ ...sample, label: numbered(samples, i) }} id={`sample-${i}`} />
      ))}
      {parameters.length > 0 && (
        <Part title="Parameters" id="parameters">
          <RowTable label="Parameters" columns={[...columns.slice(0, 1), place, ...columns.slice(1)]} rows={parameters} rowKey={(one) => `${one.place} ${one.name}`} />
        </Part>
      )}
      {body.length > 0 && (
        <Part title="Body" id="body">
          <RowTable label="Body" columns={columns} rows={body} rowKey={(one) => one.name} />
        </Part>
      )}
      <Part title="Answer" id="answer">
        <Text mb="xs">
          {answer.text} {answer.type && <Code>{answer.type}</Code>}
        </Text>
        {answer.fields.length > 0 && <RowTable label="Answer" columns={columns.filter(({ id }) => id !== 'required')} rows={answer.fields} rowKey={(one) => one.name} />}
      </Part>
    </>
  )
}

const columns: Column<Field>[] = [
  { id: 'name', header: 'Name', value: ({ name }) => name, cell: ({ name }) => <Text ff="monospace">{name}</Text> },
  { id: 'type', header: 'Type', value: ({ type }) => type },
  { id: 'required', header: 'Needed', value: ({ required }) => (required ? 'yes' : 'no') },
  { id: 'text', header: 'What it is', value: ({ text }) => text },
]
const place: Column<Field> = { id: 'place', header: 'In', value: (one) => one.place }

/** numbered is the label of a sample; of several with the same one it says which. */
function numbered(samples: Sample[], at: number): string {
  const label = samples[at]?.label ?? ''
  const same = samples.filter((one) => one.label === label)
  return same.length > 1 ? `${label} ${same.indexOf(samples[at] as Sample) + 1}` : label
}

function Snippet({ sample: { label, source }, id }: { sample: Sample; id: string }) {
  const block = useRef<HTMLPreElement>(null)
  const text = source.replaceAll(sampleServer, location.origin)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      toast('Copied')
    } catch {
      getSelection()?.selectAllChildren(block.current as Node) // a page that came by plain HTTP may not write there
      toast('It is selected: copy it by Ctrl-C')
    }
  }
  return (
    <Stack component="section" aria-labelledby={id} gap={4}>
      <Group justify="space-between">
        <Text component="h2" fw={600} id={id}>
          {label}
        </Text>
        <Button variant="default" size="xs" onClick={() => void copy()} aria-label={`Copy the ${label}`}>
          Copy
        </Button>
      </Group>
      <Code block ref={block} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {text}
      </Code>
    </Stack>
  )
}
