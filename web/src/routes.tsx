import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
  retainSearchParams,
} from '@tanstack/react-router'

import { appPath, basePath } from './api/basePath'
import { Problem } from './api/problem'
import { asOfPaths } from './asOf/asOf'
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
    // If this query fails, the screens show the error.
    const session = await context.queryClient.ensureQueryData(sessionQuery).catch(() => undefined)
    if (session && !session.signed_in && !session.open)
      throw redirect({ to: '/sign-in', search: { next: location.publicHref } })
  },
})

/** isPublicPath reports whether a screen is available without signing in. */
function isPublicPath(path: string): boolean {
  return path === '/sign-in' || path === '/register' || path === '/password'
}

/**
 * lazyScreen loads a screen on navigation. When the import fails, the router reloads the whole page, which helps only
 * after an update of the server. If the server does not respond, lazyScreen throws an unreachable problem instead.
 */
function lazyScreen<M extends Record<string, unknown>>(load: () => Promise<M>, name: keyof M & string) {
  return lazyRouteComponent(
    () =>
      load().catch(async () => {
        await fetch(`${basePath}/readyz`).catch(() => {
          throw Problem.unreachable()
        })
        return load() // the connection may have come back since
      }),
    name,
  )
}

/** keepAsOf keeps the time in the past in the links between the screens that show the past. */
const keepAsOf = retainSearchParams<Record<string, string | undefined>>(['as_of'])

/**
 * screenRoute returns the route of a screen that is loaded on navigation. A screen with other parameters is a new
 * screen, so that no dialog or form of one row stays open for another row.
 */
function screenRoute<const Path extends string, M extends Record<string, unknown>>(
  path: Path,
  load: () => Promise<M>,
  name: keyof M & string,
) {
  return createRoute({
    getParentRoute: () => rootRoute,
    path,
    component: lazyScreen(load, name),
    ...(asOfPaths.includes(path) && { search: { middlewares: [keepAsOf] } }),
    remountDeps: ({ params }) => params,
  })
}

const screenRoutes = [
  screenRoute('/', () => import('./overview/OverviewScreen'), 'OverviewScreen'),
  screenRoute('/sign-in', () => import('./session/SignInScreen'), 'SignInScreen'),
  screenRoute('/register', () => import('./session/RegisterScreen'), 'RegisterScreen'),
  screenRoute('/password', () => import('./session/PasswordScreen'), 'PasswordScreen'),
  screenRoute('/sites', () => import('./sites/SitesScreen'), 'SitesScreen'),
  screenRoute('/sites/new', () => import('./sites/NewSiteScreen'), 'NewSiteScreen'),
  screenRoute('/sites/$id', () => import('./sites/SiteScreen'), 'SiteScreen'),
  screenRoute('/storage', () => import('./storage/StorageScreen'), 'StorageScreen'),
  screenRoute('/instruments', () => import('./instruments/InstrumentsScreen'), 'InstrumentsScreen'),
  screenRoute('/freezers/new', () => import('./freezers/NewFreezerScreen'), 'NewFreezerScreen'),
  screenRoute('/freezers/add', () => import('./freezers/AddFreezersScreen'), 'AddFreezersScreen'),
  screenRoute('/freezers/$id', () => import('./freezers/FreezerScreen'), 'FreezerScreen'),
  screenRoute('/freezers/$id/evacuate', () => import('./moves/EvacuateScreen'), 'EvacuateScreen'),
  screenRoute('/computers/new', () => import('./computers/NewComputerScreen'), 'NewComputerScreen'),
  screenRoute('/computers/$id', () => import('./computers/ComputerScreen'), 'ComputerScreen'),
  screenRoute('/containers', () => import('./containers/ContainersScreen'), 'ContainersScreen'),
  screenRoute('/containers/new', () => import('./containers/NewContainerScreen'), 'NewContainerScreen'),
  screenRoute('/containers/add', () => import('./containers/AddContainersScreen'), 'AddContainersScreen'),
  screenRoute('/containers/$uuid', () => import('./containers/ContainerScreen'), 'ContainerScreen'),
  screenRoute('/checkouts', () => import('./checkouts/CheckoutsScreen'), 'CheckoutsScreen'),
  screenRoute('/stocktakes', () => import('./stocktakes/StocktakesScreen'), 'StocktakesScreen'),
  screenRoute('/stocktakes/$id', () => import('./stocktakes/StocktakeScreen'), 'StocktakeScreen'),
  screenRoute('/scan', () => import('./scanMode/ScanModeScreen'), 'ScanModeScreen'),
  screenRoute('/account', () => import('./account/AccountScreen'), 'AccountScreen'),
  screenRoute('/activity', () => import('./history/ActivityScreen'), 'ActivityScreen'),
  screenRoute('/activity/$id', () => import('./changesets/ChangesetScreen'), 'ChangesetScreen'),
  screenRoute('/import', () => import('./imports/ImportScreen'), 'ImportScreen'),
  screenRoute('/settings', () => import('./settings/SettingsScreen'), 'SettingsScreen'),
  screenRoute('/users', () => import('./users/UsersScreen'), 'UsersScreen'),
  screenRoute('/users/new', () => import('./users/NewUserScreen'), 'NewUserScreen'),
  screenRoute('/users/$id', () => import('./users/UserScreen'), 'UserScreen'),
  screenRoute('/todos', () => import('./todos/TodosScreen'), 'TodosScreen'),
  screenRoute('/todos/new', () => import('./todos/NewTodoScreen'), 'NewTodoScreen'),
  screenRoute('/todos/$id', () => import('./todos/TodoScreen'), 'TodoScreen'),
  screenRoute('/events', () => import('./events/EventsScreen'), 'EventsScreen'),
  screenRoute('/events/$id', () => import('./events/EventScreen'), 'EventScreen'),
  screenRoute('/alerts', () => import('./alerts/AlertsScreen'), 'AlertsScreen'),
  screenRoute('/alerts/$id', () => import('./alerts/AlertScreen'), 'AlertScreen'),
  screenRoute('/rules', () => import('./rules/RulesScreen'), 'RulesScreen'),
  screenRoute('/rules/$code', () => import('./rules/RuleScreen'), 'RuleScreen'),
]

export function createAppRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree: rootRoute.addChildren(screenRoutes),
    context: { queryClient },
    basepath: appPath,
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
