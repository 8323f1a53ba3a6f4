/** userNameOf returns the name of the user of an event or an alert, who may have no account. */
export const userNameOf = ({ user_id, user_display_name }: { user_id?: number; user_display_name?: string | null }) =>
  user_display_name ?? `User ${user_id}`
