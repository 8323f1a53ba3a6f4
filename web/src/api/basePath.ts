// A proxy may publish the server below a path, such as /lab. The server writes that path into the page.

const meta = typeof document === 'undefined' ? null : document.querySelector<HTMLMetaElement>('meta[name="base-path"]')

/** basePath begins the paths of all requests: '/lab', or '' without such a proxy. */
export const basePath = meta?.content ?? ''

/** appPath begins the paths of all screens. */
export const appPath = `${basePath}/app`

/**
 * scopedName returns a name for localStorage, locks and channels. All servers of an origin share those, so the name
 * contains the base path.
 */
export const scopedName = (name: string) => `labledger${basePath.replaceAll('/', '-')}.${name}`
