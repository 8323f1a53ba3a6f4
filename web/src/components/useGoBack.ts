import { useRouter } from '@tanstack/react-router'

/**
 * useGoBack returns a function that leaves a form for the previous page, or calls openList if there is none. It discards
 * what was typed, without the question of useLeaveWarning.
 */
export function useGoBack(openList: () => void): () => void {
  const { history } = useRouter()
  return () => (history.canGoBack() ? history.back({ ignoreBlocker: true }) : openList())
}
