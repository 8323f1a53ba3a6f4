import { Screen } from '../parts/Screen'

export function RegisterScreen() {
  return <Screen title="Register">Soon.</Screen>
}
