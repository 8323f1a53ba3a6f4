import type { Locator } from '@playwright/test'

import { expect, type Page } from './fixtures'

// The dialog that moves containers: its field for the target, and its plan.

/** chooseTarget types a part of a name or a barcode into the dialog, and chooses the match with all of a text. */
export async function chooseTarget(page: Page, text: string, option: string | RegExp = text) {
  const field = page.getByRole('dialog').getByRole('combobox', { name: 'Move to' })
  await expect(field).toBeFocused()
  await page.keyboard.insertText(text)
  await expect(targetOptions(page).filter({ hasText: option })).toHaveCount(1)
  await targetOptions(page).filter({ hasText: option }).click()
}

export const targetOptions = (page: Page) =>
  page.getByRole('region', { name: 'Choices for Move to' }).getByRole('option')

/** showPlan requests the plan and returns its rows. */
export async function showPlan(page: Page): Promise<Locator> {
  await page.getByRole('button', { name: 'Plan' }).click()
  await expect(page.getByRole('region', { name: 'Plan' })).toBeFocused()
  return planRows(page)
}

export const planRows = (page: Page) =>
  page.getByRole('table', { name: 'Plan' }).getByRole('rowgroup').nth(1).getByRole('row')

/** printed returns what the browser would print. */
export async function printed(page: Page): Promise<Locator> {
  await page.emulateMedia({ media: 'print' })
  return page.getByRole('region', { name: 'Pick list' })
}
