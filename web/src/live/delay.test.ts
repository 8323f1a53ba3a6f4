import { getEventListeners } from 'node:events'

import { expect, test } from 'vitest'

import { pause } from './delay'

test('a pause ends by itself or when it is stopped, and leaves no listener behind', async () => {
  const stop = new AbortController()
  await pause(1, stop.signal)
  expect(getEventListeners(stop.signal, 'abort').length).toBe(0)
  const long = pause(60_000, stop.signal)
  stop.abort()
  await long
  expect(getEventListeners(stop.signal, 'abort').length).toBe(0)
})
