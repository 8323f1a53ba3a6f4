import { useNavigate, useSearch } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { NewRowScreen } from '../components/NewRowScreen'
import { findUuid } from '../scan/parseCode'
import { usePermission } from '../session/api'
import { type Container, containerQuery, containerTitle, createContainer, type NewContainerFields } from './api'
import { ContainerForm } from './ContainerForm'

/** NewContainerScreen creates a container. The URL can preset the barcode and the freezer. */
export function NewContainerScreen() {
  const navigate = useNavigate()
  const { uuid, freezer_id } = useSearch({ from: '/containers/new' })
  return (
    <NewRowScreen<Container, NewContainerFields>
      title="New container"
      canCreate={usePermission('operator')}
      breadcrumb={<TextLink to="/containers">Containers</TextLink>}
      initialValues={{ uuid, freezer_id: Number(freezer_id) || undefined }}
      renderForm={(props) => <ContainerForm<NewContainerFields> {...props} isNew />}
      createRow={({ uuid: barcode, ...fields }) =>
        createContainer(barcode ? { ...fields, uuid: findUuid(barcode) ?? barcode } : fields)
      }
      getQueryKey={(container) => containerQuery(container.uuid).queryKey}
      getLabel={containerTitle}
      onCreated={(container) => void navigate({ to: '/containers/$uuid', params: { uuid: container.uuid } })}
      onCancel={() => void navigate({ to: '/containers' })}
    />
  )
}
