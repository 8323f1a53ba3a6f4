import type { ColumnType, GridColumn } from './types'

// Filters of a column. A filter of the API is a parameter name__operator=value, or name=value for "is".

export type Operator = 'is' | 'not' | 'in' | 'contains' | 'startswith' | 'gt' | 'gte' | 'lt' | 'lte' | 'empty'

const operatorsByType: Record<ColumnType, Operator[]> = {
  text: ['contains', 'startswith', 'is', 'not'],
  person: ['is', 'not', 'contains'],
  key: ['is', 'not'],
  number: ['is', 'not', 'gte', 'lte', 'gt', 'lt'],
  date: ['lt', 'gte', 'is', 'lte', 'gt'],
  time: ['gte', 'lt'],
  unixTime: ['gte', 'lt'],
  boolean: ['is'],
  choice: ['in', 'not'],
  codes: ['is'],
  presence: ['empty'],
}

const operatorLabels: Record<Operator, string> = {
  is: 'is',
  not: 'is not',
  in: 'is any of',
  contains: 'contains',
  startswith: 'starts with',
  gt: 'is more than',
  gte: 'is at least',
  lt: 'is less than',
  lte: 'is at most',
  empty: 'is empty',
}

const timeOperatorLabels: Partial<Record<Operator, string>> = {
  gt: 'after',
  gte: 'on or after',
  lt: 'before',
  lte: 'on or before',
}

const isTimeType = (type: ColumnType) => type === 'date' || type === 'time' || type === 'unixTime'

/** filterLabel returns the name of a column in filters. */
export const filterLabel = <T>({ header, filterLabel = header }: GridColumn<T>): string => filterLabel

/** operatorLabel returns the label of an operator for a type of column. */
export function operatorLabel(type: ColumnType, operator: Operator): string {
  if (type === 'codes' && operator === 'is') return 'includes'
  return (isTimeType(type) && timeOperatorLabels[operator]) || operatorLabels[operator]
}

/** columnOperators returns the operators of a column. The first is the default. */
export function columnOperators<T>({ type, reference, isNullable }: GridColumn<T>): Operator[] {
  const operators: Operator[] = reference ? ['is', 'not', 'contains', 'startswith'] : operatorsByType[type]
  return isNullable && type !== 'presence' ? [...operators, 'empty'] : operators
}

/** filterParam returns the parameter of the API for a filter. A reference is compared by its ID. */
export function filterParam<T>({ id, reference }: GridColumn<T>, operator: Operator): string {
  const field = reference && (operator === 'is' || operator === 'not') ? reference.idField : id
  return operator === 'is' ? field : `${field}__${operator}`
}

/** ColumnFilter is a filter of the URL and the column that it belongs to. */
export interface ColumnFilter<T> {
  param: string
  column: GridColumn<T>
  operator: Operator
  value: string
}

const allOperators = new Set<string>(Object.keys(operatorLabels))

/** parseFilter returns the filter of a parameter, or undefined if it is not a filter of one of the columns. */
export function parseFilter<T>(columns: GridColumn<T>[], param: string, value: string): ColumnFilter<T> | undefined {
  const [field = '', operator = 'is', ...rest] = param.split('__')
  if (rest.length > 0 || !allOperators.has(operator)) return undefined
  const column =
    columns.find(({ id }) => id === field) ?? columns.find(({ reference }) => reference?.idField === field)
  if (!column || column.isFilterable === false) return undefined
  return { param, column, operator: operator as Operator, value }
}
