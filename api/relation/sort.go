package relation

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"labledger/api/problem"
)

// A term is one column of an order. NULL comes last, or first if the order is reversed.
type term struct {
	column     *Column
	descending bool
	nullsFirst bool
}

// parseSort parses ?sort= and completes the order with the key, in the direction of the last term.
func (q *Request) parseSort(text string, given bool, errs *problem.FieldErrors) {
	r := q.relation
	names := strings.Split(text, ",")
	if !given {
		names = nil
	}
	if len(names) > maxTerms {
		errs.Add(sortParam, fmt.Sprintf("must name at most %d columns", maxTerms))
		names = names[:maxTerms]
	}
	descending := false
	for _, signed := range names {
		name, found := strings.CutPrefix(signed, "-")
		descending = found
		i := r.index(name)
		switch {
		case i < 0:
			errs.Add(sortParam, problem.Sanitize(name)+" "+problem.UnknownName(name, r.names()))
		case !r.columns[i].IsSortable():
			errs.Add(sortParam, name+" has no order")
		case q.sortsBy(&r.columns[i]):
			errs.Add(sortParam, "names "+name+" twice")
		default:
			q.terms = append(q.terms, term{column: &r.columns[i], descending: descending})
		}
	}
	for _, column := range r.key {
		if !q.sortsBy(column) && !(given && isLookedUp(column)) {
			q.terms = append(q.terms, term{column: r.column(column.Name), descending: descending})
		}
	}
	q.keyOrder = true
	for i, t := range q.terms {
		q.keyOrder = q.keyOrder && i < len(r.key) && t.column.Name == r.key[i].Name && !t.descending
	}
}

func (q *Request) sortsBy(column *Column) bool {
	return slices.ContainsFunc(q.terms, func(t term) bool { return t.column.Name == column.Name })
}

// parseCursor parses ?after= and ?before=: the values of the visible terms in one row, as Cursor encodes them. For
// ?before= it reverses the order.
func (q *Request) parseCursor(values url.Values, errs *problem.FieldErrors) {
	param := afterParam
	switch {
	case values.Has(beforeParam) && values.Has(afterParam):
		errs.Add(beforeParam, "cannot be combined with after; use one of them")
		return
	case values.Has(beforeParam):
		param, q.backward = beforeParam, true
	case !values.Has(afterParam):
		return
	}
	if len(*errs) > 0 && errs.Has(sortParam) {
		return // the cursor depends on the order
	}
	reason := q.decodeCursor(values.Get(param))
	if reason != "" {
		errs.Add(param, "must be the cursor from the Link header of a page in the same order"+reason)
	}
	if q.backward {
		for i := range q.terms {
			q.terms[i].descending = !q.terms[i].descending
			q.terms[i].nullsFirst = !q.terms[i].nullsFirst
		}
	}
}

// decodeCursor returns what is wrong with a cursor, or "".
func (q *Request) decodeCursor(text string) (reason string) {
	visible := 0
	for _, t := range q.terms {
		if !isLookedUp(t.column) {
			visible++
		}
	}
	cursor := []*string{&text}
	if visible > 1 {
		cursor = nil
		if err := json.Unmarshal([]byte(text), &cursor); err != nil || len(cursor) != visible {
			return fmt.Sprintf(", a JSON array of %d strings", visible)
		}
	}
	for i, t := range q.terms {
		if isLookedUp(t.column) {
			cursor = slices.Insert(cursor, i, nil)
			continue
		}
		if cursor[i] == nil {
			if !t.column.Nullable {
				return ": " + t.column.Name + " must not be null"
			}
			continue
		}
		value, reason := t.column.parseCursor(*cursor[i])
		if reason != "" {
			return ": " + t.column.Name + " " + reason
		}
		cursor[i] = &value
	}
	q.cursor = cursor
	return ""
}

// Cursor returns the cursor of a row, whose values of Statement.Cursor are given; nil is NULL.
func Cursor(values [][]byte) string {
	if len(values) == 1 {
		return string(values[0])
	}
	texts := make([]*string, len(values))
	for i, value := range values {
		if value != nil {
			text := string(value)
			texts[i] = &text
		}
	}
	encoded, _ := json.Marshal(texts) // strings have no error
	return string(encoded)
}

// sql returns the column as SQL.
func (c *Column) sql() string { return c.source + "." + c.origin }

// sortSQL returns what rows are sorted by: the first characters of a text, so that indexes stay small, in an order in
// which 2 precedes 10.
func (c *Column) sortSQL() string {
	if c.Type != Text {
		return c.sql()
	}
	return sortForm(c, c.sql()) + " COLLATE natural_sort"
}

// sortForm returns the part of a value that rows are sorted by.
func sortForm(c *Column, sql string) string {
	if c.Type != Text {
		return sql
	}
	return "left(" + sql + ", 100)"
}

// orderSQL returns a term of ORDER BY for an expression. A column without NULL needs no place for it; so an index can
// be read in both directions.
func (t term) orderSQL(expression string, hasNulls bool) string {
	if t.descending {
		expression += " DESC"
	}
	switch {
	case hasNulls && t.nullsFirst && !t.descending:
		expression += " NULLS FIRST"
	case hasNulls && !t.nullsFirst && t.descending:
		expression += " NULLS LAST"
	}
	return expression
}

// beyond returns the condition of the rows after a cursor.
func (b *builder) beyond(terms []term, cursor []*string) string {
	if isRowComparison(terms, cursor) {
		var columns, params []string
		for i, t := range terms {
			columns = append(columns, t.column.sortSQL())
			if cursor[i] != nil {
				params = append(params, b.bind(*cursor[i]))
			}
		}
		if len(params) < len(columns) {
			params = slices.Insert(params, 0, b.position(terms[0].column, terms[1].column, params[0]))
		}
		if len(terms) == 1 {
			return columns[0] + terms[0].operator() + params[0]
		}
		return "(" + strings.Join(columns, ", ") + ")" + terms[0].operator() + "(" + strings.Join(params, ", ") + ")"
	}
	t, column := terms[0], terms[0].column.sortSQL()
	var conditions []string
	tie := column + " IS NULL"
	switch {
	case cursor[0] == nil && t.nullsFirst:
		conditions = append(conditions, column+" IS NOT NULL")
	case cursor[0] != nil:
		param := b.bind(*cursor[0])
		tie = column + " = " + param
		conditions = append(conditions, column+t.operator()+param)
		if t.column.Nullable && !t.nullsFirst {
			conditions = append(conditions, column+" IS NULL")
		}
	}
	if len(terms) > 1 {
		conditions = append(conditions, tie+" AND "+b.beyond(terms[1:], cursor[1:]))
	}
	if len(conditions) == 0 {
		return "false"
	}
	return anyOf(conditions)
}

// position returns the value of a hidden column in the row with a key, or in the one before if that row is gone. So a
// cursor stays valid when a restore changes the hidden column.
func (b *builder) position(hidden, key *Column, param string) string {
	return "coalesce((SELECT last." + hidden.origin + " FROM (\n" + b.request.relation.statement + "\n) AS last WHERE last." +
		key.origin + " <= " + param + " ORDER BY last." + key.origin + " DESC LIMIT 1), 0)"
}

func (t term) operator() string {
	if t.descending {
		return " < "
	}
	return " > "
}

// isRowComparison reports whether one comparison of rows finds the rows after a cursor, for which Postgres can use an
// index of several columns.
func isRowComparison(terms []term, cursor []*string) bool {
	for i, t := range terms {
		if cursor[i] == nil && !isLookedUp(t.column) || t.descending != terms[0].descending || t.column.Nullable {
			return false
		}
	}
	return true
}
