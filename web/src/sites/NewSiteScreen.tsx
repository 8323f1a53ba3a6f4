import { useNavigate } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { NewRowScreen } from '../components/NewRowScreen'
import { usePermission } from '../session/api'
import { createSite, type Site, type SiteFields, siteQuery } from './api'
import { SiteForm } from './SiteForm'

/** NewSiteScreen creates a site. */
export function NewSiteScreen() {
  const navigate = useNavigate()
  return (
    <NewRowScreen<Site, SiteFields>
      title="New site"
      canCreate={usePermission('operator')}
      breadcrumb={<TextLink to="/sites">Sites</TextLink>}
      initialValues={{}}
      renderForm={(props) => <SiteForm {...props} />}
      createRow={createSite}
      getQueryKey={({ id }) => siteQuery(id).queryKey}
      getLabel={({ name }) => name}
      onCreated={({ id }) => void navigate({ to: '/sites/$id', params: { id: String(id) } })}
      onCancel={() => void navigate({ to: '/sites' })}
    />
  )
}
