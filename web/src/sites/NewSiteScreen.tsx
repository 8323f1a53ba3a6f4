import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'

import { asProblem } from '../api/problem'
import { TextLink } from '../parts/links'
import { Screen } from '../parts/Screen'
import { Forbidden } from '../parts/states'
import { toast } from '../parts/toast'
import { useMay } from '../session/api'
import { createSite, siteQuery } from './api'
import { SiteForm } from './SiteForm'

/** NewSiteScreen creates a site and leads to it. */
export function NewSiteScreen() {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const may = useMay('operator')
  const { mutate, isPending, error } = useMutation({
    mutationFn: createSite,
    onSuccess: (site) => {
      queryClient.setQueryData(siteQuery(site.id).queryKey, site)
      void queryClient.invalidateQueries({ queryKey: ['sites'] })
      toast(`${site.name} is stored`)
      void navigate({ to: '/sites/$id', params: { id: String(site.id) } })
    },
  })
  return (
    <Screen title="New site" above={<TextLink to="/sites">Sites</TextLink>}>
      {may ? (
        <SiteForm start={{}} submit={mutate} cancel={() => void navigate({ to: '/sites' })} saving={isPending} problem={error ? asProblem(error) : undefined} />
      ) : (
        <Forbidden />
      )}
    </Screen>
  )
}
