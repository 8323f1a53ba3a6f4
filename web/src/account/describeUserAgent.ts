const browsers = [
  [/Edg\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\//, 'Firefox'],
  [/Chrom(e|ium)\//, 'Chrome'],
  [/Safari\//, 'Safari'],
] as const

const operatingSystems = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
] as const

/** describeUserAgent returns a readable name, such as "Firefox on Linux", or the start of an unknown user agent. */
export function describeUserAgent(userAgent: string | null): string {
  if (!userAgent) return 'Unknown device'
  const name = browsers.find(([pattern]) => pattern.test(userAgent))?.[1]
  const system = operatingSystems.find(([pattern]) => pattern.test(userAgent))?.[1]
  if (!name) return userAgent.slice(0, 40)
  return system ? `${name} on ${system}` : name
}
