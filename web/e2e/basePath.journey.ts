import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

import { callApi, expect, expectLoaded, menuLink, password, test, uniqueName, withServer } from './fixtures'
import { newUserId } from './ledger'
import { scan } from './scanner'

// The app below a path of a reverse proxy. The proxy serves nothing else, so a URL without the path fails.

const basePath = '/lab'

/** startProxy starts a reverse proxy that publishes a server below the path, and passes the path on or strips it. */
async function startProxy(target: string, strips: boolean) {
  const proxy = createServer((incoming, outgoing) => {
    const path = incoming.url ?? ''
    if (!path.startsWith(`${basePath}/`)) {
      outgoing.writeHead(404).end()
      return
    }
    const { method, headers } = incoming
    const url = target + (strips ? path.slice(basePath.length) : path)
    const forwarded = request(url, { method, headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      outgoing.flushHeaders()
      response.pipe(outgoing)
    })
    forwarded.on('error', () => outgoing.destroy())
    outgoing.on('close', () => forwarded.destroy())
    incoming.pipe(forwarded)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const close = async () => {
    proxy.closeAllConnections()
    proxy.close()
    await once(proxy, 'close')
  }
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${basePath}`, close }
}

// A warning of the API reference, and the requests with an expired access cookie.
test.use({ expectedErrors: /OpenAPI Sampler|status of 401/ })

test('the app works below a path that a proxy strips or passes on', async ({ page }) => {
  test.setTimeout(240_000)
  const foreignUrls: string[] = []
  let url = ''
  page.on('request', (sent) => {
    if (/^(data|blob):/.test(sent.url()) || sent.url().startsWith(`${url}/`)) return
    foreignUrls.push(sent.url())
  })
  const settings = { BASE_PATH: basePath, TRUSTED_PROXIES: '127.0.0.1/32' }
  const visitApp = async () => {
    // A deep link leads through the sign-in.
    await page.goto(`${url}/app/sites?country=USA`)
    await expectLoaded(page, 'Sign in')
    await page.getByLabel('Username').fill('ada')
    await page.getByRole('textbox', { name: 'Password' }).fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect(page).toHaveURL(`${url}/app/sites?country=USA`)
    await expectLoaded(page, 'Sites')
    const cookies = await page.context().cookies()
    expect(cookies).toHaveLength(2)
    for (const { path } of cookies) expect(path.startsWith(basePath)).toBe(true)
    await page.reload()
    await expectLoaded(page, 'Sites')

    // Links of rows, and a scan of a barcode and of a QR code with a URL of the app.
    const description = uniqueName('Box')
    const newBox = { description, freezer_id: 1 }
    const box = (await callApi(page, 'POST', `${basePath}/api/v1/containers`, newBox)).body
    await menuLink(page, 'Containers').click()
    await page.getByRole('link', { name: description }).click()
    await expect(page).toHaveURL(`${url}/app/containers/${box.uuid}`)
    for (const code of [box.uuid, `${url}/app/containers/${box.uuid}`]) {
      await menuLink(page, 'Sites').click()
      await expectLoaded(page, 'Sites')
      await scan(page, code)
      await expect(page).toHaveURL(`${url}/app/containers/${box.uuid}`)
      await expectLoaded(page, description)
    }
    await page.goBack()
    await expectLoaded(page, 'Sites')

    // A file is imported, and an expired access cookie is renewed.
    await page.context().clearCookies({ name: /^labledger_access/ })
    expect(await page.context().cookies()).toHaveLength(1)
    await menuLink(page, 'Import').click()
    await expectLoaded(page, 'Import')
    const file = { name: 'sites.csv', mimeType: 'text/csv', buffer: Buffer.from(`name\n${uniqueName('Site')}\n`) }
    const chooser = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Choose file' }).click()
    await (await chooser).setFiles(file)
    await page.getByRole('button', { name: 'Check' }).click()
    await expect(page.getByText('1 row to create, 0 rows to update.')).toBeVisible()
    expect(await page.context().cookies()).toHaveLength(2)

    // Events arrive on the stream.
    const stream = page.waitForResponse((response) => response.url() === `${url}/api/v1/stream`)
    await page.goto(`${url}/app/events`)
    await expectLoaded(page, 'Events')
    expect((await stream).status()).toBe(200)
    const user = newUserId()
    const event = { type: 'deposit', amount: '12.34', user_id: user, time: 1_700_000_000 }
    expect((await callApi(page, 'POST', `${basePath}/api/v1/events`, [event])).status).toBe(200)
    await page.getByRole('row').filter({ hasText: String(user) }).getByRole('link', { name: 'Deposit 12.34' }).click()
    await expectLoaded(page, `Deposit 12.34 by User ${user}`)

    // Links out of the app, and a link that an admin sends to a colleague.
    await page.goto(`${url}/app/settings`)
    await page.getByRole('link', { name: 'The API reference' }).click()
    await expect(page).toHaveURL(`${url}/docs`)
    await expect(page.getByRole('heading', { name: /Labledger/ }).first()).toBeVisible({ timeout: 60_000 })

    const username = uniqueName('colleague')
    const colleague = (await callApi(page, 'POST', `${basePath}/api/v1/users`, { username })).body
    await page.goto(`${url}/app/users/${colleague.id}`)
    await page.getByRole('button', { name: 'Invite' }).click()
    const link = await page.getByRole('dialog').getByLabel('Link').inputValue()
    expect(link.startsWith(`${url}/app/password#`)).toBe(true)
    await page.goto(link)
    await expect(page.getByText(`Hello ${username}.`)).toBeVisible()

    await page.goto(`${url}/app/`)
    await page.getByRole('button', { name: 'Account' }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await expectLoaded(page, 'Sign in')
    expect(await page.context().cookies()).toEqual([])
    expect(foreignUrls).toEqual([])
    await page.goto('about:blank') // ends the stream
  }
  await withServer(
    'lab',
    'required',
    async (server) => {
      for (const strips of [false, true])
        await test.step(strips ? 'a path that the proxy strips' : 'a path that the proxy passes on', async () => {
          const proxy = await startProxy(server.url, strips)
          url = proxy.url
          await visitApp()
          await proxy.close()
        })
    },
    { lab: 'mock', settings },
  )
})
