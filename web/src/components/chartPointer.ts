const doubleClickDelay = 250 // ms

interface PointerHandlers {
  /** Returns the index of the point at the pointer. */
  findPoint: () => number | null | undefined
  /** Called for a click with a mouse, if it is not the end of a drag or part of a double click. */
  onOpen: (index: number) => void
  /** Called when the pointer is pressed anywhere else on the page. */
  onPressOutside: () => void
}

/** followPointer watches the mouse and the finger over a plot. */
export function followPointer(container: HTMLElement, { findPoint, onOpen, onPressOutside }: PointerHandlers) {
  const controller = new AbortController()
  const { signal } = controller
  let isTouched = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const noteType = ({ pointerType }: PointerEvent) => (isTouched = pointerType === 'touch')
  container.addEventListener('pointermove', noteType, { signal })
  container.addEventListener('pointerdown', noteType, { signal })
  document.addEventListener('pointerdown', ({ target }) => !container.contains(target as Node) && onPressOutside(), {
    signal,
  })
  // uPlot suppresses the click that ends a drag.
  const click = ({ detail, target }: MouseEvent) => {
    clearTimeout(timer)
    const index = (target as Element).closest('.u-over') && findPoint()
    if (detail === 1 && !isTouched && index != null) timer = setTimeout(() => onOpen(index), doubleClickDelay)
  }
  container.addEventListener('click', click, { signal })
  return {
    /** Reports whether the last pointer was a finger. */
    isTouched: () => isTouched,
    stop: () => {
      clearTimeout(timer)
      controller.abort()
    },
  }
}
