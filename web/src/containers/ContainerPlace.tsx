import { useQuery } from '@tanstack/react-query'

import { useAsOf } from '../asOf/asOf'
import { TextLink } from '../components/links'
import { FreezerLink } from '../freezers/FreezerLink'
import { SiteLink } from '../sites/SiteLink'
import { pathQuery } from '../storage/api'
import { MiniMap } from '../storage/MiniMap'
import { type Container, containerTitle } from './api'

/** ContainerPath links to everything around a container, the outermost first: Site › Freezer › Shelf › Rack › Box. */
export function ContainerPath({ container }: { container: Container }) {
  const { data } = useQuery(pathQuery(container.uuid, useAsOf()))
  return (
    <>
      {data && <SiteLink id={data.site_id} name={data.site_name} />}
      <FreezerLink id={container.freezer_id} name={data?.freezer_name} />
      {data?.path.slice(0, -1).map((step) => (
        <TextLink key={step.uuid} to="/containers/$uuid" params={{ uuid: step.uuid }}>
          {containerTitle(step)}
        </TextLink>
      ))}
    </>
  )
}

/** ContainerSite links to the site of a container. */
export function ContainerSite({ uuid }: { uuid: string }) {
  const { data } = useQuery(pathQuery(uuid, useAsOf()))
  return data && <SiteLink id={data.site_id} name={data.site_name} />
}

/** ParentLink links to the container in which a container lies. */
export function ParentLink({ container: { uuid, parent_uuid } }: { container: Container }) {
  const { data } = useQuery(pathQuery(uuid, useAsOf()))
  const parent = data?.path.find((step) => step.uuid === parent_uuid)
  if (!parent_uuid) return '–'
  return (
    <TextLink to="/containers/$uuid" params={{ uuid: parent_uuid }}>
      {parent ? containerTitle(parent) : parent_uuid}
    </TextLink>
  )
}

/** ContainerPosition is the position of a container, with a small map of the grid around it. */
export function ContainerPosition({ container: { uuid, parent_uuid, position } }: { container: Container }) {
  const { data } = useQuery(pathQuery(uuid, useAsOf()))
  const parent = data?.path.find((step) => step.uuid === parent_uuid)
  if (!parent_uuid || !position) return '–'
  return (
    <>
      {position}
      <MiniMap parent={parent_uuid} position={position} name={parent ? containerTitle(parent) : 'the container around it'} />
    </>
  )
}
