import { useNavigate, useSearch } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { NewRowScreen } from '../components/NewRowScreen'
import { usePermission } from '../session/api'
import { type Computer, type ComputerFields, computerQuery, createComputer } from './api'
import { ComputerForm } from './ComputerForm'

/** NewComputerScreen creates a computer. The site_id in the URL preselects the site. */
export function NewComputerScreen() {
  const navigate = useNavigate()
  const { site_id } = useSearch({ from: '/computers/new' })
  return (
    <NewRowScreen<Computer, ComputerFields>
      title="New computer"
      canCreate={usePermission('operator')}
      breadcrumb={<TextLink to="/instruments">Instruments</TextLink>}
      initialValues={{ site_id: Number(site_id) || undefined }}
      renderForm={(props) => <ComputerForm {...props} />}
      createRow={createComputer}
      getQueryKey={({ id }) => computerQuery(id).queryKey}
      getLabel={({ name }) => name}
      onCreated={({ id }) => void navigate({ to: '/computers/$id', params: { id: String(id) } })}
      onCancel={() => void navigate({ to: '/instruments' })}
    />
  )
}
