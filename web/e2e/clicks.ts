import { expect, type Page } from '@playwright/test'

/** countClicks returns a function that returns the clicks on a page since then. A native select field counts as two. */
export async function countClicks(page: Page): Promise<() => number> {
  let count = 0
  await page.exposeFunction('recordClicks', (clicks: number) => void (count += clicks))
  const listen = () => {
    const record = (globalThis as unknown as { recordClicks: (clicks: number) => void }).recordClicks
    addEventListener('pointerdown', (event) => event.isTrusted && record(1), { capture: true })
    // Playwright chooses an option without the mouse.
    addEventListener('change', ({ target }) => target instanceof HTMLSelectElement && record(2), { capture: true })
  }
  await page.addInitScript(listen)
  await page.evaluate(listen)
  return () => count
}

/** expectClicks fails if a job took more clicks than it may, and prints the number. */
export function expectClicks(job: string, clicks: number, max: number) {
  console.log(`job ${job}: ${clicks} clicks, at most ${max}`)
  expect(clicks, job).toBeLessThanOrEqual(max)
}
