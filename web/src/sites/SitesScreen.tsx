import { Screen } from '../parts/Screen'

export function SitesScreen() {
  return <Screen title="Sites">Soon.</Screen>
}
