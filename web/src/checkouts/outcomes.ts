/** outcomes are the ways in which a check-out ends, as the API names them. */
export const outcomes = [
  { value: 'returned', label: 'Checked in' },
  { value: 'transferred', label: 'Handed over' },
  { value: 'lost', label: 'Missing' },
  { value: 'discarded', label: 'Discarded' },
]

/** outcomeLabel returns the label of an outcome; one that only a newer server has is its own label. */
export const outcomeLabel = (outcome: string): string =>
  outcomes.find(({ value }) => value === outcome)?.label ?? outcome
