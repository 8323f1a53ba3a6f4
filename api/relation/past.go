package relation

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// This file makes statements read the register as it was at a time. A common table expression with the name of a table
// hides the table, so the same statement reads the rows of the past.

// A state is a part of the rows of a table at a time.
type state string

// The states of rows.
const (
	anyState  state = "any"       // all rows
	unchanged state = "unchanged" // those that have not changed since, which are rows of the table
	changed   state = "changed"   // those that have changed since, which are former versions
)

// registerTables are the tables with former versions of their rows.
var registerTables = []string{"site", "freezer", "computer", "container"}

// registerRE finds the tables and views of the register in a statement.
var registerRE = regexp.MustCompile(`\b(site|freezer|computer|container|instrument)\b`)

// originRE finds the table whose rows a list returns.
var originRE = regexp.MustCompile(`\bFROM (\w+)$`)

// origin returns the table of the register whose rows the list returns, or "".
func (r *Relation) origin() string {
	found := originRE.FindStringSubmatch(r.statement)
	if found == nil || !slices.Contains(registerTables, found[1]) {
		return ""
	}
	return found[1]
}

// asOfSQL returns a statement that reads the register as it was at a time, which a parameter has. It reads the rows of
// the table origin in one state, and all rows of the other tables.
func asOfSQL(sql, param, origin string, s state) string {
	var tables []string
	for _, name := range registerRE.FindAllString(sql, -1) {
		rows := name + "_as_of(" + param + ")"
		switch {
		case name == origin && s == unchanged:
			rows = name + " WHERE since <= " + param
		case name == origin && s == changed:
			rows = name + "_past WHERE since <= " + param + " AND until > " + param
		}
		table := name + " AS NOT MATERIALIZED (SELECT * FROM " + rows + ")"
		if !slices.Contains(tables, table) {
			tables = append(tables, table)
		}
	}
	if tables == nil {
		panic("relation: a statement that does not read the register: " + sql)
	}
	return "WITH " + strings.Join(tables, ", ") + "\n" + sql
}

// AsOf returns a statement of queries/ that reads the register as it was at a time. args are its arguments.
func AsOf(statement string, args []any, asOf string) Statement {
	args = append(slices.Clip(args), asOf)
	name, _, _ := strings.Cut(statement, "\n")
	sql := asOfSQL("SELECT *\nFROM (\n"+trimStatement(statement)+"\n) AS past", "$"+strconv.Itoa(len(args)), "", anyState)
	return Statement{SQL: name + "\n" + sql, Args: args}
}

// ParseAsOf returns a time as PostgreSQL accepts it, or what is wrong with the text. The times of the history have
// microseconds.
func ParseAsOf(text string) (value, reason string) {
	t, reason := parseTime(text)
	return t.Truncate(time.Microsecond).Format(time.RFC3339Nano), reason
}

// SetAsOf makes the request read the rows as they were at a time, which ParseAsOf has returned.
func (q *Request) SetAsOf(time string) { q.asOf = time }

// IsPast reports whether the request reads the rows as they were at a time.
func (q *Request) IsPast() bool { return q.asOf != "" }

// inPast makes a statement read the register as it was at the time of the request, if it has one.
func (b *builder) inPast(sql string, s state) string {
	if b.request.asOf == "" {
		return sql
	}
	return asOfSQL(sql, b.asOf, b.request.relation.origin(), s)
}

// pastPage returns the statement of a page of the past. Each part of it is the union of the rows that have changed since
// then and of those that have not. Each of the two reads the indexes of its own table, and no more than the page needs:
// those that have not changed are read up to the last of those that have.
func (b *builder) pastPage(columns []output, cursor []int, parts []part, limit, depth, offset int64) string {
	var tables, union []string
	for i, p := range parts {
		name := string(changed) + "_" + strconv.Itoa(i+1)
		tables = append(tables,
			name+" AS MATERIALIZED (\n"+b.inPast(b.part(columns, p)+b.page(depth, 0), changed)+"\n)")
		p.bound = b.bound(name, columns, cursor, p, depth)
		union = append(union, "SELECT * FROM "+name,
			"(\n"+b.inPast(b.part(columns, p)+b.page(depth, 0), unchanged)+"\n)")
	}
	return "WITH " + strings.Join(tables, ", ") + "\n" + b.merge(columns, cursor, union) + b.page(limit, offset)
}

// merge returns the statement of the rows of several statements, in order.
func (b *builder) merge(columns []output, cursor []int, union []string) string {
	order := make([]string, len(b.request.terms))
	for i, t := range b.request.terms {
		order[i] = t.orderSQL("page."+columns[cursor[i]].name, t.column.Nullable)
	}
	return "SELECT *\nFROM (\n" + strings.Join(union, "\nUNION ALL\n") + "\n) AS page\nORDER BY " +
		strings.Join(order, ", ")
}

// bound returns the condition that a row is not beyond the last row of a table that holds depth rows of a part. It is
// true if the table holds fewer.
func (b *builder) bound(table string, columns []output, cursor []int, p part, depth int64) string {
	if len(p.terms) == 0 || p.terms[0].column.Nullable && !p.notNull {
		return ""
	}
	t := p.terms[0]
	name := columns[cursor[len(cursor)-len(p.terms)]].name
	operator, order, extreme := " <= ", "", t.column.Type.last()
	if t.descending {
		operator, order, extreme = " >= ", " DESC", t.column.Type.first()
	}
	return t.column.sortSQL() + operator + "coalesce((SELECT " + name + " FROM " + table + " ORDER BY " + name + order +
		" OFFSET " + b.bind(depth-1) + " LIMIT 1), " + extreme + ")"
}

// first returns a value of the type that no other one precedes.
func (t Type) first() string {
	switch t {
	case Text:
		return "''"
	case Integer:
		return "-9223372036854775808"
	case Boolean:
		return "false"
	case UUID:
		return "'00000000-0000-0000-0000-000000000000'"
	case MAC:
		return "'00:00:00:00:00:00'"
	}
	return "'-infinity'" // of a number, a date or a time
}

// last returns a value of the type that follows all others.
func (t Type) last() string {
	switch t {
	case Text:
		return `repeat(U&'\FFFF', 101)` // the last character of the order; only the first 100 are compared
	case Integer:
		return "9223372036854775807"
	case Boolean:
		return "true"
	case UUID:
		return "'ffffffff-ffff-ffff-ffff-ffffffffffff'"
	case MAC:
		return "'ff:ff:ff:ff:ff:ff'"
	}
	return "'infinity'"
}
