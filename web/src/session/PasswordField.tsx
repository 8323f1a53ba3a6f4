import { PasswordInput, type PasswordInputProps } from '@mantine/core'

/** PasswordField is a password input with a button that shows the password; Tab reaches the button. */
export function PasswordField(props: PasswordInputProps) {
  return (
    <PasswordInput required visibilityToggleButtonProps={{ 'aria-label': 'Show password', tabIndex: 0 }} {...props} />
  )
}

/** NewPasswordField is a password input for a new password, with its rules. */
export function NewPasswordField(props: PasswordInputProps) {
  return (
    <PasswordField description="8 to 128 characters; no common passwords." autoComplete="new-password" {...props} />
  )
}
