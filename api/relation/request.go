package relation

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"labledger/api/bind"
	"labledger/api/problem"
)

// A Request is what a client asks a list for.
type Request struct {
	relation   *Relation
	search     *Search // of several lists; nil for a request of this list
	filters    []filter
	words      []word    // of ?q=; each must occur
	terms      []term    // the order; it is total
	columns    []*Column // of the rows, in order
	hasColumns bool      // the client has chosen them
	cursor     []*string // values of the terms in the last row of the page before; nil on the first page
	backward   bool      // the page ends before the cursor
	keyOrder   bool      // the order is the default one
	asOf       string    // the time of the rows; "" for the present
}

// Parameters of a list that no column has. A column of such a name has filters with an operator only.
const (
	queryParam    = "q"
	sortParam     = "sort"
	fieldsParam   = "fields"
	includeParam  = "include"
	afterParam    = "after"
	beforeParam   = "before"
	operatorStart = "__"
)

// Bounds of a request.
const (
	maxValues    = 100 // of one filter
	maxFilters   = 50
	maxTerms     = 5 // of ?sort=
	maxWords     = 10
	maxQueryText = 200 // characters of ?q=
)

// reserved holds the parameters that are not filters, also those that other packages read.
var reserved = []string{
	queryParam, sortParam, fieldsParam, includeParam, afterParam, beforeParam,
	"limit", "offset", "count", "format", "view", "as_of",
}

// Parse parses the parameters of a request. path holds the variables of the path, which filter by equality. It ignores
// the parameters in ignored, which other code parses, and adds what is wrong with the others to errs.
func (r *Relation) Parse(values, path url.Values, ignored []string, errs *problem.FieldErrors) *Request {
	q := &Request{relation: r}
	for _, name := range slices.Sorted(maps.Keys(path)) {
		if i := r.index(name); i >= 0 {
			q.addFilter(name, &r.columns[i], equals, path[name], errs)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch {
		case slices.Contains(ignored, name):
		case isParam(name):
			if len(values[name]) > 1 {
				errs.Add(name, "is given more than once")
			}
		default:
			q.parseFilter(name, values[name], path, ignored, errs)
		}
	}
	if len(q.filters) > maxFilters {
		errs.Add("query string", fmt.Sprintf("must have at most %d filters", maxFilters))
	}
	if values.Has(queryParam) {
		q.words = parseWords(values.Get(queryParam), errs)
	}
	q.parseSort(values.Get(sortParam), values.Has(sortParam), errs)
	q.parseColumns(values, errs)
	q.parseCursor(values, errs)
	return q
}

// isParam reports whether Parse reads a parameter that is not a filter.
func isParam(name string) bool {
	return slices.Contains([]string{queryParam, sortParam, fieldsParam, includeParam, afterParam, beforeParam}, name)
}

// paramNames returns the names of all parameters except filters with operators, for suggestions.
func (r *Relation) paramNames(ignored []string) []string {
	names := append(r.names(), slices.Sorted(maps.Keys(r.aliases))...)
	for i := range r.members {
		names = append(names, r.members[i].Name)
	}
	names = append(names, reserved...)
	if !slices.Contains(ignored, "as_of") {
		names = slices.DeleteFunc(names, func(name string) bool { return name == "as_of" })
	}
	return names
}

// IsFiltered reports whether the request asks for a part of the rows, for an order of its own, or for another time.
func (q *Request) IsFiltered() bool {
	return len(q.filters) > 0 || len(q.words) > 0 || !q.keyOrder || q.asOf != ""
}

// IsPlain reports whether the request asks for all rows, in the default order and with the columns of the list.
func (q *Request) IsPlain() bool { return !q.IsFiltered() && !q.hasColumns }

// HasCursor reports whether the request continues after, or before, a row.
func (q *Request) HasCursor() bool { return q.cursor != nil }

// IsBackward reports whether the rows of the page arrive in reverse order.
func (q *Request) IsBackward() bool { return q.backward }

// Columns returns the names of the columns of the rows.
func (q *Request) Columns() []string {
	names := make([]string, len(q.columns))
	for i, column := range q.columns {
		names[i] = column.Name
	}
	return names
}

// parseColumns parses ?fields= and ?include=.
func (q *Request) parseColumns(values url.Values, errs *problem.FieldErrors) {
	r := q.relation
	q.hasColumns = values.Has(includeParam) || values.Has(fieldsParam)
	includes := splitList(values, includeParam, errs)
	for _, name := range includes {
		if !slices.Contains(r.Includes(), name) {
			errs.Add(includeParam, problem.Sanitize(name)+" "+problem.UnknownName(name, r.Includes()))
		}
	}
	fields := splitList(values, fieldsParam, errs)
	for _, name := range fields {
		if i := r.index(name); i >= 0 {
			q.columns = append(q.columns, &r.columns[i])
		} else {
			errs.Add(fieldsParam, problem.Sanitize(name)+" "+problem.UnknownName(name, r.names()))
		}
	}
	for i := range r.columns {
		column := &r.columns[i]
		isOwn := column.Include == "" && !values.Has(fieldsParam)
		isIncluded := slices.Contains(includes, column.Include) || r.isKeyOf(column, includes)
		if (isOwn || isIncluded) && !slices.Contains(q.columns, column) {
			q.columns = append(q.columns, column)
		}
	}
}

// isKeyOf reports whether a column of the list is the key of an included row.
func (r *Relation) isKeyOf(column *Column, includes []string) bool {
	return slices.ContainsFunc(r.joins, func(j join) bool {
		return slices.Contains(includes, j.noun) && column.Name == j.noun+"_"+j.key.Name
	})
}

// splitList returns the names in a list with commas. It reports names that are given twice.
func splitList(values url.Values, param string, errs *problem.FieldErrors) []string {
	if !values.Has(param) {
		return nil
	}
	names := strings.Split(values.Get(param), ",")
	for i, name := range names {
		switch {
		case name == "":
			errs.Add(param, "must be names with commas between them")
			return nil
		case slices.Contains(names[:i], name):
			errs.Add(param, "names "+problem.Sanitize(name)+" twice")
		}
	}
	return names
}

// checkQueryText returns what is wrong with ?q=, or "".
func checkQueryText(text string) (reason string) {
	if n := len([]rune(text)); n < 1 || n > maxQueryText {
		return fmt.Sprintf("must have from 1 to %d characters", maxQueryText)
	}
	return bind.CheckText(text)
}
