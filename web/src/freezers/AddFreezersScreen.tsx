import { useNavigate, useSearch } from '@tanstack/react-router'

import { AddManyForm } from '../addMany/AddManyForm'
import { TextLink } from '../components/links'
import { Forbidden } from '../components/placeholders'
import { Screen } from '../components/Screen'
import type { EditableColumn } from '../editableGrid/columns'
import { usePermission } from '../session/api'
import { useSiteNames } from '../sites/SiteLink'
import { addFreezers } from './api'

const columns: EditableColumn[] = [{ id: 'name', header: 'Name' }]

/** AddFreezersScreen adds many freezers to one site. The URL can preset the site. */
export function AddFreezersScreen() {
  const canAdd = usePermission('operator')
  const navigate = useNavigate()
  const { site_id = '' } = useSearch({ from: '/freezers/add' })
  return (
    <Screen title="Add freezers" breadcrumb={<TextLink to="/storage">Storage</TextLink>}>
      {canAdd ? (
        <AddManyForm
          itemNames={{ one: 'freezer', many: 'freezers' }}
          columns={columns}
          targetKind="site"
          targetField="site_id"
          targetLabel="Site"
          initialTargetId={site_id}
          useTargetNames={useSiteNames}
          addRows={addFreezers}
          renderLinks={(siteId) => (
            <TextLink to="/storage" search={{ view: 'list', site_id: siteId }} underline="always" size="sm">
              View freezers
            </TextLink>
          )}
          onCancel={() => void navigate({ to: '/storage' })}
        />
      ) : (
        <Forbidden />
      )}
    </Screen>
  )
}
