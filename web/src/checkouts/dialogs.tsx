import { Button, Checkbox, Group, Stack, TextInput, Textarea } from '@mantine/core'
import { type FormEvent, useState } from 'react'

import { toProblem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { emptyToNull, ProblemAlert } from '../components/form'
import { toast } from '../components/toast'
import { useSession } from '../session/api'
import { changeTerms, type Checkout, checkOut, endContainer, type Ending, handOver, returnContainer } from './api'
import { CustodyDialog, type CustodyTerms } from './CustodyDialog'
import { useCustodyMutation } from './useCustodyMutation'
import { useReportCustody } from './useReportCustody'

// The dialogs of custody. Each writes and reports the result.

/** HeldContainer is what the dialogs know of a container. */
export interface HeldContainer {
  uuid: string
  /** What people call it. */
  name: string
  quantity?: string | null
  unit?: string | null
}

interface DialogProps {
  container: HeldContainer
  onClose: () => void
}

const toError = (error: unknown) => (error ? toProblem(error) : undefined)

/** useOwnUsername returns the username of the signed-in user, or null on an open server. */
export function useOwnUsername(): string | null {
  const session = useSession()
  return session?.signed_in ? (session.username ?? null) : null
}

/** CheckOutDialog checks a container out, to the user by default. */
export function CheckOutDialog({ container, onClose }: DialogProps) {
  const report = useReportCustody()
  const holder = useOwnUsername()
  const { mutate, error, isPending } = useCustodyMutation(({ holder, ...terms }: CustodyTerms, key: string) =>
    checkOut({ container_uuid: container.uuid, ...(holder && { holder }), ...terms }, key),
  )
  return (
    <CustodyDialog
      title={`Check out ${container.name}`}
      submitLabel="Check out"
      initialValues={{ holder, due_on: null, purpose: null }}
      problem={toError(error)}
      isSaving={isPending}
      onSubmit={(terms) =>
        mutate(terms, {
          onSuccess: (checkout) => {
            onClose()
            report.checkedOut(container.name, checkout)
          },
        })
      }
      onCancel={onClose}
    />
  )
}

/** HandOverDialog gives a container to another holder. */
export function HandOverDialog({ container, checkout, onClose }: DialogProps & { checkout: Checkout }) {
  const report = useReportCustody()
  const { mutate, error, isPending } = useCustodyMutation(({ holder, ...terms }: CustodyTerms, key: string) =>
    handOver(checkout, { holder: holder ?? '', ...terms }, key),
  )
  return (
    <CustodyDialog
      title={`Hand over ${container.name}`}
      submitLabel="Hand over"
      initialValues={{ holder: null, due_on: checkout.due_on, purpose: checkout.purpose }}
      problem={toError(error)}
      isSaving={isPending}
      onSubmit={(terms) =>
        mutate(terms, {
          onSuccess: (next) => {
            onClose()
            report.handedOver(container.name, next)
          },
        })
      }
      onCancel={onClose}
    />
  )
}

/** TermsDialog changes the due date and the purpose of a check-out. */
export function TermsDialog({ container, checkout, onClose }: DialogProps & { checkout: Checkout }) {
  const { mutate, error, isPending } = useCustodyMutation(({ due_on, purpose }: CustodyTerms) =>
    changeTerms(checkout, { due_on, purpose }),
  )
  return (
    <CustodyDialog
      title={`Change the due date of ${container.name}`}
      submitLabel="Save"
      hasHolder={false}
      initialValues={checkout}
      problem={toError(error)}
      isSaving={isPending}
      onSubmit={(terms) =>
        mutate(terms, {
          onSuccess: () => {
            onClose()
            toast('Due date saved')
          },
        })
      }
      onCancel={onClose}
    />
  )
}

/** UseDialog checks a container in, and records what is left and whether it was thawed. */
export function UseDialog({ container, onClose }: DialogProps) {
  const report = useReportCustody()
  const [quantity, setQuantity] = useState(container.quantity ?? '')
  const [thawed, setThawed] = useState(false)
  const { mutate, error, isPending } = useCustodyMutation((use: Parameters<typeof returnContainer>[1], key: string) =>
    returnContainer(container.uuid, use, key),
  )
  const problem = toError(error)
  const handleSubmit = (event: FormEvent) => {
    event.preventDefault()
    const left = quantity.trim() === (container.quantity ?? '') ? null : emptyToNull(quantity)
    mutate(
      { quantity: left, thawed },
      {
        onSuccess: (ended) => {
          onClose()
          report.checkedIn(container.name, ended)
        },
      },
    )
  }
  return (
    <Dialog onClose={onClose} title={`Check in ${container.name}`}>
      <form onSubmit={handleSubmit} noValidate>
        <Stack>
          <TextInput
            label={container.unit ? `Quantity left (${container.unit})` : 'Quantity left'}
            description="Leave it as it is if nothing was used."
            inputMode="decimal"
            data-autofocus
            value={quantity}
            onChange={(event) => setQuantity(event.currentTarget.value)}
            error={problem?.messagesByField.quantity}
          />
          <Checkbox
            label="The contents were thawed"
            checked={thawed}
            onChange={(event) => setThawed(event.currentTarget.checked)}
          />
          <ProblemAlert problem={problem} fields={['quantity']} />
          <Group justify="end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={isPending}>
              Check in
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}

const endings = {
  discard: {
    title: 'Discard',
    note: 'Its position becomes free.',
    placeholder: 'For example: the tube broke',
    done: 'discarded',
  },
  lost: {
    title: 'Mark as missing:',
    note: 'It keeps its position until it is found or discarded.',
    placeholder: 'For example: not in the rack',
    done: 'marked as missing',
  },
} as const

/** EndingDialog discards a container or marks it as missing, and asks why. */
export function EndingDialog({ container, ending, onClose }: DialogProps & { ending: Ending }) {
  const [reason, setReason] = useState('')
  const { title, note, placeholder, done } = endings[ending]
  const { mutate, error, isPending } = useCustodyMutation((reason: string, key: string) =>
    endContainer(container.uuid, ending, reason, key),
  )
  const problem = toError(error)
  const handleSubmit = (event: FormEvent) => {
    event.preventDefault()
    mutate(reason, {
      onSuccess: () => {
        onClose()
        toast(`${container.name} ${done}`)
      },
    })
  }
  return (
    <Dialog onClose={onClose} isDirty={reason !== '' && !isPending} title={`${title} ${container.name}`}>
      <form onSubmit={handleSubmit} noValidate>
        <Stack>
          <Textarea
            label="Reason"
            description={note}
            placeholder={placeholder}
            required
            autosize
            minRows={2}
            data-autofocus
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            error={problem?.messagesByField.reason}
          />
          <ProblemAlert problem={problem} fields={['reason']} />
          <Group justify="end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" color="red" loading={isPending} disabled={reason.trim() === ''}>
              {ending === 'discard' ? 'Discard' : 'Mark as missing'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
