import { Alert, Button, Group, Text } from '@mantine/core'
import { useEffect, useEffectEvent } from 'react'

import type { Problem } from '../api/problem'

// What forms have in common. The server alone decides what is right; each of its messages stands at the field it is about.

/** emptyToNull is the text of a field that may be left out. */
export function emptyToNull<T extends string>(text: T): Exclude<T, ''> | null {
  return text.trim() === '' ? null : (text as Exclude<T, ''>)
}

/** changedFields are the fields of a form that differ from the row it began with. */
export function changedFields<T extends object>(base: T, values: Partial<T>): Partial<T> {
  const fieldNames = Object.keys(values) as (keyof T)[]
  return Object.fromEntries(fieldNames.filter((name) => values[name] !== base[name]).map((name) => [name, values[name]])) as Partial<T>
}

interface Focusable<FieldName extends string> {
  setErrors: (errors: Record<string, string>) => void
  getInputNode: (name: FieldName) => HTMLElement | null
}

/**
 * useFormFocus puts the server's messages at the fields of a form of @mantine/form, and the focus on the first of them; at first it is on the first
 * field, and so it is when a form is back whose fields are not to blame.
 */
export function useFormFocus<FieldName extends string>(form: Focusable<FieldName>, fields: readonly FieldName[], problem: Problem | undefined, { focusInitially = true } = {}) {
  const applyProblem = useEffectEvent((problem: Problem | undefined) => {
    if (problem) form.setErrors(problem.messagesByField)
    const isFocusLost = !document.activeElement || document.activeElement === document.body // the form has gone and come back
    const invalidField = problem && fields.find((name) => problem.messagesByField[name])
    const target = invalidField ?? ((problem ? isFocusLost : focusInitially) ? fields[0] : undefined)
    if (target) form.getInputNode(target)?.focus()
  })
  useEffect(() => applyProblem(problem), [problem])
}

/** ProblemAlert says what went wrong with a write, unless fields of the form say all of it. */
export function ProblemAlert({ problem, fields = [] }: { problem: Problem | undefined; fields?: readonly string[] }) {
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

interface FormActionsProps {
  problem: Problem | undefined
  fields: readonly string[]
  isSaving: boolean
  onCancel: () => void
}

/** FormActions ends the form of a row: what the server said to the last try, and the buttons. */
export function FormActions({ problem, fields, isSaving, onCancel }: FormActionsProps) {
  return (
    <>
      <ProblemAlert problem={problem} fields={fields} />
      <Group>
        <Button type="submit" loading={isSaving}>
          Save
        </Button>
        <Button variant="default" onClick={onCancel}>
          Cancel
        </Button>
      </Group>
    </>
  )
}
