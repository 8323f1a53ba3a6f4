import { Button } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type MouseEvent, useRef } from 'react'

import { sessionQuery } from '../session/api'
import { ToolLabel } from './ToolLabel'

/** ExportLink downloads a list. It renews an expired session first, which the browser cannot do. */
export function ExportLink({ url }: { url: string }) {
  const queryClient = useQueryClient()
  const isRenewed = useRef(false)
  const startDownload = (event: MouseEvent<HTMLAnchorElement>) => {
    const link = event.currentTarget
    if (isRenewed.current) return
    event.preventDefault()
    void queryClient.fetchQuery({ ...sessionQuery, staleTime: 0 }).finally(() => {
      isRenewed.current = true
      link.click()
      isRenewed.current = false
    })
  }
  return (
    <Button component="a" href={url} download variant="default" title="Export CSV" onClick={startDownload}>
      <ToolLabel icon="download">Export CSV</ToolLabel>
    </Button>
  )
}
