import type { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router'

import { Problem } from './api/problem'
import { ErrorScreen, Loading, NotFoundScreen } from './components/placeholders'
import { sessionQuery } from './session/api'
import { Shell } from './shell/Shell'

// All screens of the app. Each screen is loaded on navigation; shell/menu.ts lists those in the menu.

interface RouterContext {
  queryClient: QueryClient
}

const rootRoute = createRootRouteWithContext<RouterContext>()({
  component: Shell,
  validateSearch: (search: Record<string, unknown>) => search as Record<string, string | undefined>,
  beforeLoad: async ({ context, location }) => {
    if (isPublicPath(location.pathname)) return
    const session = await context.queryClient.ensureQueryData(sessionQuery).catch(() => undefined) // the screens show the error
    if (session && !session.signed_in && !session.open) throw redirect({ to: '/sign-in', search: { next: location.publicHref } })
  },
})

/** isPublicPath reports whether a screen is available without signing in. */
function isPublicPath(path: string): boolean {
  return path === '/sign-in' || path === '/register'
}

/**
 * lazyScreen loads a screen on navigation. When the import fails, the router reloads the whole page, which helps only after
 * an update of the server. If no server answers, lazyScreen throws an unreachable problem instead.
 */
function lazyScreen<M extends Record<string, unknown>>(load: () => Promise<M>, name: keyof M & string) {
  return lazyRouteComponent(
    () =>
      load().catch(async (error: unknown) => {
        await fetch('/readyz').catch(() => {
          throw Problem.unreachable()
        })
        throw error
      }),
    name,
  )
}

const screenRoutes = [
  createRoute({ getParentRoute: () => rootRoute, path: '/', component: lazyScreen(() => import('./home/HomeScreen'), 'HomeScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/sign-in', component: lazyScreen(() => import('./session/SignInScreen'), 'SignInScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/register', component: lazyScreen(() => import('./session/RegisterScreen'), 'RegisterScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/sites', component: lazyScreen(() => import('./sites/SitesScreen'), 'SitesScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/sites/new', component: lazyScreen(() => import('./sites/NewSiteScreen'), 'NewSiteScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/sites/$id', component: lazyScreen(() => import('./sites/SiteScreen'), 'SiteScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/instruments', component: lazyScreen(() => import('./instruments/InstrumentsScreen'), 'InstrumentsScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/freezers/new', component: lazyScreen(() => import('./freezers/NewFreezerScreen'), 'NewFreezerScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/freezers/$id', component: lazyScreen(() => import('./freezers/FreezerScreen'), 'FreezerScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/computers/new', component: lazyScreen(() => import('./computers/NewComputerScreen'), 'NewComputerScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/computers/$id', component: lazyScreen(() => import('./computers/ComputerScreen'), 'ComputerScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/containers', component: lazyScreen(() => import('./containers/ContainersScreen'), 'ContainersScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/containers/new', component: lazyScreen(() => import('./containers/NewContainerScreen'), 'NewContainerScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/containers/$uuid', component: lazyScreen(() => import('./containers/ContainerScreen'), 'ContainerScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/account', component: lazyScreen(() => import('./account/AccountScreen'), 'AccountScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/history', component: lazyScreen(() => import('./history/HistoryScreen'), 'HistoryScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/import', component: lazyScreen(() => import('./imports/ImportScreen'), 'ImportScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/reference', component: lazyScreen(() => import('./reference/ReferenceScreen'), 'ReferenceScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/reference/$operation', component: lazyScreen(() => import('./reference/OperationScreen'), 'OperationScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/users', component: lazyScreen(() => import('./users/UsersScreen'), 'UsersScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/users/new', component: lazyScreen(() => import('./users/NewUserScreen'), 'NewUserScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/users/$id', component: lazyScreen(() => import('./users/UserScreen'), 'UserScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/todos', component: lazyScreen(() => import('./todos/TodosScreen'), 'TodosScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/todos/new', component: lazyScreen(() => import('./todos/NewTodoScreen'), 'NewTodoScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/todos/$id', component: lazyScreen(() => import('./todos/TodoScreen'), 'TodoScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/events', component: lazyScreen(() => import('./events/EventsScreen'), 'EventsScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/events/$id', component: lazyScreen(() => import('./events/EventScreen'), 'EventScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/alerts', component: lazyScreen(() => import('./alerts/AlertsScreen'), 'AlertsScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/alerts/$id', component: lazyScreen(() => import('./alerts/AlertScreen'), 'AlertScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/rules', component: lazyScreen(() => import('./rules/RulesScreen'), 'RulesScreen') }),
  createRoute({ getParentRoute: () => rootRoute, path: '/rules/$code', component: lazyScreen(() => import('./rules/RuleScreen'), 'RuleScreen') }),
]

export function createAppRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree: rootRoute.addChildren(screenRoutes),
    context: { queryClient },
    basepath: '/app',
    defaultPreload: 'intent', // preload a screen when its link is hovered or focused
    defaultPendingMs: 300,
    defaultPendingComponent: Loading,
    defaultErrorComponent: ErrorScreen,
    defaultNotFoundComponent: NotFoundScreen,
    scrollRestoration: true,
    // Search parameters are strings, as in the API: 007 is a name, not a number.
    parseSearch: (query) => Object.fromEntries(new URLSearchParams(query)),
    stringifySearch: (values) => {
      const entries = Object.entries(values).filter(([, value]) => value !== undefined && value !== '')
      const query = new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString()
      return query && `?${query}`
    },
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>
  }
}
