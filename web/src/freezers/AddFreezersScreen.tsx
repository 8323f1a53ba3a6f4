import { useNavigate, useSearch } from '@tanstack/react-router'

import { AddManyForm, type TargetField } from '../addMany/AddManyForm'
import { TextLink } from '../components/links'
import { Picker } from '../components/Picker'
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
          renderTarget={(field) => <SiteField {...field} />}
          targetFields={['site_id']}
          targetNoun="a site"
          initialTarget={site_id}
          useTargetName={useSiteName}
          addRows={(siteId, rows, options) => addFreezers(Number(siteId), rows, options)}
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

function SiteField(field: TargetField) {
  return <Picker kind="site" label="Site" selectedLabel={useSiteNames()(Number(field.value))} {...field} />
}

const useSiteName = (id: string): string => useSiteNames()(Number(id))
