const normalize = (name: string) => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')

/**
 * matchHeader matches the cells of a header to fields by name or label, each field at most once. undefined means no
 * match.
 */
export function matchHeader(header: readonly string[], fields: Record<string, string>): (string | undefined)[] {
  const unassigned = new Map(Object.entries(fields))
  return header.map((cell) => {
    const match = [...unassigned].find(([name, label]) =>
      [name, label, name.replace(/_id$/, '')].some((candidate) => normalize(candidate) === normalize(cell)),
    )?.[0]
    if (match) unassigned.delete(match)
    return match
  })
}
