import type { ReactNode } from 'react'

import { Screen } from '../components/Screen'
import classes from './SessionFrame.module.css'

interface Props {
  title: string
  children: ReactNode
}

/** SessionFrame is the frame of the screens without a session: the name of the product, and a card in the centre. */
export function SessionFrame({ title, children }: Props) {
  return (
    <div className={classes.frame}>
      <div className={classes.brand}>
        <Logo />
        Labledger
      </div>
      <div className={classes.card}>
        <Screen title={title}>{children}</Screen>
      </div>
    </div>
  )
}

/** Logo is the icon of the app, public/static/icon.svg. */
function Logo() {
  return (
    <svg viewBox="0 0 32 32" width={32} height={32} aria-hidden>
      <rect width="32" height="32" rx="7" fill="#0b5f8a" />
      <path d="M10 7v18h12M15 7h7M15 13h7M15 19h4" fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" />
    </svg>
  )
}
