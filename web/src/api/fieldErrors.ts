// The server names fields and values in the words of the API. These functions put that into the words of a form.

const replacements: [pattern: RegExp, text: string][] = [
  [/^(must not be (null|blank|empty)|is missing)$/, 'Required'],
  [/^is required\b.*$/, 'Required'],
  [/^must be an? (integer|number)(, got .*)?$/, 'Enter a number'],
  [/^must be an integer from (.*)$/, 'Enter a number from $1'],
  [/^must have (at (?:least|most) \d+ characters)$/, 'Enter $1'],
  [/^must be (an? .*)$/, 'Enter $1'],
  [/^refers to no existing (.*)$/, 'This $1 does not exist. Choose another.'],
  [/^is wrong$/, 'Incorrect'],
]

/** describeFieldError returns the message of a field for people: "Required" for "must not be null". */
export function describeFieldError(message: string): string {
  const match = replacements.find(([pattern]) => pattern.test(message))
  return match ? message.replace(...match) : message.charAt(0).toUpperCase() + message.slice(1)
}

const labels: Record<string, string> = {
  uuid: 'UUID',
  mac: 'MAC address',
  due_on: 'Due date',
  parent_uuid: 'Lies in',
  parent: 'Lies in',
  expires_on: 'Expires',
  thaw_count: 'Thawed',
}

/** fieldLabel returns the name of a field for people: "Site" for "site_id". */
export function fieldLabel(name: string): string {
  if (labels[name]) return labels[name]
  const words = name.replace(/_(id|uuid)$/, '').replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
