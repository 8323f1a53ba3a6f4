import type { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router'

import { Failed, Loading, NotFound } from './parts/states'
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

const screens = [
  createRoute({ getParentRoute: () => root, path: '/', component: lazyRouteComponent(() => import('./home/HomeScreen'), 'HomeScreen') }),
  createRoute({ getParentRoute: () => root, path: '/sign-in', component: lazyRouteComponent(() => import('./session/SignInScreen'), 'SignInScreen') }),
  createRoute({ getParentRoute: () => root, path: '/register', component: lazyRouteComponent(() => import('./session/RegisterScreen'), 'RegisterScreen') }),
  createRoute({ getParentRoute: () => root, path: '/sites', component: lazyRouteComponent(() => import('./sites/SitesScreen'), 'SitesScreen') }),
  createRoute({ getParentRoute: () => root, path: '/sites/new', component: lazyRouteComponent(() => import('./sites/NewSiteScreen'), 'NewSiteScreen') }),
  createRoute({ getParentRoute: () => root, path: '/sites/$id', component: lazyRouteComponent(() => import('./sites/SiteScreen'), 'SiteScreen') }),
  createRoute({ getParentRoute: () => root, path: '/instruments', component: lazyRouteComponent(() => import('./instruments/InstrumentsScreen'), 'InstrumentsScreen') }),
  createRoute({ getParentRoute: () => root, path: '/freezers/new', component: lazyRouteComponent(() => import('./freezers/NewFreezerScreen'), 'NewFreezerScreen') }),
  createRoute({ getParentRoute: () => root, path: '/freezers/$id', component: lazyRouteComponent(() => import('./freezers/FreezerScreen'), 'FreezerScreen') }),
  createRoute({ getParentRoute: () => root, path: '/computers/new', component: lazyRouteComponent(() => import('./computers/NewComputerScreen'), 'NewComputerScreen') }),
  createRoute({ getParentRoute: () => root, path: '/computers/$id', component: lazyRouteComponent(() => import('./computers/ComputerScreen'), 'ComputerScreen') }),
  createRoute({ getParentRoute: () => root, path: '/containers', component: lazyRouteComponent(() => import('./containers/ContainersScreen'), 'ContainersScreen') }),
  createRoute({ getParentRoute: () => root, path: '/containers/new', component: lazyRouteComponent(() => import('./containers/NewContainerScreen'), 'NewContainerScreen') }),
  createRoute({ getParentRoute: () => root, path: '/containers/$uuid', component: lazyRouteComponent(() => import('./containers/ContainerScreen'), 'ContainerScreen') }),
  createRoute({ getParentRoute: () => root, path: '/account', component: lazyRouteComponent(() => import('./account/AccountScreen'), 'AccountScreen') }),
  createRoute({ getParentRoute: () => root, path: '/history', component: lazyRouteComponent(() => import('./history/HistoryScreen'), 'HistoryScreen') }),
  createRoute({ getParentRoute: () => root, path: '/import', component: lazyRouteComponent(() => import('./imports/ImportScreen'), 'ImportScreen') }),
  createRoute({ getParentRoute: () => root, path: '/reference', component: lazyRouteComponent(() => import('./reference/ReferenceScreen'), 'ReferenceScreen') }),
  createRoute({ getParentRoute: () => root, path: '/reference/$operation', component: lazyRouteComponent(() => import('./reference/OperationScreen'), 'OperationScreen') }),
  createRoute({ getParentRoute: () => root, path: '/users', component: lazyRouteComponent(() => import('./users/UsersScreen'), 'UsersScreen') }),
  createRoute({ getParentRoute: () => root, path: '/users/new', component: lazyRouteComponent(() => import('./users/NewUserScreen'), 'NewUserScreen') }),
  createRoute({ getParentRoute: () => root, path: '/users/$id', component: lazyRouteComponent(() => import('./users/UserScreen'), 'UserScreen') }),
  createRoute({ getParentRoute: () => root, path: '/todos', component: lazyRouteComponent(() => import('./todos/TodosScreen'), 'TodosScreen') }),
  createRoute({ getParentRoute: () => root, path: '/todos/new', component: lazyRouteComponent(() => import('./todos/NewTodoScreen'), 'NewTodoScreen') }),
  createRoute({ getParentRoute: () => root, path: '/todos/$id', component: lazyRouteComponent(() => import('./todos/TodoScreen'), 'TodoScreen') }),
  createRoute({ getParentRoute: () => root, path: '/events', component: lazyRouteComponent(() => import('./events/EventsScreen'), 'EventsScreen') }),
  createRoute({ getParentRoute: () => root, path: '/events/$id', component: lazyRouteComponent(() => import('./events/EventScreen'), 'EventScreen') }),
  createRoute({ getParentRoute: () => root, path: '/alerts', component: lazyRouteComponent(() => import('./alerts/AlertsScreen'), 'AlertsScreen') }),
  createRoute({ getParentRoute: () => root, path: '/alerts/$id', component: lazyRouteComponent(() => import('./alerts/AlertScreen'), 'AlertScreen') }),
  createRoute({ getParentRoute: () => root, path: '/rules', component: lazyRouteComponent(() => import('./rules/RulesScreen'), 'RulesScreen') }),
  createRoute({ getParentRoute: () => root, path: '/rules/$code', component: lazyRouteComponent(() => import('./rules/RuleScreen'), 'RuleScreen') }),
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
