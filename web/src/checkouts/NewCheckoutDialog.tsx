import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { toProblem } from '../api/problem'
import { Picker } from '../components/Picker'
import { containerQuery, containerTitle } from '../containers/api'
import { checkOut, type NewCheckout } from './api'
import { CustodyDialog } from './CustodyDialog'
import { useOwnUsername } from './dialogs'
import { useCustodyMutation } from './useCustodyMutation'
import { useReportCustody } from './useReportCustody'

/** NewCheckoutDialog finds a container by its name or barcode, and checks it out. */
export function NewCheckoutDialog({ onClose }: { onClose: () => void }) {
  const report = useReportCustody()
  const holder = useOwnUsername()
  const [uuid, setUuid] = useState('')
  const { data: container } = useQuery({ ...containerQuery(uuid), enabled: uuid !== '' })
  const { mutate, error, isPending } = useCustodyMutation((checkout: NewCheckout, key: string) => checkOut(checkout, key))
  const problem = error ? toProblem(error) : undefined
  return (
    <CustodyDialog
      title="Check out a container"
      submitLabel="Check out"
      initialValues={{ holder, due_on: null, purpose: null }}
      isComplete={uuid !== ''}
      problem={problem}
      isSaving={isPending}
      onSubmit={({ holder, ...terms }) =>
        mutate(
          { container_uuid: uuid, ...(holder && { holder }), ...terms },
          {
            onSuccess: (checkout) => {
              onClose()
              report.checkedOut(container ? containerTitle(container) : 'Container', checkout)
            },
          },
        )
      }
      onCancel={onClose}
    >
      <Picker
        kind="container"
        label="Container"
        required
        withinPortal={false}
        data-autofocus
        value={uuid}
        onChange={setUuid}
      />
    </CustodyDialog>
  )
}
