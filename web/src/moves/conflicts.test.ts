import { expect, test } from 'vitest'

import { describeConflicts } from './conflicts'

const names = { items: ['Tube 1', 'Tube 2'], places: ['Box 12'] }
const describeOne = (field: string, message: string, places = names.places) =>
  describeConflicts([{ field, message }], { ...names, places })[0]

test.each([
  ['containers[1].position', 'A1 of Box 12 is taken by Tube 3', 'Tube 2', 'A1 of Box 12 is taken by Tube 3'],
  ['containers[0].position', 'B2 of Box 12 is already used by containers[1]', 'Tube 1', 'B2 of Box 12 is already used by Tube 2'],
  ['containers[1].container_uuid', 'This container does not exist. Choose another.', 'Tube 2', 'No longer exists'],
  ['containers[9].position', 'A3 is blocked', 'Container 10', 'A3 is blocked'],
  ['to', 'Is full: Box 12 has no room for 1 of 3 containers', 'Box 12', 'Box 12 has no room for 1 of 3 containers'],
  ['to.container_uuid', 'Must not be containers[0] or lie in it', 'Box 12', 'Must not be Tube 1 or lie in it'],
  ['order', 'Unknown', 'Order', 'Unknown'],
])('the error of %s, %s', (field, message, subject, text) =>
  expect(describeOne(field, message)).toEqual({ subject, message: text }),
)

test('the places of an evacuation have names', () => {
  expect(describeOne('to[1]', 'Is full: B has no room for 2 of 2 containers', ['A', 'B'])?.subject).toBe('B')
  expect(describeOne('to', 'Has no room for 3 of 9 containers', ['A', 'B'])).toEqual({
    subject: 'The chosen places',
    message: 'Has no room for 3 of 9 containers',
  })
})
