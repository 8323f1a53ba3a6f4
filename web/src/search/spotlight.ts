import { createSpotlight } from '@mantine/spotlight'

/** spotlight opens and closes the search. spotlightStore holds its text and the selected result. */
export const [spotlightStore, spotlight] = createSpotlight()
