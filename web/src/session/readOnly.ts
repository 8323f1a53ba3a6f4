import { createContext } from 'react'

/** ReadOnlyContext is true where nothing can be changed, whatever the role of the user: on screens of the past. */
export const ReadOnlyContext = createContext(false)
