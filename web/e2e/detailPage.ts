import { expect, type Page } from './fixtures'

// Detail pages: the menu with their rare actions, and their tabs.

/** openMoreMenu opens the menu of a detail page. */
export async function openMoreMenu(page: Page) {
  await page.getByRole('button', { name: 'More actions' }).click()
  await expect(page.getByRole('menu')).toBeVisible()
}

/** chooseMoreAction chooses an item of the menu of a detail page. */
export async function chooseMoreAction(page: Page, name: string) {
  await openMoreMenu(page)
  await page.getByRole('menuitem', { name }).click()
}

/** openTab shows a tab of a detail page, whose name may end with a number, and returns its panel. */
export async function openTab(page: Page, name: string) {
  await page.getByRole('tab', { name: new RegExp(`^${name}`) }).click()
  return tabPanel(page, name)
}

/** tabPanel is the panel of a tab that is shown, whose name may end with a number. */
export const tabPanel = (page: Page, name: string) => page.getByRole('tabpanel', { name: new RegExp(`^${name}`) })
