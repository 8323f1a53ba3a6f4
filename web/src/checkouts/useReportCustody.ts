import { toProblem } from '../api/problem'
import { toast } from '../components/toast'
import { usePersonName } from '../people/PersonName'
import { checkOut, type RecordedCheckout, returnContainer } from './api'
import { useCustodyMutation } from './useCustodyMutation'

const alertNote = ({ alert }: RecordedCheckout) => (alert ? '. It raised an alert.' : '')

const reportError = (error: unknown) => toast(toProblem(error).message, 'error')

/** useReportCustody returns functions that report a check-out or check-in, and offer to undo it. */
export function useReportCustody() {
  const personName = usePersonName()
  const undoCheckOut = useCustodyMutation((uuid: string, key: string) => returnContainer(uuid, {}, key))
  const undoCheckIn = useCustodyMutation((ended: RecordedCheckout, key: string) => {
    const { container_uuid, holder, due_on, purpose } = ended
    return checkOut({ container_uuid, holder, due_on, purpose }, key)
  })
  return {
    checkedOut: (name: string, checkout: RecordedCheckout) =>
      toast(`${name} checked out to ${personName(checkout.holder)}${alertNote(checkout)}`, {
        onUndo: () => undoCheckOut.mutate(checkout.container_uuid, { onError: reportError }),
      }),
    handedOver: (name: string, checkout: RecordedCheckout) =>
      toast(`${name} handed over to ${personName(checkout.holder)}${alertNote(checkout)}`),
    checkedIn: (name: string, ended: RecordedCheckout) =>
      toast(`${name} checked in${alertNote(ended)}`, {
        onUndo: () => undoCheckIn.mutate(ended, { onError: reportError }),
      }),
  }
}
