import '@mantine/dropzone/styles.css'

import { Button, Group, Text } from '@mantine/core'
import { Dropzone } from '@mantine/dropzone'
import { type ReactNode, useRef } from 'react'

import classes from './FileDropzone.module.css'
import { Icon, type IconName } from './icons'

interface Props {
  onFiles: (files: File[]) => void
  /** Text of the button that chooses files. */
  button: string
  icon: IconName
  /** The button is the main action of the screen. */
  isPrimary?: boolean
  isMultiple?: boolean
  /** File types that the browser proposes, such as ".csv,text/csv". Any file can be dropped. */
  accept?: string
  children: ReactNode
}

/** FileDropzone chooses files with a button, or by drag and drop. */
export function FileDropzone({ onFiles, button, icon, isPrimary = false, isMultiple = false, accept, children }: Props) {
  const openRef = useRef<() => void>(null)
  return (
    <Dropzone
      onDrop={onFiles}
      openRef={openRef}
      multiple={isMultiple}
      activateOnClick={false}
      activateOnKeyboard={false}
      enablePointerEvents
      className={classes.dropzone}
      inputProps={{ accept, 'aria-hidden': true }} // the button opens it
    >
      <Group gap="sm">
        <Button
          variant={isPrimary ? 'filled' : 'default'}
          leftSection={<Icon name={icon} size={16} />}
          onClick={() => openRef.current?.()}
        >
          {button}
        </Button>
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {children}
        </Text>
      </Group>
    </Dropzone>
  )
}
