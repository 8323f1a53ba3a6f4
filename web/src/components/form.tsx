import { Alert, Button, Group, Text } from '@mantine/core'
import { useBlocker } from '@tanstack/react-router'
import { useEffect, useEffectEvent } from 'react'

import type { Problem } from '../api/problem'
import { problemTitle } from './problemTitle'

// Shared parts of forms. Only the server validates; its messages appear at their fields.

/** emptyToNull returns the text of an optional field, or null if it is blank. */
export function emptyToNull<T extends string>(text: T): Exclude<T, ''> | null {
  return text.trim() === '' ? null : (text as Exclude<T, ''>)
}

/**
 * textToNumber returns the number of an optional field, or null if it is blank. Other text stays as it is: the server
 * explains it.
 */
export function textToNumber(text: string): number | string | null {
  const trimmed = text.trim()
  if (trimmed === '') return null
  return Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed
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

const noAliases: Record<string, string> = {}

const renameKeys = (messages: Record<string, string>, aliases: Record<string, string>) =>
  Object.fromEntries(Object.entries(messages).map(([name, message]) => [aliases[name] ?? name, message]))

/**
 * useFormFocus shows the server's messages at the fields of a @mantine/form form and focuses the first invalid field.
 * Initially, and when a form reappears with an error that is not about a field, it focuses the first field. aliases
 * names the fields of the form that show the messages of other fields of the API.
 */
export function useFormFocus<FieldName extends string>(
  form: Focusable<FieldName>,
  fields: readonly FieldName[],
  problem: Problem | undefined,
  { focusInitially = true, aliases = noAliases } = {},
) {
  const applyProblem = useEffectEvent((problem: Problem | undefined) => {
    const messages = problem ? renameKeys(problem.messagesByField, aliases) : {}
    if (problem) form.setErrors(messages)
    // The focus is lost if the form was unmounted and mounted again.
    const isFocusLost = !document.activeElement || document.activeElement === document.body
    const invalidField = fields.find((name) => messages[name])
    const target = invalidField ?? ((problem ? isFocusLost : focusInitially) ? fields[0] : undefined)
    if (target) form.getInputNode(target)?.focus()
  })
  useEffect(() => applyProblem(problem), [problem])
}

const leaveQuestion = 'Leave without saving? What you typed will be lost.'

/** confirmLeave reports whether typed text can be discarded. It asks the user if there is any. */
export const confirmLeave = (isDirty: boolean): boolean => !isDirty || window.confirm(leaveQuestion)

/** useLeaveWarning asks before the user leaves a form with typed text, by a link, the back button or closing the tab. */
export function useLeaveWarning(isDirty: boolean) {
  useBlocker({
    shouldBlockFn: () => !confirmLeave(isDirty),
    enableBeforeUnload: isDirty,
    disabled: !isDirty,
  })
}

/** ProblemAlert shows the error of a write. fields are the fields of the form, which show their own messages. */
export function ProblemAlert({ problem, fields = [] }: { problem: Problem | undefined; fields?: readonly string[] }) {
  if (!problem) return <div role="alert" />
  const isHighlighted = problem.errors.some(({ field }) => fields.includes(field))
  const message = isHighlighted ? problem.describeErrors(fields) : problem.message
  const requestId = problem.status >= 500 && problem.requestId
  return (
    <Alert
      role="alert"
      color="red"
      title={isHighlighted ? 'Please fix the highlighted fields' : problemTitle(problem)}
      variant="outline"
    >
      {message && (
        <>
          <Text size="sm">{message}</Text>
          {requestId && (
            <Text size="xs" c="dimmed">
              Request ID: {requestId}
            </Text>
          )}
        </>
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
