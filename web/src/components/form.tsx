import { Alert, Button, Group, Text } from '@mantine/core'
import { useEffect, useEffectEvent } from 'react'

import type { Problem } from '../api/problem'

// What forms have in common. The server alone decides what is right; each of its messages stands at the field it is about.

/** nullable is the text of a field that may be left out. */
export function nullable<T extends string>(text: T): Exclude<T, ''> | null {
  return text.trim() === '' ? null : (text as Exclude<T, ''>)
}

/** changed are the fields of a form that differ from the row it began with. */
export function changed<T extends object>(base: T, values: Partial<T>): Partial<T> {
  const names = Object.keys(values) as (keyof T)[]
  return Object.fromEntries(names.filter((name) => values[name] !== base[name]).map((name) => [name, values[name]])) as Partial<T>
}

interface Focusable<N extends string> {
  setErrors: (errors: Record<string, string>) => void
  getInputNode: (name: N) => HTMLElement | null
}

/**
 * useFormFocus puts the server's messages at the fields of a form of @mantine/form, and the focus on the first of them; at first it is on the first
 * field, and so it is when a form is back whose fields are not to blame.
 */
export function useFormFocus<N extends string>(form: Focusable<N>, fields: readonly N[], problem: Problem | undefined, { atFirst = true } = {}) {
  const show = useEffectEvent((problem: Problem | undefined) => {
    if (problem) form.setErrors(problem.byField)
    const lost = !document.activeElement || document.activeElement === document.body // the form has gone and come back
    const blamed = problem && fields.find((name) => problem.byField[name])
    const first = blamed ?? ((problem ? lost : atFirst) ? fields[0] : undefined)
    if (first) form.getInputNode(first)?.focus()
  })
  useEffect(() => show(problem), [problem])
}

/** ProblemNote says what went wrong with a write, unless fields of the form say all of it. */
export function ProblemNote({ problem, fields = [] }: { problem: Problem | undefined; fields?: readonly string[] }) {
  if (!problem || (problem.errors.length > 0 && problem.errors.every(({ field }) => fields.includes(field)))) return <div role="alert" />
  return (
    <Alert role="alert" color="red" title={problem.title} variant="outline">
      <Text size="sm">{problem.message}</Text>
      {problem.requestId && (
        <Text size="xs" c="dimmed">
          Request {problem.requestId}
        </Text>
      )}
    </Alert>
  )
}

interface FormEndProps {
  problem: Problem | undefined
  fields: readonly string[]
  saving: boolean
  cancel: () => void
}

/** FormEnd ends the form of a row: what the server said to the last try, and the buttons. */
export function FormEnd({ problem, fields, saving, cancel }: FormEndProps) {
  return (
    <>
      <ProblemNote problem={problem} fields={fields} />
      <Group>
        <Button type="submit" loading={saving}>
          Save
        </Button>
        <Button variant="default" onClick={cancel}>
          Cancel
        </Button>
      </Group>
    </>
  )
}
