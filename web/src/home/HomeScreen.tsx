import { Screen } from '../parts/Screen'

export function HomeScreen() {
  return <Screen title="Home">Soon.</Screen>
}
