import { expect, test } from 'vitest'

import { extractUuid } from './extractUuid'

const uuid = '123e4567-e89b-12d3-a456-426614174000'

test.each([
  [uuid, uuid],
  [uuid.toUpperCase(), uuid],
  [uuid.replaceAll('-', ''), uuid],
  [`{${uuid}}`, uuid],
  [`urn:uuid:${uuid}`, uuid],
  [`https://labels.example/c/${uuid}?x=1`, uuid],
  [` ${uuid}\r`, uuid],
  [uuid.slice(0, -1), undefined],
  [`${uuid.replaceAll('-', '')}0`, undefined],
  ['Plasma, batch 7', undefined],
  ['', undefined],
])('extractUuid(%j) is %s', (text, expected) => expect(extractUuid(text)).toBe(expected))
