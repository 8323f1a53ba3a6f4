import { Stack } from '@mantine/core'

import { DescriptionList } from '../components/DescriptionList'
import { formatValue } from '../components/formatValue'
import { RowDetails } from '../components/RowDetails'
import { RowForm } from '../components/RowForm'
import { type Account, accountLabels, accountQuery, fetchAccount, updateAccount } from './api'

const { country, ...fixedLabels } = accountLabels

/** AccountDetails shows the user's own account. Users edit their country; admins edit the other fields. */
export function AccountDetails({ account }: { account: Account }) {
  const fixedNames = Object.keys(fixedLabels) as (keyof typeof fixedLabels)[]
  return (
    <RowDetails<Account, Pick<Account, 'country'>>
      row={account}
      canEdit
      labels={accountLabels}
      renderForm={(props) => (
        <Stack>
          <DescriptionList items={fixedNames.map((name) => [fixedLabels[name], formatValue(account[name])])} />
          <RowForm<Pick<Account, 'country'>>
            {...props}
            fields={[{ name: 'country', label: country, autoComplete: 'country-name' }]}
          />
        </Stack>
      )}
      editOptions={{
        queryKey: accountQuery.queryKey,
        listKey: ['users'],
        isSameRow: (row) => row.id === account.id,
        fetchRow: fetchAccount,
        updateRow: updateAccount,
      }}
    />
  )
}
