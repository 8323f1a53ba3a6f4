import type { SVGProps } from 'react'

// Icons on a 24-pixel grid. They are decorative; each control also has a text or an accessible name.

const iconPaths = {
  home: 'M4 11l8-7 8 7v9h-5v-6H9v6H4z',
  site: 'M5 21V4h9v17M14 9h5v12M3 21h18M8 8h3M8 12h3M8 16h3',
  instrument: 'M6 3h12v18H6zM6 10h12M9 6v1M9 13v3',
  container: 'M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8',
  event: 'M4 12h4l3-7 3 14 3-7h3',
  alert: 'M12 4l9 16H3zM12 10v4M12 17v.5',
  rule: 'M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4',
  todo: 'M4 6l2 2 3-3M4 14l2 2 3-3M12 7h8M12 15h8',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c1-5 4-7 8-7s7 2 8 7',
  history: 'M4 12a8 8 0 1 0 3-6M4 4v4h4M12 8v5l3 2',
  import: 'M12 3v12M7 10l5 5 5-5M4 20h16',
  book: 'M5 4h6a2 2 0 0 1 2 2v14a2 2 0 0 0-2-2H5zM21 4h-6a2 2 0 0 0-2 2',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5L21 21',
  sun:
    'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2M12 20v2M2 12h2M20 12h2' +
    'M5 5l1.5 1.5M17.5 17.5L19 19M5 19l1.5-1.5M17.5 6.5L19 5',
  moon: 'M20 14A8 8 0 0 1 10 4a8 8 0 1 0 10 10z',
  keyboard: 'M3 6h18v12H3zM7 10v.5M11 10v.5M15 10v.5M7 14h10',
  file: 'M6 3h8l4 4v14H6zM14 3v4h4',
  upload: 'M12 16V4M7 9l5-5 5 5M4 20h16',
  close: 'M6 6l12 12M18 6L6 18',
  signOut: 'M10 4H5v16h5M14 8l4 4-4 4M18 12H9',
  offline: 'M3 3l18 18M8.5 8.5A9 9 0 0 0 4 11M12 7a12 12 0 0 1 8 4M9 15a5 5 0 0 1 6 0M12 19v.5',
  lock: 'M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3',
} as const

export type IconName = keyof typeof iconPaths

export function Icon({ name, size = 20, ...rest }: { name: IconName; size?: number } & SVGProps<SVGSVGElement>) {
  return (
    <svg
      viewBox="0 0 24 24"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      strokeWidth={1.75}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
      {...rest}
    >
      <path d={iconPaths[name]} />
    </svg>
  )
}
