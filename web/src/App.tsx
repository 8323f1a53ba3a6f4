import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode, useEffect, useState } from 'react'

import { newQueryClient } from './api/queries'
import { onSignedOut } from './api/authFetch'
import { nonce } from './nonce'
import { newRouter } from './routes'
import { sessionQuery } from './session/api'
import { theme, variables } from './shell/theme'

export function App() {
  const [queryClient] = useState(newQueryClient)
  const [router] = useState(() => newRouter(queryClient))
  useEffect(() => {
    onSignedOut(() => {
      queryClient.setQueryData(sessionQuery.queryKey, (known) => known && { ...known, signed_in: false })
      void router.invalidate() // the gate of routes.tsx leads to where one signs in
    })
  }, [queryClient, router])
  return (
    <StrictMode>
      <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" getStyleNonce={nonce}>
        <QueryClientProvider client={queryClient}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>
  )
}
