// Package sqltype names the SQL types that Go has no type for, so that code can tell them from text. Values are the text
// format of PostgreSQL.
package sqltype

// A Date is a value of the SQL type date, such as 2026-11-30.
type Date string

// A Decimal is a value of the SQL type numeric, such as 12.50.
type Decimal string

// A MAC is a value of the SQL type macaddr, such as 08:00:2b:01:02:03.
type MAC string
