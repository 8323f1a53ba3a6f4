import {
  type ClipboardEvent,
  type FocusEvent,
  type KeyboardEvent,
  type MouseEvent,
  type RefObject,
  useEffect,
  useEffectEvent,
  useLayoutEffect,
  useRef,
} from 'react'

import { formatClipboard, parseClipboard } from './clipboard'
import type { EditableColumn } from './columns'
import { type CellPosition, clampPosition, keyTarget, selectedRange, stepTarget } from './selection'
import {
  appendRows,
  cellText,
  clearCells,
  copyFromAbove,
  fillDown,
  isBlank,
  paste,
  redo,
  selectCell,
  type Sheet,
  undo,
  writeBlock,
} from './sheet'

interface Options {
  tableRef: RefObject<HTMLTableElement | null>
  columns: readonly EditableColumn[]
  sheet: Sheet
  onChange: (update: (sheet: Sheet) => Sheet) => void
}

/**
 * useCellEditor returns the event handlers of the table of a grid. The active cell contains a text field, which always
 * has the focus: it accepts scans, pasted text and input methods. Typing replaces the text of the cell; the sheet gets
 * the new text when the user leaves the cell.
 */
export function useCellEditor({ tableRef, columns, sheet, onChange }: Options) {
  const needsFocus = useRef(false)
  const isLeaving = useRef(false) // after Escape, Tab leaves the table
  const isDragging = useRef(false)
  const getEditor = () => tableRef.current?.querySelector('textarea') ?? undefined
  const fields = Object.fromEntries(columns.map(({ id, header }) => [id, header]))

  /** update changes the sheet and then focuses the active cell. A text that is being typed is stored before. */
  const update = (change: (sheet: Sheet) => Sheet) => {
    needsFocus.current = true
    isLeaving.current = false
    const text = getEditor()?.value
    onChange((current) => change(storeText(current, text)))
  }

  useLayoutEffect(() => {
    const editor = getEditor()
    if (!editor) return
    const text = cellText(sheet, sheet.active)
    if (!sheet.isEditing && editor.value !== text) editor.value = text
    if (needsFocus.current) {
      needsFocus.current = false
      editor.focus({ preventScroll: true })
      findCell(tableRef.current, sheet.rangeEnd)?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
    }
    if (!sheet.isEditing && document.activeElement === editor) editor.select() // typing replaces the text
  })

  const handleScan = useEffectEvent((event: CustomEvent<string>) => {
    const column = columns.findIndex(({ acceptsScan }) => acceptsScan)
    if (column < 0) return
    event.preventDefault()
    needsFocus.current = true
    const text = getEditor()?.value
    onChange((current) => {
      const { row, column: activeColumn } = current.active
      return moveDown(writeBlock(storeText(current, text), { row, column }, [[event.detail]]), activeColumn)
    })
  })
  useEffect(() => {
    const table = tableRef.current
    const listener = (event: Event) => handleScan(event as CustomEvent<string>)
    table?.addEventListener('scan', listener)
    return () => table?.removeEventListener('scan', listener)
  }, [tableRef])

  const startEditing = () => {
    const editor = getEditor()
    editor?.setSelectionRange(editor.value.length, editor.value.length)
    onChange((current) => ({ ...current, isEditing: true }))
  }
  const handleTab = (event: KeyboardEvent) => {
    const target = stepTarget(sheet, event.shiftKey ? -1 : 1)
    if (!target || isLeaving.current) return // the focus leaves the table
    event.preventDefault()
    const entryColumn = sheet.entryColumn ?? sheet.active.column
    update((current) => ({ ...selectCell(current, target), entryColumn }))
  }
  const handleKeyWhileEditing = (event: KeyboardEvent, editor: HTMLTextAreaElement) => {
    if (event.key === 'Enter' && event.altKey) {
      event.preventDefault()
      editor.setRangeText('\n', editor.selectionStart, editor.selectionEnd, 'end')
    } else if (event.key === 'Enter') {
      event.preventDefault()
      update((current) => (event.shiftKey ? moveBy(current, -1) : moveDown(current, current.entryColumn)))
    } else if (event.key === 'Escape') {
      event.preventDefault()
      onChange((current) => ({ ...current, isEditing: false }))
    } else if (/^Arrow(Up|Down)$/.test(event.key) && !editor.value.includes('\n')) {
      event.preventDefault()
      update((current) => moveBy(current, event.key === 'ArrowUp' ? -1 : 1))
    }
  }
  const handleShortcut = (event: KeyboardEvent) => {
    const changes: Record<string, (sheet: Sheet) => Sheet> = {
      z: event.shiftKey ? redo : undo,
      y: redo,
      d: sheet.active.row === sheet.rangeEnd.row ? copyFromAbove : fillDown,
      a: selectAll,
    }
    const change = changes[event.key.toLowerCase()]
    if (!change) return
    event.preventDefault()
    update(change)
  }
  const handleKey = (event: KeyboardEvent) => {
    const isControl = event.ctrlKey || event.metaKey
    const from = event.shiftKey ? sheet.rangeEnd : sheet.active
    const target = keyTarget(sheet, from, { key: event.key, isControl })
    if (target) {
      event.preventDefault()
      update((current) =>
        event.shiftKey ? { ...current, rangeEnd: target } : { ...selectCell(current, target), entryColumn: undefined },
      )
    } else if (isControl) handleShortcut(event)
    else if (event.key === 'Enter' || event.key === 'F2') {
      event.preventDefault()
      startEditing()
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      event.preventDefault()
      update(clearCells)
    } else if (event.key === 'Escape') {
      isLeaving.current = true
      onChange((current) => ({ ...selectCell(current, current.active), notice: 'Press Tab to leave the table' }))
    }
  }

  const handlers = {
    onKeyDown: (event: KeyboardEvent) => {
      const editor = event.target
      if (event.nativeEvent.isComposing || !(editor instanceof HTMLTextAreaElement)) return
      if (event.key === 'Tab') handleTab(event)
      else if (sheet.isEditing) handleKeyWhileEditing(event, editor)
      else handleKey(event)
    },
    onInput: () => {
      if (!sheet.isEditing) onChange((current) => ({ ...current, isEditing: true }))
    },
    onBlur: (event: FocusEvent<HTMLElement>) => {
      const editor = event.target
      // The field keeps the focus while another window is active.
      if (!(editor instanceof HTMLTextAreaElement) || document.activeElement === editor) return
      const { value } = editor
      onChange((current) => storeText(current, value))
    },
    onCopy: (event: ClipboardEvent) => {
      if (!sheet.isEditing) copyRange(event, sheet)
    },
    onCut: (event: ClipboardEvent) => {
      if (sheet.isEditing) return
      copyRange(event, sheet)
      update(clearCells)
    },
    onPaste: (event: ClipboardEvent) => {
      if (sheet.isEditing) return
      event.preventDefault()
      const { block, isWholeRow } = parseClipboard(event.clipboardData.getData('text/plain'), fields)
      update((current) =>
        paste(isWholeRow ? selectCell(current, { row: selectedRange(current).top, column: 0 }) : current, block),
      )
    },
    onMouseDown: (event: MouseEvent) => {
      const cell = findEventCell(event, sheet)
      const isInEditor = event.target instanceof HTMLTextAreaElement
      if (!cell || event.button !== 0 || (isInEditor && sheet.isEditing)) return
      event.preventDefault() // the browser would move the focus and the caret
      isDragging.current = true
      update((current) => {
        const start = event.shiftKey ? current : { ...selectCell(current, cell.start), entryColumn: undefined }
        return { ...start, rangeEnd: cell.end }
      })
    },
    onMouseOver: (event: MouseEvent) => {
      if (event.buttons !== 1) isDragging.current = false
      const cell = isDragging.current && findEventCell(event, sheet)
      if (cell) update((current) => ({ ...current, rangeEnd: cell.end }))
    },
    onDoubleClick: (event: MouseEvent) => {
      if (findEventCell(event, sheet) && !sheet.isEditing) startEditing()
    },
  }

  return {
    handlers,
    /** focusCell selects a cell and moves the focus to it. */
    focusCell: (position: CellPosition) => update((current) => selectCell(current, position)),
  }
}

/** storeText stores the text of the active cell if it is being edited. */
function storeText(sheet: Sheet, text: string | undefined): Sheet {
  if (!sheet.isEditing || text === undefined) return sheet
  return { ...writeBlock(sheet, sheet.active, [[text]]), isEditing: false }
}

const moveBy = (sheet: Sheet, rows: number) =>
  selectCell(sheet, { row: sheet.active.row + rows, column: sheet.active.column })

/** moveDown selects the cell below. Below a last row with text it appends a row. */
function moveDown(sheet: Sheet, column = sheet.active.column): Sheet {
  const row = sheet.active.row + 1
  const last = sheet.rows.at(-1)
  const grown = row === sheet.rows.length && last && !isBlank(last) ? appendRows(sheet, 1) : sheet
  return selectCell(grown, { row, column })
}

function selectAll(sheet: Sheet): Sheet {
  const rangeEnd = clampPosition(sheet, { row: Infinity, column: Infinity })
  return { ...selectCell(sheet, { row: 0, column: 0 }), rangeEnd }
}

function copyRange(event: ClipboardEvent, sheet: Sheet) {
  const { top, left, bottom, right } = selectedRange(sheet)
  const cells = sheet.rows
    .slice(top, bottom + 1)
    .map((_, i) =>
      Array.from({ length: right - left + 1 }, (_, j) => cellText(sheet, { row: top + i, column: left + j })),
    )
  event.preventDefault()
  event.clipboardData.setData('text/plain', formatClipboard(cells))
}

/** findEventCell returns the cell of an event, or the first and the last cell of a row for its header. */
function findEventCell({ target }: MouseEvent, { columnCount }: Sheet) {
  if (!(target instanceof Element)) return undefined
  const row = Number(target.closest<HTMLElement>('tr[data-row]')?.dataset.row ?? NaN)
  if (Number.isNaN(row)) return undefined
  const column = target.closest<HTMLElement>('td')?.dataset.column
  return {
    start: { row, column: Number(column ?? 0) },
    end: { row, column: Number(column ?? columnCount - 1) },
  }
}

const findCell = (table: HTMLTableElement | null, { row, column }: CellPosition) =>
  table?.tBodies[0]?.rows[row]?.cells[column + 1]
