import { Screen } from '../parts/Screen'

export function SiteScreen() {
  return <Screen title="Site">Soon.</Screen>
}
