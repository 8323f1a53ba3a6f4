/** EditableColumn is a column of an editable grid. */
export interface EditableColumn {
  /** The name of the field, which a pasted header may have as well as the header. */
  id: string
  header: string
  /** A second line of the header. */
  detail?: string
  /** Width in rem. Columns without a width share the rest. */
  width?: number
  /** Shows the texts in a typeface of equal widths. */
  isCode?: boolean
  /** A scan fills this column of the active row, and the next row becomes active. */
  acceptsScan?: boolean
  /** The texts of the column are not stored. */
  isIgnored?: boolean
}
