import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { NewRowScreen } from '../components/NewRowScreen'
import { Loading } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { usePermission } from '../session/api'
import {
  type Container,
  containerQuery,
  containerTitle,
  createContainer,
  type NewContainerFields,
  readBarcode,
} from './api'
import { ContainerForm } from './ContainerForm'

/** NewContainerScreen creates a container. The URL can preset the barcode, the kind and the place. */
export function NewContainerScreen() {
  const navigate = useNavigate()
  const { uuid, barcode, kind, freezer_id, parent, position } = useSearch({ from: '/containers/new' })
  const canCreate = usePermission('operator')
  // The name of the parent is in the field from the start.
  const { isPending } = useQuery({ ...containerQuery(parent ?? ''), enabled: parent !== undefined })
  if (parent && isPending)
    return (
      <Screen title="New container">
        <Loading />
      </Screen>
    )
  return (
    <NewRowScreen<Container, NewContainerFields>
      title="New container"
      canCreate={canCreate}
      breadcrumb={<TextLink to="/containers">Containers</TextLink>}
      initialValues={{
        barcode: barcode ?? uuid ?? null,
        kind: kind ?? null,
        ...(parent ? { parent_uuid: parent } : { freezer_id: Number(freezer_id) || undefined }),
        position: position ?? null,
      } as NewContainerFields}
      renderForm={({ initialValues, ...props }) => (
        <ContainerForm {...props} initialValues={initialValues as Partial<Container>} isNew />
      )}
      createRow={({ barcode: code, ...fields }) => createContainer({ ...fields, ...readBarcode(code) })}
      getQueryKey={(container) => containerQuery(container.uuid).queryKey}
      getLabel={containerTitle}
      onCreated={(container) => void navigate({ to: '/containers/$uuid', params: { uuid: container.uuid } })}
      onCancel={() => void navigate({ to: '/containers' })}
    />
  )
}
