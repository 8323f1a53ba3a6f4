import type { ScanOutcome } from './types'

// A short sound and a vibration for each outcome, so that users need not look at the screen.

type Tone = ScanOutcome['tone']

/** The tones of an outcome: frequency in Hz and length in s. */
const sounds: Record<Tone, [frequency: number, length: number][]> = {
  fine: [[1040, 0.09]],
  warning: [
    [520, 0.1],
    [520, 0.1],
  ],
  critical: [[180, 0.35]],
}

const vibrations: Record<Tone, number[]> = { fine: [50], warning: [60, 60, 60], critical: [300] }

const pause = 0.06 // s between two tones
const volume = 0.15

let audio: AudioContext | undefined

/** giveFeedback plays the sound of an outcome, unless it is muted, and vibrates. Browsers want a gesture before. */
export function giveFeedback(tone: Tone, { isMuted }: { isMuted: boolean }): void {
  if (!navigator.userActivation?.hasBeenActive) return
  navigator.vibrate?.(vibrations[tone])
  if (!isMuted) playSound(tone)
}

function playSound(tone: Tone): void {
  audio ??= new AudioContext()
  let start = audio.currentTime
  for (const [frequency, length] of sounds[tone]) {
    const oscillator = audio.createOscillator()
    const gain = audio.createGain()
    oscillator.frequency.value = frequency
    gain.gain.value = volume
    oscillator.connect(gain).connect(audio.destination)
    oscillator.start(start)
    oscillator.stop(start + length)
    start += length + pause
  }
}
