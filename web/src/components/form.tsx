import { Alert, Button, Group, Text } from '@mantine/core'
import { useEffect, useEffectEvent } from 'react'

import type { Problem } from '../api/problem'
import { problemTitle } from './problemTitle'

// Shared parts of forms. Only the server validates; its messages appear at their fields.

/** emptyToNull returns the text of an optional field, or null if it is blank. */
export function emptyToNull<T extends string>(text: T): Exclude<T, ''> | null {
  return text.trim() === '' ? null : (text as Exclude<T, ''>)
}

/** changedFields returns the values that differ from the base row. */
export function changedFields<T extends object>(base: T, values: Partial<T>): Partial<T> {
  const fieldNames = Object.keys(values) as (keyof T)[]
  return Object.fromEntries(
    fieldNames.filter((name) => values[name] !== base[name]).map((name) => [name, values[name]]),
  ) as Partial<T>
}

interface Focusable<FieldName extends string> {
  setErrors: (errors: Record<string, string>) => void
  getInputNode: (name: FieldName) => HTMLElement | null
}

/**
 * useFormFocus shows the server's messages at the fields of a @mantine/form form and focuses the first invalid field.
 * Initially, and when a form reappears with an error that is not about a field, it focuses the first field.
 */
export function useFormFocus<FieldName extends string>(
  form: Focusable<FieldName>,
  fields: readonly FieldName[],
  problem: Problem | undefined,
  { focusInitially = true } = {},
) {
  const applyProblem = useEffectEvent((problem: Problem | undefined) => {
    if (problem) form.setErrors(describeFieldErrors(problem))
    // The focus is lost if the form was unmounted and mounted again.
    const isFocusLost = !document.activeElement || document.activeElement === document.body
    const invalidField = problem && fields.find((name) => problem.messagesByField[name])
    const target = invalidField ?? ((problem ? isFocusLost : focusInitially) ? fields[0] : undefined)
    if (target) form.getInputNode(target)?.focus()
  })
  useEffect(() => applyProblem(problem), [problem])
}

/** describeFieldErrors returns the message of each field, in the words of a form. */
function describeFieldErrors({ messagesByField }: Problem): Record<string, string> {
  const describe = (message: string) => (/^must not be (null|blank|empty)$/.test(message) ? 'Required' : message)
  return Object.fromEntries(Object.entries(messagesByField).map(([field, message]) => [field, describe(message)]))
}

/** ProblemAlert shows the error of a write, unless the fields of the form show all of it. */
export function ProblemAlert({ problem, fields = [] }: { problem: Problem | undefined; fields?: readonly string[] }) {
  if (!problem || (problem.errors.length > 0 && problem.errors.every(({ field }) => fields.includes(field))))
    return <div role="alert" />
  return (
    <Alert role="alert" color="red" title={problemTitle(problem)} variant="outline">
      <Text size="sm">{problem.message}</Text>
      {problem.requestId && (
        <Text size="xs" c="dimmed">
          Request ID: {problem.requestId}
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

/** FormActions shows the error of the last attempt to save, and the buttons of a form. */
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
