import { Text } from '@mantine/core'
import { useEffect, useEffectEvent, useRef, useState } from 'react'

import { createBarcodeReader, createRepeatFilter } from './barcodeReader'

const scanInterval = 150 // ms

/** Camera shows what the camera sees, and calls onCode with each barcode that comes into sight. */
export function Camera({ onCode }: { onCode: (code: string) => void }) {
  const videoRef = useRef<HTMLVideoElement>(null)
  const [error, setError] = useState('')
  const handleCode = useEffectEvent(onCode)
  useEffect(() => {
    const video = videoRef.current
    let stream: MediaStream | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    let isStopped = false
    const isNew = createRepeatFilter()
    const stop = () => {
      isStopped = true
      clearTimeout(timer)
      for (const track of stream?.getTracks() ?? []) track.stop()
    }
    const start = async () => {
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } })
        const read = await createBarcodeReader()
        if (isStopped || !video) return stop()
        video.srcObject = stream
        await video.play()
        const look = async () => {
          const code = await read(video).catch(() => undefined)
          if (isStopped) return
          if (code && isNew(code, performance.now())) handleCode(code)
          timer = setTimeout(() => void look(), scanInterval)
        }
        await look()
      } catch {
        if (!isStopped) setError('The camera is not available. Allow this site to use it, or type the code.')
        stop()
      }
    }
    void start()
    return stop
  }, [])
  if (error)
    return (
      <Text size="sm" role="status">
        {error}
      </Text>
    )
  return (
    <video
      ref={videoRef}
      muted
      playsInline
      aria-label="Camera"
      style={{ width: '100%', maxHeight: '40vh', objectFit: 'cover', borderRadius: 8 }}
    />
  )
}
