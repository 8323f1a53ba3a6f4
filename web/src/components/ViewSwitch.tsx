import { Button } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'

interface Props {
  /** The views of a screen: the name in the URL, which the first one does not have, and the label. */
  views: readonly { name: string | undefined; label: string }[]
}

/** ViewSwitch chooses how a screen shows its rows. The choice is in the URL. */
export function ViewSwitch({ views }: Props) {
  const { view } = useSearch({ strict: false })
  const navigate = useNavigate()
  const showView = (name: string | undefined) =>
    navigate({ to: '.', search: (current) => ({ ...current, view: name }), replace: true })
  return (
    <Button.Group aria-label="View">
      {views.map(({ name, label }) => (
        <Button
          key={label}
          variant={view === name ? 'filled' : 'default'}
          aria-pressed={view === name}
          onClick={() => void showView(name)}
        >
          {label}
        </Button>
      ))}
    </Button.Group>
  )
}
