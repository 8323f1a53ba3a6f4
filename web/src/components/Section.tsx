import { Group, Title } from '@mantine/core'
import type { ReactNode } from 'react'

/** Section is a titled part of a screen. */
export function Section({
  title,
  id,
  actions,
  children,
}: {
  title: string
  id: string
  actions?: ReactNode
  children: ReactNode
}) {
  return (
    <section aria-labelledby={id}>
      <Group justify="space-between" mb="xs" gap="xs">
        <Title order={2} id={id}>
          {title}
        </Title>
        {actions}
      </Group>
      {children}
    </section>
  )
}
