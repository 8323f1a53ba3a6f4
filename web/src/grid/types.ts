import type { ReactNode } from 'react'

import type { Column } from '../components/RowTable'
import type { EntityKind } from '../search/api'

// A list definition describes a list of the API: its columns, and how they are shown, filtered and sorted. The
// definitions are in ../lists, one file per noun.

/** ColumnType determines the operators of a filter and the field for its value. */
export type ColumnType =
  | 'text'
  /** The username of a person. */
  | 'person'
  /** A text that is compared as a whole, such as a UUID. */
  | 'key'
  | 'number'
  /** A day, such as 2026-11-28. */
  | 'date'
  /** An RFC 3339 time. */
  | 'time'
  /** A time in Unix seconds. */
  | 'unixTime'
  | 'boolean'
  /** One of a few values. */
  | 'choice'
  /** An array of codes; a filter finds rows that contain a code. */
  | 'codes'
  /** A field that is set or not; a filter finds the rows with one of its two options. */
  | 'presence'

export interface Option {
  value: string
  label: string
}

/** GridColumn is a column of a list. Its id is the name of the field in the API. */
export interface GridColumn<T> extends Omit<Column<T>, 'value'> {
  type: ColumnType
  /** The name of the column in filters, if it differs from the header. */
  filterLabel?: string
  /** The content if cell is not set; default: the field of the row. */
  value?: Column<T>['value']
  /** Values of a choice, a boolean or codes. */
  options?: readonly Option[]
  /** A hook that returns the options, if the API provides them. */
  useOptions?: () => readonly Option[]
  /** The row that this column names: its kind, and the field with its ID. */
  reference?: { kind: EntityKind; idField: string; useName: () => (id: number) => string }
  /** True if the field can be null. */
  isNullable?: boolean
  /** True hides the column until the user chooses it. */
  isHidden?: boolean
  /** True if the column only filters and is never shown. */
  isFilterOnly?: boolean
  /** False if the API cannot sort or filter by the field. */
  isSortable?: boolean
  isFilterable?: boolean
  /** The fields of an export; default: the ID of the column. */
  exportFields?: string[]
}

/** ListDefinition describes a list of the API. */
export interface ListDefinition<T> {
  /** The last part of the path /api/v1/…, which is also the first part of the query key. */
  noun: string
  /** The name of the list for screen readers and messages: "Containers". */
  label: string
  /** Names in sentences: "1 container", "3,042 containers". */
  itemNames: { one: string; many: string }
  rowKey: (row: T) => string | number
  /** The fields that identify a row in an export. */
  keyFields: string[]
  columns: GridColumn<T>[]
  /** Nouns whose names the rows include: "freezer,site". */
  include?: string
  /** The field with the ID of the site, if the rows belong to one. The site switch filters by it. */
  siteField?: string
  /** The order if the user chooses none: "-id". */
  defaultSort?: string
  /** Filters that apply until the user changes or removes them. */
  defaultFilters?: Record<string, string>
  /** False if the API has no search for this list. */
  isSearchable?: boolean
  /** Lets cells wrap, for prose. Otherwise each row is one line. */
  isWrapped?: boolean
}

/** RowActions is a last column with buttons. */
export interface RowActions<T> {
  header: string
  width: number
  render: (row: T) => ReactNode
}
