import { TextInput, type TextInputProps } from '@mantine/core'
import { useEffect, useEffectEvent, useState } from 'react'

const typingDelay = 400 // ms

interface Props extends Omit<TextInputProps, 'value' | 'defaultValue' | 'onChange'> {
  value: string
  onChange: (value: string) => void
}

/** DelayedTextInput reports its text when the user pauses or presses Enter. It follows changes of value from outside. */
export function DelayedTextInput({ value, onChange, ...rest }: Props) {
  const [text, setText] = useState(value)
  const [lastValue, setLastValue] = useState(value)
  const [pendingValue, setPendingValue] = useState<string>() // reported but not yet returned as value
  if (value !== lastValue) {
    setLastValue(value)
    if (value === pendingValue) setPendingValue(undefined)
    else setText(value) // changed from outside, by the back button or Clear filters
  }
  const apply = () => {
    if (text === value) return
    setPendingValue(text)
    onChange(text)
  }
  const applyAfterPause = useEffectEvent(apply)
  useEffect(() => {
    const timer = setTimeout(applyAfterPause, typingDelay)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <TextInput
      {...rest}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => event.key === 'Enter' && apply()}
    />
  )
}
