import { useNavigate, useSearch } from '@tanstack/react-router'

/** useSearchParam returns a parameter of the URL, or '', and a function that sets it. Links and reloads keep it. */
export function useSearchParam(name: string): [string, (value: string) => void] {
  const search = useSearch({ strict: false }) as Record<string, string | undefined>
  const navigate = useNavigate()
  return [
    search[name] ?? '',
    (value) =>
      void navigate({
        to: '.',
        search: (current) => ({ ...current, [name]: value || undefined }),
        replace: true,
        resetScroll: false,
      }),
  ]
}
