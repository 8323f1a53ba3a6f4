import { useNavigate } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { NewRow } from '../components/NewRowScreen'
import { useMay } from '../session/api'
import { createSite, type Site, type SiteFields, siteQuery } from './api'
import { SiteForm } from './SiteForm'

/** NewSiteScreen creates a site. */
export function NewSiteScreen() {
  const navigate = useNavigate()
  return (
    <NewRow<Site, SiteFields>
      title="New site"
      may={useMay('operator')}
      above={<TextLink to="/sites">Sites</TextLink>}
      start={{}}
      form={(props) => <SiteForm {...props} />}
      create={createSite}
      row={({ id }) => siteQuery(id).queryKey}
      called={({ name }) => name}
      open={({ id }) => void navigate({ to: '/sites/$id', params: { id: String(id) } })}
      cancel={() => void navigate({ to: '/sites' })}
    />
  )
}
