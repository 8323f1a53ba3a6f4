import { DateInput, type DateInputProps } from '@mantine/dates'

interface Props extends Omit<DateInputProps, 'value' | 'defaultValue' | 'onChange'> {
  /** Day such as 2026-11-28; default: '' for none. */
  value?: string
  onChange: (day: string) => void
}

/** DateField chooses a day, or none. */
export const DateField = ({ value = '', onChange, ...rest }: Props) => (
  <DateInput
    clearable
    clearButtonProps={{ 'aria-label': 'Clear the date' }}
    valueFormat="D MMM YYYY"
    hideOutsideDates
    weekendDays={[]}
    popoverProps={{ withinPortal: false }} // stays in its landmark
    previousLabel="Previous month"
    nextLabel="Next month"
    {...rest}
    value={value || null}
    onChange={(day) => onChange(day ?? '')}
  />
)
