import { Screen } from '../parts/Screen'

export function SignInScreen() {
  return <Screen title="Sign">Soon.</Screen>
}
