import { getEventListeners } from 'node:events'

import { expect, test } from 'vitest'

import { delay } from './delay'

test('a delay ends after its time or on abort, and removes its abort listener', async () => {
  const controller = new AbortController()
  await delay(1, controller.signal)
  expect(getEventListeners(controller.signal, 'abort').length).toBe(0)
  const longDelay = delay(60_000, controller.signal)
  controller.abort()
  await longDelay
  expect(getEventListeners(controller.signal, 'abort').length).toBe(0)
})
