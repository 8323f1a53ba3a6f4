import { Avatar, Group } from '@mantine/core'

import { TextLink } from '../components/links'
import { initials, usePeople } from './api'
import classes from './PersonName.module.css'

/** usePersonName returns a function that maps the username in a row to the name of the person. */
export function usePersonName(): (username: string) => string {
  const directory = usePeople()
  return (username) => directory?.byUsername.get(username)?.display_name ?? describeActor(username)
}

/** useUserName returns a function that maps the ID of a user to the name of the person. */
export function useUserName(): (id: number) => string {
  const directory = usePeople()
  return (id) => directory?.byId.get(id)?.display_name ?? `User ${id}`
}

/** describeActor names actors that are no users: commands, psql sessions and callers of an open server. */
function describeActor(actor: string): string {
  if (actor === 'anonymous') return 'Anonymous'
  const [, kind, name] = /^(os|db):(.*)$/.exec(actor) ?? []
  if (kind === 'os') return `${name} (command line)`
  if (kind === 'db') return `${name} (psql)`
  return actor
}

/** PersonName shows a person by the username in a row. */
export function PersonName({ username, isLink = false }: { username: string; isLink?: boolean }) {
  const person = usePeople()?.byUsername.get(username)
  return <PersonLabel name={person?.display_name ?? describeActor(username)} id={isLink ? person?.id : undefined} />
}

/** UserName shows a person by the ID in a row. name is the name in the row, if it has one. */
export function UserName({ id, name, isLink = false }: { id: number; name?: string | undefined; isLink?: boolean }) {
  const person = usePeople()?.byId.get(id)
  return <PersonLabel name={person?.display_name ?? name ?? `User ${id}`} id={isLink ? (person?.id ?? id) : undefined} />
}

/** PersonLabel shows initials and a name. With an ID, it links to the page of the person. */
function PersonLabel({ name, id }: { name: string; id: number | undefined }) {
  return (
    <Group component="span" gap={6} wrap="nowrap" className={classes.person}>
      <PersonAvatar name={name} />
      <span className={classes.name} title={name}>
        {id !== undefined ? (
          <TextLink to="/users/$id" params={{ id: String(id) }}>
            {name}
          </TextLink>
        ) : (
          name
        )}
      </span>
    </Group>
  )
}

/** PersonAvatar shows the initials of a person. They are decoration: the name is beside them. */
export function PersonAvatar({ name, size = 20 }: { name: string; size?: number }) {
  return (
    <Avatar component="span" size={size} radius="xl" aria-hidden className={classes.avatar} fz={size * 0.42}>
      <span className={classes.initials} data-initials={initials(name)} />
    </Avatar>
  )
}
