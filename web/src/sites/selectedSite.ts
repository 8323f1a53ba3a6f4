import { useLocalStorage } from '@mantine/hooks'

import { scopedName } from '../api/basePath'

/**
 * useSelectedSite returns the site that the user works at, and a setter. Lists, the overview and the numbers of
 * the menu show only what belongs to it. undefined stands for all sites. The choice is stored in the browser.
 */
export function useSelectedSite() {
  const [siteId, setSiteId] = useLocalStorage<number | null>({
    key: scopedName('site'),
    defaultValue: null,
    getInitialValueInEffect: false,
  })
  return {
    siteId: siteId ?? undefined,
    setSiteId: (id: number | undefined) => setSiteId(id ?? null),
  }
}
