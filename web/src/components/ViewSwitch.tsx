import { useNavigate, useSearch } from '@tanstack/react-router'

import { SegmentedButtons } from './SegmentedButtons'

interface Props {
  /** The views of a screen: the value in the URL, which the first one does not have, and the label. */
  views: readonly { value: string | undefined; label: string }[]
}

/** ViewSwitch chooses how a screen shows its rows. The choice is in the URL. */
export function ViewSwitch({ views }: Props) {
  const { view } = useSearch({ strict: false })
  const navigate = useNavigate()
  return (
    <SegmentedButtons
      label="View"
      options={views}
      value={view}
      onChange={(value) =>
        void navigate({ to: '.', search: (current) => ({ ...current, view: value }), replace: true })
      }
    />
  )
}
