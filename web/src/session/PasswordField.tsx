import { PasswordInput, type PasswordInputProps } from '@mantine/core'

/** PasswordField is a field for a password, which one may look at, also by keys. */
export function PasswordField(props: PasswordInputProps) {
  return <PasswordInput required visibilityToggleButtonProps={{ 'aria-label': 'Show the password', tabIndex: 0 }} {...props} />
}

/** NewPasswordField is a field for a password that one chooses. */
export function NewPasswordField(props: PasswordInputProps) {
  return <PasswordField description="8 to 128 characters of any kind, but none of the most common passwords." autoComplete="new-password" {...props} />
}
