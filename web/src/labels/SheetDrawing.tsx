import type { LabelTemplate } from './api'
import classes from './SheetDrawing.module.css'

interface Props {
  template: LabelTemplate
  /** Number of labels at the beginning of the sheet that are used. */
  skip: number
  count: number
  onChange: (skip: number) => void
}

/**
 * SheetDrawing shows the labels of a sheet: used, to be printed, and free. A click chooses the first label to print. It
 * is for the mouse; a field for the number is beside it.
 */
export function SheetDrawing({ template, skip, count, onChange }: Props) {
  const { columns, rows, page_width, page_height } = template
  return (
    <div
      aria-hidden
      className={classes.sheet}
      style={{
        aspectRatio: `${page_width} / ${page_height}`,
        gridTemplateColumns: `repeat(${columns}, 1fr)`,
        gridTemplateRows: `repeat(${rows}, 1fr)`,
      }}
    >
      {Array.from({ length: rows * columns }, (_, i) => (
        <button
          key={i}
          type="button"
          tabIndex={-1}
          data-state={i < skip ? 'used' : i < skip + count ? 'printed' : undefined}
          onClick={() => onChange(i)}
        />
      ))}
    </div>
  )
}
