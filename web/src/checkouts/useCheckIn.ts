import { toProblem } from '../api/problem'
import { toast } from '../components/toast'
import { returnContainer } from './api'
import type { HeldContainer } from './dialogs'
import { useCustodyMutation } from './useCustodyMutation'
import { useReportCustody } from './useReportCustody'

/** useCheckIn returns a function that checks a container in, and offers to undo it. */
export function useCheckIn({ uuid, name }: HeldContainer) {
  const report = useReportCustody()
  const { mutate, isPending } = useCustodyMutation((uuid: string, key: string) => returnContainer(uuid, {}, key))
  const checkIn = () =>
    mutate(uuid, {
      onSuccess: (ended) => report.checkedIn(name, ended),
      onError: (error) => toast(toProblem(error).message, 'error'),
    })
  return { checkIn, isPending }
}
