import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'

import { TextLink } from '../components/links'
import { Forbidden } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { freezerQuery } from '../freezers/api'
import { FreezerLink } from '../freezers/FreezerLink'
import { usePermission } from '../session/api'
import { SiteLink } from '../sites/SiteLink'
import { Evacuation } from './Evacuation'

/** EvacuateScreen moves everything out of a freezer, to places that the user chooses. */
export function EvacuateScreen() {
  const { id } = useParams({ from: '/freezers/$id/evacuate' })
  const canMove = usePermission('operator')
  const query = useQuery(freezerQuery(Number(id)))
  return (
    <Screen
      title={query.data ? `Evacuate ${query.data.name}` : 'Evacuate freezer'}
      breadcrumb={
        <>
          <TextLink to="/storage">Storage</TextLink>
          {query.data && <SiteLink id={query.data.site_id} />}
          {query.data && <FreezerLink id={query.data.id} name={query.data.name} />}
        </>
      }
    >
      {canMove ? (
        <QueryBoundary query={query}>{(freezer) => <Evacuation freezer={freezer} />}</QueryBoundary>
      ) : (
        <Forbidden />
      )}
    </Screen>
  )
}
