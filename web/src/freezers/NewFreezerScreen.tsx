import { useNavigate, useSearch } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { NewRowScreen } from '../components/NewRowScreen'
import { usePermission } from '../session/api'
import { createFreezer, type Freezer, type FreezerFields, freezerQuery } from './api'
import { FreezerForm } from './FreezerForm'

/** NewFreezerScreen creates a freezer. The site_id in the URL preselects the site. */
export function NewFreezerScreen() {
  const navigate = useNavigate()
  const { site_id } = useSearch({ from: '/freezers/new' })
  return (
    <NewRowScreen<Freezer, FreezerFields>
      title="New freezer"
      canCreate={usePermission('operator')}
      breadcrumb={<TextLink to="/instruments">Instruments</TextLink>}
      initialValues={{ site_id: Number(site_id) || undefined }}
      renderForm={(props) => <FreezerForm {...props} />}
      createRow={createFreezer}
      getQueryKey={({ id }) => freezerQuery(id).queryKey}
      getLabel={({ name }) => name}
      onCreated={({ id }) => void navigate({ to: '/freezers/$id', params: { id: String(id) } })}
      onCancel={() => void navigate({ to: '/instruments' })}
    />
  )
}
