import { Button } from '@mantine/core'

import classes from './SegmentedButtons.module.css'

interface Props<T extends string | undefined> {
  label: string
  options: readonly { value: T; label: string }[]
  value: T
  onChange: (value: T) => void
}

/** SegmentedButtons chooses one of a few options. */
export function SegmentedButtons<T extends string | undefined>({ label, options, value, onChange }: Props<T>) {
  return (
    <Button.Group aria-label={label}>
      {options.map((option) => (
        <Button
          key={option.label}
          variant="default"
          className={classes.option}
          aria-pressed={value === option.value}
          onClick={() => onChange(option.value)}
        >
          {option.label}
        </Button>
      ))}
    </Button.Group>
  )
}
