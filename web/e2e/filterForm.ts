import type { Locator } from '@playwright/test'

import { expect, type Page } from './fixtures'

// The form of a filter, and the chips of the active filters.

/** FilterValue enters the value of a filter: text, the name of a person, an option of a select field, or checked options. */
export type FilterValue = { text: string } | { person: string } | { option: string } | { checked: string[] }

/** addFilter adds a filter with the form. */
export async function addFilter(page: Page, column: string, condition: string, value: FilterValue) {
  await page.getByRole('button', { name: 'Add filter' }).first().click()
  const form = filterForm(page)
  await form.getByLabel('Column').selectOption({ label: column })
  await form.getByLabel('Condition').selectOption({ label: condition })
  await enterValue(form, column, value)
  await form.getByRole('button', { name: 'Apply' }).click()
  await expect(form).toHaveCount(0)
}

/** changeFilter changes the value of the filter whose chip begins with a text. */
export async function changeFilter(page: Page, chip: string, column: string, value: FilterValue) {
  await page.getByRole('button', { name: `Change filter ${chip}` }).click()
  const form = filterForm(page)
  await enterValue(form, column, value)
  await form.getByRole('button', { name: 'Apply' }).click()
  await expect(form).toHaveCount(0)
}

export const filterForm = (page: Page) => page.getByRole('dialog', { name: 'Filter' })

async function enterValue(form: Locator, column: string, value: FilterValue) {
  if ('text' in value) await form.getByLabel(column, { exact: true }).fill(value.text)
  else if ('person' in value) {
    await form.getByRole('combobox', { name: column }).fill(value.person)
    await form.getByRole('option', { name: value.person }).click()
  } else if ('option' in value) await form.getByLabel(column, { exact: true }).selectOption({ label: value.option })
  else
    for (const box of await form.getByRole('checkbox').all())
      await box.setChecked(value.checked.includes((await box.evaluate(labelText)) ?? ''))
}

const labelText = (element: SVGElement | HTMLElement) => (element as HTMLInputElement).labels?.[0]?.textContent

/** chips are the active filters. */
export const chips = (page: Page) => page.getByRole('list', { name: 'Filters' }).getByRole('listitem')
