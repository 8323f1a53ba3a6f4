import { SegmentedButtons } from './SegmentedButtons'
import { useSearchParam } from './useSearchParam'

interface Props {
  /** The views of a screen: the value in the URL, which the first one does not have, and the label. */
  views: readonly { value: string | undefined; label: string }[]
}

/** ViewSwitch chooses how a screen shows its rows. The choice is in the URL. */
export function ViewSwitch({ views }: Props) {
  const [view, setView] = useSearchParam('view')
  return (
    <SegmentedButtons
      label="View"
      options={views}
      value={view || undefined}
      onChange={(value) => setView(value ?? '')}
    />
  )
}
