package relation

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"labledger/api/problem"
)

// A Statement is SQL with the values of its parameters.
type Statement struct {
	SQL  string
	Args []any // those of the list's own statement, then text and integers

	Columns int   // columns for the client, the first ones of each row
	Cursor  []int // columns whose values are the cursor of a row
}

// A builder writes a statement.
type builder struct {
	request *Request
	args    []any
	asOf    string // parameter of the time of the request; "" for the present
}

func (q *Request) builder(args []any) *builder {
	b := &builder{request: q, args: slices.Clip(args)}
	if q.asOf != "" {
		b.asOf = b.bind(q.asOf)
	}
	return b
}

// bind adds a value and returns its parameter.
func (b *builder) bind(value any) string {
	b.args = append(b.args, value)
	return "$" + strconv.Itoa(len(b.args))
}

// Select returns the statement of a page of at most limit rows, after offset rows. args are those of the list's own
// statement.
func (q *Request) Select(args []any, limit, offset int64) Statement {
	b := q.builder(args)
	parts := q.parts()
	if q.IsPlain() && len(parts) == 1 {
		head := q.relation.plainHead()
		sql := q.relation.comment() + head.sql + b.tail(parts[0]) + b.page(limit, offset)
		return Statement{SQL: sql, Args: b.args, Columns: len(q.columns), Cursor: head.cursor}
	}
	columns, cursor := b.columns()
	s := Statement{Columns: len(q.columns), Cursor: cursor}
	depth := limit
	if depth += offset; depth < 0 {
		depth = math.MaxInt64
	}
	switch {
	case b.isSplit():
		s.SQL = b.pastPage(columns, cursor, parts, limit, depth, offset)
	case len(parts) == 1:
		s.SQL = b.inPast(b.part(columns, parts[0])+b.page(limit, offset), anyState)
	default:
		var union []string
		for _, p := range parts {
			union = append(union, "(\n"+b.part(columns, p)+b.page(depth, 0)+"\n)")
		}
		s.SQL = b.inPast(b.merge(columns, cursor, union)+b.page(limit, offset), anyState)
	}
	s.SQL, s.Args = q.relation.comment()+s.SQL, b.args
	return s
}

// A head is a statement up to its conditions, and which of its columns are the cursor.
type head struct {
	sql    string
	cursor []int
}

// newPlainHead returns the head of all plain requests; see IsPlain.
func (r *Relation) newPlainHead() head {
	b := r.Parse(nil, nil, nil, new(problem.FieldErrors)).builder(nil)
	columns, cursor := b.columns()
	return head{b.head(columns, b.request.terms), cursor}
}

// SelectAll returns the statement of all rows from offset on, without cursors.
func (q *Request) SelectAll(args []any, offset int64) Statement {
	b := q.builder(args)
	columns := q.outputs()
	s := Statement{Columns: len(columns)}
	sql := b.part(columns, part{terms: q.terms, cursor: q.cursor})
	if offset > 0 {
		sql += "\nOFFSET " + b.bind(offset)
	}
	s.SQL, s.Args = q.relation.comment()+b.inPast(sql, anyState), b.args
	return s
}

// Count returns the statement that counts the matching rows of all pages.
func (q *Request) Count(args []any) Statement {
	b := q.builder(args)
	sql := b.inPast("SELECT count(*)\n"+b.from(nil, nil)+b.where(part{}), anyState)
	return Statement{SQL: q.relation.comment() + sql, Args: b.args, Columns: 1}
}

// CountUpTo returns the statement that counts the rows that match a search, at most limit.
func (q *Request) CountUpTo(limit int64) Statement {
	b := q.builder(nil)
	rows := b.alternatives(b.from(nil, nil), limit)
	for i := range rows {
		rows[i] = "SELECT key FROM (\n" + rows[i] + "\n) AS alternative"
	}
	sql := "SELECT count(*)\nFROM (\n" + strings.Join(rows, "\nUNION\n") + "\nLIMIT " + strconv.FormatInt(limit, 10) +
		"\n) AS " + sourceList
	return Statement{SQL: q.relation.comment() + sql, Args: b.args, Columns: 1}
}

// Explain returns the statement that estimates the number of matching rows: a plan in JSON.
func (q *Request) Explain(args []any) Statement {
	b := q.builder(args)
	sql := "EXPLAIN (FORMAT JSON)\n" + b.inPast("SELECT 1\n"+b.from(nil, nil)+b.where(part{}), anyState)
	return Statement{SQL: sql, Args: b.args, Columns: 1}
}

// Lock returns the statement that locks at most limit matching rows until the transaction ends, and returns their keys as
// text. The key is the first one of the list if it has no column of the given name. The list's own statement must have
// no parameters.
func (q *Request) Lock(key string, limit int64) Statement {
	b := q.builder(nil)
	column := q.relation.key[0]
	if i := q.relation.index(key); i >= 0 {
		column = &q.relation.columns[i]
	}
	sql := "SELECT " + column.sql() + "::text\n" + b.from(nil, nil) + b.where(part{}) + "\nORDER BY " + column.sql() +
		"\nLIMIT " + b.bind(limit) + "\nFOR UPDATE OF " + sourceList
	return Statement{SQL: q.relation.comment() + sql, Args: b.args, Columns: 1}
}

// isSplit reports whether the rows of the past are read in two parts.
func (b *builder) isSplit() bool { return b.asOf != "" && b.request.relation.origin() != "" }

// comment names the query in logs and traces, as sqlc does.
func (r *Relation) comment() string { return "-- name: " + r.name + " :many\n" }

// An output is a column of the statement.
type output struct {
	sql    string
	name   string
	column *Column
}

// outputs returns the columns for the client.
func (q *Request) outputs() []output {
	columns := make([]output, len(q.columns))
	for i, c := range q.columns {
		columns[i] = output{c.sql(), c.Name, c}
	}
	return columns
}

// selectList returns columns as a part of SQL.
func selectList(columns []output) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.sql
		if name := c.sql[strings.LastIndexByte(c.sql, '.')+1:]; name != c.name {
			list[i] += " AS " + c.name
		}
	}
	return strings.Join(list, ", ")
}

// columns returns the columns for the client, then those that only the cursor needs. cursor holds the index of each
// term's value.
func (b *builder) columns() (columns []output, cursor []int) {
	columns = b.request.outputs()
	for i, t := range b.request.terms {
		if isLookedUp(t.column) {
			continue
		}
		at := slices.IndexFunc(columns, func(o output) bool { return o.sql == t.column.sortSQL() })
		if at < 0 {
			at = len(columns)
			columns = append(columns, output{t.column.sortSQL(), "sort_" + strconv.Itoa(i+1), t.column})
		}
		cursor = append(cursor, at)
	}
	return columns, cursor
}

// A part is a set of rows that one index can return in order: those in which the first term is NULL, those in which it
// is not, or all.
type part struct {
	terms     []term
	cursor    []*string
	condition string        // "" for none
	notNull   bool          // the first term is not NULL
	places    map[int]place // where a word occurs, by its index; see split
	bound     string        // "" for none; see pastPage
}

// parts returns the parts of a page, at least one. Without parts, Postgres would have to sort all rows after a cursor:
// no condition for an index says greater than a value, or null.
func (q *Request) parts() []part {
	first := q.terms[0]
	if !first.column.Nullable {
		return []part{{terms: q.terms, cursor: q.cursor, notNull: true}}
	}
	column := first.column.sortSQL()
	nulls := part{terms: q.terms[1:], condition: column + " IS NULL"}
	others := part{terms: q.terms, condition: column + " IS NOT NULL", notNull: true}
	switch {
	case q.cursor == nil:
	case q.cursor[0] == nil: // all other rows are before nulls, or after them
		nulls.cursor = q.cursor[1:]
		if !first.nullsFirst {
			return []part{nulls}
		}
	default:
		others.cursor = q.cursor
		if first.nullsFirst {
			return []part{others}
		}
	}
	return []part{others, nulls}
}

// part returns the statement of a part without a limit.
func (b *builder) part(columns []output, p part) string { return b.head(columns, p.terms) + b.tail(p) }

func (b *builder) head(columns []output, terms []term) string {
	return "SELECT " + selectList(columns) + "\n" + b.from(columns, terms)
}

// tail returns the conditions and the order of a part.
func (b *builder) tail(p part) string {
	var order []string
	for i, t := range p.terms {
		hasNulls := t.column.Nullable && !(i == 0 && p.notNull)
		order = append(order, t.orderSQL(t.column.sortSQL(), hasNulls))
	}
	if len(order) == 0 {
		return b.where(p)
	}
	return b.where(p) + "\nORDER BY " + strings.Join(order, ", ")
}

// A joinKind is a kind of join. A greater one replaces a smaller one.
type joinKind int

// The kinds of joins.
const (
	noJoin     joinKind = iota
	lookUp              // for columns only: finds the row for each row of the page
	outerJoin           // the order or a filter needs the column
	strictJoin          // a filter rejects rows without a referenced row
)

// from returns the list with the joins that the columns, the filters and the order need. A join that a filter makes an
// inner join is written as one: Postgres uses no index of an expression in a subquery below an outer join.
func (b *builder) from(columns []output, terms []term) string {
	r := b.request.relation
	kinds := make([]joinKind, len(r.joins))
	need := func(c *Column, kind joinKind) {
		for i := c.join; i >= 0; i = r.joins[i].on.join {
			kinds[i] = max(kinds[i], kind)
		}
	}
	for _, c := range columns {
		need(c.column, lookUp)
	}
	for _, t := range terms {
		need(t.column, outerJoin)
	}
	for _, f := range b.request.filters {
		if f.operator.isStrict {
			need(f.column, strictJoin)
		} else {
			need(f.column, outerJoin)
		}
	}
	var sql strings.Builder
	sql.WriteString("FROM (\n" + r.statement + "\n) AS " + sourceList)
	for i, j := range r.joins {
		if kinds[i] != noJoin {
			sql.WriteString(b.join(j, kinds[i]))
		}
	}
	return sql.String()
}

// join returns a join. Without LATERAL, Postgres would read all rows that a table had at a time, to find a few of them.
func (b *builder) join(j join, kind joinKind) string {
	rows, on := "(\n"+j.target.statement+"\n) AS "+j.alias, j.alias+"."+j.key.origin+" = "+j.on.sql()
	switch {
	case kind == lookUp && b.asOf != "":
		return "\nLEFT JOIN LATERAL (\nSELECT *\nFROM " + rows + "\nWHERE " + on + "\n) AS " + j.alias + " ON true"
	case kind == strictJoin:
		return "\nJOIN " + rows + " ON " + on
	}
	return "\nLEFT JOIN " + rows + " ON " + on
}

// where returns the conditions of the rows of a part.
func (b *builder) where(p part) string {
	q := b.request
	var conditions []string
	for _, f := range q.filters {
		conditions = append(conditions, f.operator.condition(b, f.column, f.values))
	}
	for i := range q.words {
		conditions = append(conditions, b.occurs(i, p.places[i]))
	}
	if q.relation.settled && q.keyOrder {
		conditions = append(conditions, sourceList+".settled")
	}
	if p.condition != "" {
		conditions = append(conditions, p.condition)
	}
	if p.bound != "" {
		conditions = append(conditions, p.bound)
	}
	if p.cursor != nil {
		conditions = append(conditions, b.after(p)...)
	}
	if len(conditions) == 0 {
		return ""
	}
	return "\nWHERE " + strings.Join(conditions, "\n  AND ")
}

// after returns the conditions of the rows of a part after its cursor. The first one lets Postgres begin at the cursor
// in an index, which it cannot do with OR.
func (b *builder) after(p part) []string {
	if isLookedUp(p.terms[0].column) {
		return []string{b.beyond(p.terms, p.cursor)}
	}
	if p.notNull && p.cursor[0] != nil && len(p.terms) > 1 {
		p.terms = slices.Clone(p.terms)
		first := *p.terms[0].column
		first.Nullable = false
		p.terms[0].column = &first
		if !isRowComparison(p.terms, p.cursor) {
			start := first.sortSQL() + strings.TrimSuffix(p.terms[0].operator(), " ") + "= " + b.bind(*p.cursor[0])
			return []string{start, b.beyond(p.terms, p.cursor)}
		}
	} else if p.notNull && p.cursor[0] != nil {
		first := *p.terms[0].column
		first.Nullable = false
		p.terms = []term{{column: &first, descending: p.terms[0].descending}}
	}
	return []string{b.beyond(p.terms, p.cursor)}
}

// commonLimits are those of pages of the usual sizes, with one row more, which shows that there is a next page.
var commonLimits = []int64{11, 21, 26, 51, 101, 201, 251, 501, 1001}

// IsCommonLimit reports whether a limit is a part of the SQL, and no parameter, if the request has no filters.
func IsCommonLimit(limit int64) bool { return slices.Contains(commonLimits, limit) }

// page returns the limit and the offset of a statement. Postgres plans a statement with a parameter as its limit for
// each request, which takes longer than reading the page. With a literal it plans it once.
func (b *builder) page(limit, offset int64) string {
	sql := "\nLIMIT "
	if !b.request.IsFiltered() && IsCommonLimit(limit) {
		sql += strconv.FormatInt(limit, 10)
	} else {
		sql += b.bind(limit)
	}
	if offset > 0 {
		sql += "\nOFFSET " + b.bind(offset)
	}
	return sql
}
