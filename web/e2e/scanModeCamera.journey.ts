import { writeFileSync } from 'node:fs'
import path from 'node:path'

import { callApi, expect, expectLoaded, test, uniqueName } from './fixtures'
import { tempDir } from './server'

// The camera of scan mode: Chromium shows a label of the server as its camera.

const videoFile = path.join(tempDir, 'label.y4m')
const [width, height] = [640, 480]

test.use({
  permissions: ['camera'],
  launchOptions: {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium-headless-shell',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${videoFile}`,
    ],
  },
})

for (const symbology of ['qr', 'datamatrix'])
  test(`the camera reads a label with ${symbology}`, async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/`)
    await expectLoaded(page, 'Overview')
    const name = uniqueName('Labelled')
    const barcode = name.replaceAll(/\W/g, '')
    const { body } = await callApi(page, 'POST', '/api/v1/containers', { description: name, barcode, freezer_id: 1 })
    const label = `/api/v1/labels?uuid=${body.uuid}&format=svg&template=roll-50x25&symbology=${symbology}`
    const brightness: number[] = await page.evaluate(
      async ([url, width, height]) => {
        const image = new Image()
        image.src = url
        await image.decode()
        const canvas = new OffscreenCanvas(width, height)
        const context = canvas.getContext('2d')
        if (!context) throw new Error('no canvas')
        context.fillStyle = '#ddd'
        context.fillRect(0, 0, width, height)
        context.drawImage(image, 20, 80, 600, 300)
        const { data } = context.getImageData(0, 0, width, height)
        return Array.from({ length: width * height }, (_, i) => data[4 * i] ?? 0)
      },
      [label, width, height] as const,
    )
    writeFileSync(
      videoFile,
      Buffer.concat([
        Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\nFRAME\n`),
        Buffer.from(brightness),
        Buffer.alloc((width * height) / 2, 128), // no colour
      ]),
    )
    await page.goto(`${openServer.url}/app/scan`)
    await expectLoaded(page, 'Scan')
    await page.getByRole('button', { name: 'Camera' }).click()
    const status = page.getByRole('main').getByRole('status')
    await expect(status.filter({ hasText: 'In place' })).toContainText(name)
  })
