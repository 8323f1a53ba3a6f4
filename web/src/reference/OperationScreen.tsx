import { Button, Code, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useRef } from 'react'

import { type Column, RowTable } from '../components/RowTable'
import { TextLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { Section } from '../components/Section'
import { toast } from '../components/toast'
import { referenceQuery } from './api'
import type { ApiField, CodeExample, Operation } from './openapi'

const sampleServer = 'http://127.0.0.1:5000' // the server in the samples of the OpenAPI document

/** OperationScreen shows one operation: its parameters, request body, response, code samples and SQL. */
export function OperationScreen() {
  const { operation: id } = useParams({ from: '/reference/$operation' })
  const query = useQuery(referenceQuery)
  const operation = query.data?.find((item) => item.id === id)
  return (
    <Screen title={operation?.summary ?? id} breadcrumb={<TextLink to="/reference">API reference</TextLink>}>
      <QueryBoundary query={query}>
        {() =>
          operation ? (
            <Details operation={operation} />
          ) : (
            <EmptyState title="Operation not found">
              The server may run a different version. Search the API reference for the operation.
            </EmptyState>
          )
        }
      </QueryBoundary>
    </Screen>
  )
}

function Details({
  operation: { method, path, description, parameters, body, response, samples },
}: {
  operation: Operation
}) {
  return (
    <>
      <div>
        <Text ff="monospace" style={{ overflowWrap: 'anywhere' }}>
          {method} {path}
        </Text>
        <Text>{description}</Text>
      </div>
      {samples.map((sample, i) => (
        <CodeSample key={i} sample={{ ...sample, label: numberedLabel(samples, i) }} id={`sample-${i}`} />
      ))}
      {parameters.length > 0 && (
        <Section title="Parameters" id="parameters">
          <RowTable
            label="Parameters"
            isWrapped
            columns={[...fieldColumns.slice(0, 1), locationColumn, ...fieldColumns.slice(1)]}
            rows={parameters}
            rowKey={(item) => `${item.location} ${item.name}`}
          />
        </Section>
      )}
      {body.length > 0 && (
        <Section title="Request body" id="body">
          <RowTable label="Request body" isWrapped columns={fieldColumns} rows={body} rowKey={(item) => item.name} />
        </Section>
      )}
      <Section title="Response" id="response">
        <Text mb="xs">
          {response.description} {response.type && <Code>{response.type}</Code>}
        </Text>
        {response.fields.length > 0 && (
          <RowTable
            label="Response"
            isWrapped
            columns={fieldColumns.filter(({ id }) => id !== 'required')}
            rows={response.fields}
            rowKey={(item) => item.name}
          />
        )}
      </Section>
      {response.example && (
        <CodeSample sample={{ label: 'Example response', source: response.example }} id="example-response" />
      )}
    </>
  )
}

const fieldColumns: Column<ApiField>[] = [
  {
    id: 'name',
    header: 'Name',
    value: ({ name }) => name,
    cell: ({ name }) => <Text ff="monospace">{name}</Text>,
    width: 12,
  },
  { id: 'type', header: 'Type', value: ({ type }) => type, width: 10 },
  { id: 'required', header: 'Required', value: ({ required }) => (required ? 'Yes' : 'No'), width: 7 },
  { id: 'description', header: 'Description', value: ({ description }) => description },
]
const locationColumn: Column<ApiField> = {
  id: 'location',
  header: 'Location',
  value: (item) => item.location,
  width: 7,
}

/** numberedLabel returns the label of a sample, with a number if several samples have the same label. */
function numberedLabel(samples: CodeExample[], index: number): string {
  const label = samples[index]?.label ?? ''
  const sameLabel = samples.filter((item) => item.label === label)
  return sameLabel.length > 1 ? `${label} ${sameLabel.indexOf(samples[index] as CodeExample) + 1}` : label
}

function CodeSample({ sample: { label, source }, id }: { sample: CodeExample; id: string }) {
  const codeRef = useRef<HTMLPreElement>(null)
  const text = source.replaceAll(sampleServer, location.origin)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      toast('Copied')
    } catch {
      getSelection()?.selectAllChildren(codeRef.current as Node) // the clipboard is not available over plain HTTP
      toast('Text selected. Press Ctrl+C (or ⌘C) to copy.')
    }
  }
  return (
    <Stack component="section" aria-labelledby={id} gap={4}>
      <Group justify="space-between">
        <Text component="h2" fw={600} id={id}>
          {label}
        </Text>
        <Button variant="default" size="xs" onClick={() => void copy()} aria-label={`Copy ${label}`}>
          Copy
        </Button>
      </Group>
      <Code block ref={codeRef} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {text}
      </Code>
    </Stack>
  )
}
