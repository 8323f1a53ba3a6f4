import { Stack } from '@mantine/core'

import { Facts } from '../components/DescriptionList'
import { RowDetails } from '../components/RowDetails'
import { RowForm } from '../components/RowForm'
import { shown } from '../components/formatValue'
import { type Account, changeOwn, ownLabels, ownQuery, readOwn } from './api'

const { country, ...fixed } = ownLabels

/** OwnDetails shows one's own data. One may change the country; the rest is the admins'. */
export function OwnDetails({ account }: { account: Account }) {
  const names = Object.keys(fixed) as (keyof typeof fixed)[]
  return (
    <RowDetails<Account, Pick<Account, 'country'>>
      row={account}
      may
      labels={ownLabels}
      form={(props) => (
        <Stack>
          <Facts of={names.map((name) => [fixed[name], shown(account[name])])} />
          <RowForm<Pick<Account, 'country'>> {...props} fields={[{ name: 'country', label: country, autoComplete: 'country-name' }]} />
        </Stack>
      )}
      options={{ row: ownQuery.queryKey, list: ['users'], same: (one) => one.id === account.id, read: readOwn, write: changeOwn }}
    />
  )
}
