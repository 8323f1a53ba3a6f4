import { useNavigate, useSearch } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { NewRow } from '../components/NewRowScreen'
import { useMay } from '../session/api'
import { createComputer, type Computer, type ComputerFields, computerQuery } from './api'
import { ComputerForm } from './ComputerForm'

/** NewComputerScreen creates a computer, at the site that the address names. */
export function NewComputerScreen() {
  const navigate = useNavigate()
  const { site_id } = useSearch({ from: '/computers/new' })
  return (
    <NewRow<Computer, ComputerFields>
      title="New computer"
      may={useMay('operator')}
      above={<TextLink to="/instruments">Instruments</TextLink>}
      start={{ site_id: Number(site_id) || undefined }}
      form={(props) => <ComputerForm {...props} />}
      create={createComputer}
      row={({ id }) => computerQuery(id).queryKey}
      called={({ name }) => name}
      open={({ id }) => void navigate({ to: '/computers/$id', params: { id: String(id) } })}
      cancel={() => void navigate({ to: '/instruments' })}
    />
  )
}
