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

/** describeUserAgent is what signed in, as people call it: "Firefox on Linux"; of a program its own name. */
export function describeUserAgent(userAgent: string | null): string {
  if (!userAgent) return 'Something'
  const name = browsers.find(([pattern]) => pattern.test(userAgent))?.[1]
  const system = operatingSystems.find(([pattern]) => pattern.test(userAgent))?.[1]
  if (!name) return userAgent.slice(0, 40)
  return system ? `${name} on ${system}` : name
}
