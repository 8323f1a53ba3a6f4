import type { Conflict } from '../api/useRowEdit'

/** clash sorts the fields that two people have changed: both to different values, or one of them alone. What both set alike is no matter. */
export function clash<T extends object, N extends keyof T>({ base, mine, theirs }: Conflict<T>, names: N[]): { both: N[]; onlyMine: N[]; onlyTheirs: N[] } {
  const touched = (name: N) => name in mine && mine[name] !== theirs[name]
  return {
    both: names.filter((name) => touched(name) && base[name] !== theirs[name]),
    onlyMine: names.filter((name) => touched(name) && base[name] === theirs[name]),
    onlyTheirs: names.filter((name) => !(name in mine) && base[name] !== theirs[name]),
  }
}
