import { Button, type ButtonProps } from '@mantine/core'
import { lazy, useState } from 'react'

import { Icon } from '../components/icons'
import { LazyBoundary } from '../components/LazyBoundary'
import { useObjectActions } from '../search/useObjectActions'
import { useShortcut } from '../shell/shortcuts'
import type { LabelSource } from './parts'

const LabelDialog = lazy(() => import('./LabelDialog'))

interface Props extends Omit<ButtonProps, 'children'> {
  /** The containers that get labels: `{ uuids: [container.uuid] }`. */
  source: LabelSource
  /** True if the button acts on the row of its screen: it has a shortcut and is found in the search. */
  isScreenAction?: boolean
}

/** PrintLabelsButton opens the dialog that prints labels of containers. */
export function PrintLabelsButton({ source, isScreenAction = false, ...buttonProps }: Props) {
  const [isOpen, setIsOpen] = useState(false)
  const isOne = 'uuids' in source && source.uuids.length === 1
  const label = isOne ? 'Print label' : 'Print labels'
  const open = () => setIsOpen(true)
  useShortcut('l', label, open, isScreenAction)
  useObjectActions(isScreenAction ? [{ label: `${label}…`, icon: 'print', run: open }] : [])
  return (
    <>
      <Button variant="default" leftSection={<Icon name="print" size={16} />} {...buttonProps} onClick={open}>
        {label}
      </Button>
      {isOpen && (
        <LazyBoundary>
          <LabelDialog source={source} onClose={() => setIsOpen(false)} />
        </LazyBoundary>
      )}
    </>
  )
}
