import { queryOptions, useQuery } from '@tanstack/react-query'

import { api, type Schemas, unwrap, unwrapPage } from '../api/client'

// The directory: the names of all users, which every user may read.

export type Person = Schemas['DirectoryUser']

/** directorySize is the number of users that are loaded at once. */
const directorySize = 1000

const directoryQuery = queryOptions({
  queryKey: ['directory'],
  staleTime: 60_000,
  queryFn: async ({ signal }) => {
    const { rows } = await unwrapPage<Person>(
      api.GET('/api/v1/directory', { params: { query: { limit: directorySize, sort: 'display_name' } }, signal }),
    )
    return {
      people: rows,
      byId: new Map(rows.map((person) => [person.id, person])),
      byUsername: new Map(rows.map((person) => [person.username, person])),
    }
  },
})

/** usePeople returns the directory, or undefined until it is loaded. */
export const usePeople = () => useQuery(directoryQuery).data

export const personQuery = (id: number) =>
  queryOptions({
    queryKey: ['person', id],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/directory/{id}', { params: { path: { id } }, signal })),
  })

/** fetchPeopleOptions returns the people whose names contain a text, as options of a picker. */
export async function fetchPeopleOptions(text: string, signal: AbortSignal) {
  const query = { ...(text && { q: text }), limit: 20, sort: 'display_name' }
  const { rows } = await unwrapPage<Person>(api.GET('/api/v1/directory', { params: { query }, signal }))
  return rows.map(({ username, display_name }) => ({
    key: username,
    title: display_name,
    detail: display_name === username ? '' : username,
  }))
}

/** initials returns one or two letters for the picture of a person. */
export function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter((word) => /\p{L}|\p{N}/u.test(word))
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => [...(word ?? '')][0] ?? '')
  return letters.join('').toUpperCase() || '?'
}
