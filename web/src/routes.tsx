import type { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router'

import { Problem } from './api/problem'
import { Failed, Loading, NotFound } from './components/placeholders'
import { sessionQuery } from './session/api'
import { Shell } from './shell/Shell'

// Every screen of the app: what is not here does not exist. Each is loaded when somebody goes there; the menu of shell/menu.ts names those that it shows.

interface Context {
  queryClient: QueryClient
}

const root = createRootRouteWithContext<Context>()({
  component: Shell,
  validateSearch: (given: Record<string, unknown>) => given as Record<string, string | undefined>,
  beforeLoad: async ({ context, location }) => {
    if (openTo(location.pathname)) return
    const session = await context.queryClient.ensureQueryData(sessionQuery).catch(() => undefined) // then the screens tell what is wrong
    if (session && !session.signed_in && !session.open) throw redirect({ to: '/sign-in', search: { next: location.publicHref } })
  },
})

/** openTo tells the screens for which nobody must be signed in. */
function openTo(path: string): boolean {
  return path === '/sign-in' || path === '/register'
}

/** screen is loaded when somebody goes there. The router loads the whole page anew when that fails, which only helps when there is a server that has another version. */
function screen<M extends Record<string, unknown>>(load: () => Promise<M>, name: keyof M & string) {
  return lazyRouteComponent(
    () =>
      load().catch(async (thrown: unknown) => {
        await fetch('/readyz').catch(() => {
          throw Problem.unreachable()
        })
        throw thrown
      }),
    name,
  )
}

const screens = [
  createRoute({ getParentRoute: () => root, path: '/', component: screen(() => import('./home/HomeScreen'), 'HomeScreen') }),
  createRoute({ getParentRoute: () => root, path: '/sign-in', component: screen(() => import('./session/SignInScreen'), 'SignInScreen') }),
  createRoute({ getParentRoute: () => root, path: '/register', component: screen(() => import('./session/RegisterScreen'), 'RegisterScreen') }),
  createRoute({ getParentRoute: () => root, path: '/sites', component: screen(() => import('./sites/SitesScreen'), 'SitesScreen') }),
  createRoute({ getParentRoute: () => root, path: '/sites/new', component: screen(() => import('./sites/NewSiteScreen'), 'NewSiteScreen') }),
  createRoute({ getParentRoute: () => root, path: '/sites/$id', component: screen(() => import('./sites/SiteScreen'), 'SiteScreen') }),
  createRoute({ getParentRoute: () => root, path: '/instruments', component: screen(() => import('./instruments/InstrumentsScreen'), 'InstrumentsScreen') }),
  createRoute({ getParentRoute: () => root, path: '/freezers/new', component: screen(() => import('./freezers/NewFreezerScreen'), 'NewFreezerScreen') }),
  createRoute({ getParentRoute: () => root, path: '/freezers/$id', component: screen(() => import('./freezers/FreezerScreen'), 'FreezerScreen') }),
  createRoute({ getParentRoute: () => root, path: '/computers/new', component: screen(() => import('./computers/NewComputerScreen'), 'NewComputerScreen') }),
  createRoute({ getParentRoute: () => root, path: '/computers/$id', component: screen(() => import('./computers/ComputerScreen'), 'ComputerScreen') }),
  createRoute({ getParentRoute: () => root, path: '/containers', component: screen(() => import('./containers/ContainersScreen'), 'ContainersScreen') }),
  createRoute({ getParentRoute: () => root, path: '/containers/new', component: screen(() => import('./containers/NewContainerScreen'), 'NewContainerScreen') }),
  createRoute({ getParentRoute: () => root, path: '/containers/$uuid', component: screen(() => import('./containers/ContainerScreen'), 'ContainerScreen') }),
  createRoute({ getParentRoute: () => root, path: '/account', component: screen(() => import('./account/AccountScreen'), 'AccountScreen') }),
  createRoute({ getParentRoute: () => root, path: '/history', component: screen(() => import('./history/HistoryScreen'), 'HistoryScreen') }),
  createRoute({ getParentRoute: () => root, path: '/import', component: screen(() => import('./imports/ImportScreen'), 'ImportScreen') }),
  createRoute({ getParentRoute: () => root, path: '/reference', component: screen(() => import('./reference/ReferenceScreen'), 'ReferenceScreen') }),
  createRoute({ getParentRoute: () => root, path: '/reference/$operation', component: screen(() => import('./reference/OperationScreen'), 'OperationScreen') }),
  createRoute({ getParentRoute: () => root, path: '/users', component: screen(() => import('./users/UsersScreen'), 'UsersScreen') }),
  createRoute({ getParentRoute: () => root, path: '/users/new', component: screen(() => import('./users/NewUserScreen'), 'NewUserScreen') }),
  createRoute({ getParentRoute: () => root, path: '/users/$id', component: screen(() => import('./users/UserScreen'), 'UserScreen') }),
  createRoute({ getParentRoute: () => root, path: '/todos', component: screen(() => import('./todos/TodosScreen'), 'TodosScreen') }),
  createRoute({ getParentRoute: () => root, path: '/todos/new', component: screen(() => import('./todos/NewTodoScreen'), 'NewTodoScreen') }),
  createRoute({ getParentRoute: () => root, path: '/todos/$id', component: screen(() => import('./todos/TodoScreen'), 'TodoScreen') }),
  createRoute({ getParentRoute: () => root, path: '/events', component: screen(() => import('./events/EventsScreen'), 'EventsScreen') }),
  createRoute({ getParentRoute: () => root, path: '/events/$id', component: screen(() => import('./events/EventScreen'), 'EventScreen') }),
  createRoute({ getParentRoute: () => root, path: '/alerts', component: screen(() => import('./alerts/AlertsScreen'), 'AlertsScreen') }),
  createRoute({ getParentRoute: () => root, path: '/alerts/$id', component: screen(() => import('./alerts/AlertScreen'), 'AlertScreen') }),
  createRoute({ getParentRoute: () => root, path: '/rules', component: screen(() => import('./rules/RulesScreen'), 'RulesScreen') }),
  createRoute({ getParentRoute: () => root, path: '/rules/$code', component: screen(() => import('./rules/RuleScreen'), 'RuleScreen') }),
]

export function newRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree: root.addChildren(screens),
    context: { queryClient },
    basepath: '/app',
    defaultPreload: 'intent', // a link that somebody points at is already being loaded
    defaultPendingMs: 300,
    defaultPendingComponent: Loading,
    defaultErrorComponent: Failed,
    defaultNotFoundComponent: NotFound,
    scrollRestoration: true,
    // Values of the address are plain text, as the API's are: 007 is a name, not a number.
    parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
    stringifySearch: (values) => {
      const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== '')
      const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
      return text && `?${text}`
    },
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof newRouter>
  }
}
