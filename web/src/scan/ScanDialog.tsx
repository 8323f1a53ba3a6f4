import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { type FormEvent, lazy, useState } from 'react'

import { Dialog } from '../components/Dialog'
import { Icon } from '../components/icons'
import { LazyBoundary } from '../components/LazyBoundary'
import { openCode } from './openCode'

const Camera = lazy(() => import('./Camera').then((module) => ({ default: module.Camera })))

/** ScanDialog opens what a barcode identifies: scanned by a scanner or the camera, or typed. */
export function ScanDialog({ onClose }: { onClose: () => void }) {
  const context = { queryClient: useQueryClient(), router: useRouter() }
  const [text, setText] = useState('')
  const { mutate, isPending } = useMutation({
    mutationFn: (code: string) => openCode([code], context),
    onSettled: onClose,
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (text.trim()) mutate(text.trim())
  }
  return (
    <Dialog onClose={onClose} title="Scan a barcode">
      <form onSubmit={submit}>
        <Stack gap="sm">
          {hasCamera() && (
            <LazyBoundary>
              <Camera onCode={(code) => mutate(code)} />
            </LazyBoundary>
          )}
          <Text size="sm" c="dimmed">
            Scan with a barcode scanner now, on this or any other screen, or type the barcode.
          </Text>
          <Group align="end" gap="xs" wrap="nowrap">
            <TextInput
              flex={1}
              data-autofocus
              label="Barcode"
              placeholder="Barcode, name or part of a description"
              autoComplete="off"
              spellCheck={false}
              leftSection={<Icon name="scan" size={16} />}
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
            />
            <Button type="submit" loading={isPending} disabled={text.trim() === ''}>
              Open
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}

/** hasCamera reports whether the browser can read barcodes with its camera. */
const hasCamera = () => 'BarcodeDetector' in globalThis && navigator.mediaDevices?.getUserMedia !== undefined
