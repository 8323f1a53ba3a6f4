import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode, useEffect, useState } from 'react'

import { onSignedOut } from './api/authFetch'
import { createQueryClient } from './api/queries'
import { nonce } from './nonce'
import { createAppRouter } from './routes'
import { sessionQuery } from './session/api'
import { cssVariables, theme } from './theme/theme'

export function App() {
  const [queryClient] = useState(createQueryClient)
  const [router] = useState(() => createAppRouter(queryClient))
  useEffect(() => {
    onSignedOut(() => {
      queryClient.setQueryData(sessionQuery.queryKey, (session) => session && { ...session, signed_in: false })
      void router.invalidate() // beforeLoad in routes.tsx redirects to the sign-in page
    })
  }, [queryClient, router])
  return (
    <StrictMode>
      <MantineProvider
        theme={theme}
        cssVariablesResolver={cssVariables}
        defaultColorScheme="auto"
        getStyleNonce={nonce}
      >
        <QueryClientProvider client={queryClient}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>
  )
}
