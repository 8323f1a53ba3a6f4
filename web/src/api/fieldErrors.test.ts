import { expect, test } from 'vitest'

import { describeFieldError, fieldLabel } from './fieldErrors'

test.each([
  ['must not be null', 'Required'],
  ['must not be blank', 'Required'],
  ['is required, unless the container lies in another one', 'Required'],
  ['must be an integer', 'Enter a number'],
  ['must be an integer from 1 to 100', 'Enter a number from 1 to 100'],
  ['must be a MAC address like 08:00:2b:01:02:03', 'Enter a MAC address like 08:00:2b:01:02:03'],
  ['must have at least 8 characters', 'Enter at least 8 characters'],
  ['must not be the username', 'Must not be the username'],
  ['refers to no existing site', 'This site does not exist. Choose another.'],
  ['is already used by another computer', 'Is already used by another computer'],
])('%s is shown as %s', (message, text) => expect(describeFieldError(message)).toBe(text))

test.each([
  ['site_id', 'Site'],
  ['container_uuid', 'Container'],
  ['state_or_region', 'State or region'],
  ['name', 'Name'],
  ['uuid', 'UUID'],
  ['parent_uuid', 'Lies in'],
])('the field %s is shown as %s', (name, label) => expect(fieldLabel(name)).toBe(label))
