import { Text } from '@mantine/core'
import { useEffect, useEffectEvent, useRef, useState } from 'react'

// The types of the Barcode Detection API, which TypeScript does not have.
interface BarcodeDetector {
  detect: (source: HTMLVideoElement) => Promise<{ rawValue: string }[]>
}
declare const BarcodeDetector: { new (): BarcodeDetector }

const scanInterval = 200 // ms

/** Camera shows what the camera sees, and calls onCode once with the first barcode. */
export function Camera({ onCode }: { onCode: (code: string) => void }) {
  const videoRef = useRef<HTMLVideoElement>(null)
  const [error, setError] = useState('')
  const handleCode = useEffectEvent(onCode)
  useEffect(() => {
    const video = videoRef.current
    let stream: MediaStream | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    let isStopped = false
    const detector = new BarcodeDetector()
    const look = async () => {
      const [found] = video ? await detector.detect(video).catch(() => []) : []
      if (isStopped) return
      if (found) handleCode(found.rawValue)
      else timer = setTimeout(() => void look(), scanInterval)
    }
    const start = async () => {
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } })
        if (isStopped || !video) return stop()
        video.srcObject = stream
        await video.play()
        await look()
      } catch {
        if (!isStopped) setError('The camera is not available. Allow this site to use it, or type the barcode.')
      }
    }
    const stop = () => {
      isStopped = true
      clearTimeout(timer)
      for (const track of stream?.getTracks() ?? []) track.stop()
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
  return <video ref={videoRef} muted playsInline aria-label="Camera" style={{ width: '100%', borderRadius: 8 }} />
}
