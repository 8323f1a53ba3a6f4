import { useNavigate, useSearch } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { NewRow } from '../components/NewRowScreen'
import { useMay } from '../session/api'
import { type Container, containerQuery, createContainer, type NewContainerFields, titleOf } from './api'
import { ContainerForm } from './ContainerForm'
import { uuidIn } from './extractUuid'

/** NewContainerScreen creates a container, with the label and in the freezer that the address names. */
export function NewContainerScreen() {
  const navigate = useNavigate()
  const { uuid, freezer_id } = useSearch({ from: '/containers/new' })
  return (
    <NewRow<Container, NewContainerFields>
      title="New container"
      may={useMay('operator')}
      above={<TextLink to="/containers">Containers</TextLink>}
      start={{ uuid, freezer_id: Number(freezer_id) || undefined }}
      form={(props) => <ContainerForm<NewContainerFields> {...props} isNew />}
      create={({ uuid: label, ...fields }) => createContainer(label ? { ...fields, uuid: uuidIn(label) ?? label } : fields)}
      row={(made) => containerQuery(made.uuid).queryKey}
      called={titleOf}
      open={(made) => void navigate({ to: '/containers/$uuid', params: { uuid: made.uuid } })}
      cancel={() => void navigate({ to: '/containers' })}
    />
  )
}
