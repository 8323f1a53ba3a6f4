import { expect, type Page } from './fixtures'

// The live connection, which the app shows only while it is interrupted.

/** gotoLive opens a page and waits until it receives live updates. Another tab must not have the connection. */
export async function gotoLive(page: Page, url: string) {
  const connected = page.waitForResponse(/\/api\/v1\/stream/)
  await page.goto(url)
  await connected
}

/** expectReconnected waits until an interrupted connection is back. */
export async function expectReconnected(page: Page) {
  await expect(page.getByRole('banner')).not.toContainText('Reconnecting', { timeout: 60_000 })
}
