import { useNavigate, useSearch } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { NewRow } from '../components/NewRowScreen'
import { useMay } from '../session/api'
import { createFreezer, type Freezer, type FreezerFields, freezerQuery } from './api'
import { FreezerForm } from './FreezerForm'

/** NewFreezerScreen creates a freezer, at the site that the address names. */
export function NewFreezerScreen() {
  const navigate = useNavigate()
  const { site_id } = useSearch({ from: '/freezers/new' })
  return (
    <NewRow<Freezer, FreezerFields>
      title="New freezer"
      may={useMay('operator')}
      above={<TextLink to="/instruments">Instruments</TextLink>}
      start={{ site_id: Number(site_id) || undefined }}
      form={(props) => <FreezerForm {...props} />}
      create={createFreezer}
      row={({ id }) => freezerQuery(id).queryKey}
      called={({ name }) => name}
      open={({ id }) => void navigate({ to: '/freezers/$id', params: { id: String(id) } })}
      cancel={() => void navigate({ to: '/instruments' })}
    />
  )
}
