import { useQueryClient } from '@tanstack/react-query'

import { formatValue } from '../components/formatValue'
import { RowDetails } from '../components/RowDetails'
import { RowForm } from '../components/RowForm'
import { type Account, accountLabels, accountQuery, fetchAccount, type OwnFields, updateAccount } from './api'

const { display_name, email, country } = accountLabels

/** AccountDetails shows the user's own account. Admins edit the username, the role and the risk level. */
export function AccountDetails({ account }: { account: Account }) {
  const queryClient = useQueryClient()
  return (
    <RowDetails<Account, OwnFields>
      row={account}
      canEdit
      labels={accountLabels}
      fieldContent={{ risk: formatValue(account.risk ?? 'Default (medium)') }}
      renderForm={(props) => (
        <RowForm<OwnFields>
          {...props}
          fields={[
            { name: 'display_name', label: display_name, autoComplete: 'name' },
            { name: 'email', label: email, autoComplete: 'email' },
            { name: 'country', label: country, autoComplete: 'country-name' },
          ]}
        />
      )}
      editOptions={{
        queryKey: accountQuery.queryKey,
        listKey: ['users'],
        isSameRow: (row) => row.id === account.id,
        fetchRow: fetchAccount,
        updateRow: updateAccount,
        onSaved: () => void queryClient.invalidateQueries({ queryKey: ['directory'] }), // it has the name
      }}
    />
  )
}
