package relation

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"labledger/api/problem"
)

// A filter compares a column with values.
type filter struct {
	column   *Column
	operator *Operator
	values   []string
}

// An Operator is the end of a filter's name, such as __contains.
type Operator struct {
	Suffix string
	Doc    string // what the rows have that the filter finds; "value" is the value of the parameter

	takes     func(*Column) bool
	isBoolean bool // the value is true or false, whatever the column
	isList    bool // the value is a list with commas
	isExact   bool // values must keep the rules of the column
	repeats   bool // the parameter may be repeated
	isStrict  bool // no null passes
	condition func(b *builder, c *Column, values []string) string
}

// equals is the operator of a filter without a suffix.
var equals = &operators[0]

var operators = [...]Operator{
	{Suffix: "", Doc: "is value; repeat the parameter for any of several values",
		takes: hasValues, isExact: true, repeats: true, isStrict: true, condition: isAnyOf},
	{Suffix: "__not", Doc: "is not value; repeat the parameter for none of several values",
		takes: isComparable, isExact: true, repeats: true, condition: isNoneOf},
	{Suffix: "__in", Doc: "is one of the values, which commas separate",
		takes: isComparable, isExact: true, isList: true, isStrict: true, condition: isAnyOf},
	{Suffix: "__contains", Doc: "contains value, in any case and with or without accents",
		takes: isText, isStrict: true, condition: matches("contains_pattern")},
	{Suffix: "__startswith", Doc: "starts with value, in any case and with or without accents",
		takes: isText, isStrict: true, condition: matches("prefix_pattern")},
	{Suffix: "__gt", Doc: "is greater than value", takes: isOrdered, isStrict: true, condition: compares(">")},
	{Suffix: "__gte", Doc: "is greater than value, or equal", takes: isOrdered, isStrict: true, condition: compares(">=")},
	{Suffix: "__lt", Doc: "is less than value", takes: isOrdered, isStrict: true, condition: compares("<")},
	{Suffix: "__lte", Doc: "is less than value, or equal", takes: isOrdered, isStrict: true, condition: compares("<=")},
	{Suffix: "__empty", Doc: "is null or an empty text (true), or is neither (false)",
		takes: isNullable, isBoolean: true, condition: isEmpty},
}

func hasValues(c *Column) bool    { return !c.computed && c.Type != JSON }
func isComparable(c *Column) bool { return hasValues(c) && c.members == "" }
func isText(c *Column) bool       { return isComparable(c) && c.Type == Text }
func isNullable(c *Column) bool {
	return !c.computed && c.members == "" && (c.Nullable || c.Type == Text || c.Type == Set)
}
func isOrdered(c *Column) bool {
	switch c.Type {
	case Text, Integer, Decimal, Date, Time:
		return isComparable(c)
	}
	return false
}

// A FilterParam is a filter that a list has.
type FilterParam struct {
	Param    string // name of the parameter
	Column   *Column
	Operator *Operator
}

// IsBoolean reports whether the value of the filter is true or false.
func (f FilterParam) IsBoolean() bool { return f.Operator.isBoolean }

// IsList reports whether the value of the filter is a list with commas.
func (f FilterParam) IsList() bool { return f.Operator.isList }

// Repeats reports whether the parameter may be repeated.
func (f FilterParam) Repeats() bool { return f.Operator.repeats }

// IsExact reports whether the values are those that the column can have.
func (f FilterParam) IsExact() bool { return f.Operator.isExact }

// Filters returns all filters of the list.
func (r *Relation) Filters() []FilterParam {
	var all []FilterParam
	for i := range r.columns {
		for j := range operators {
			param := r.columns[i].Name + operators[j].Suffix
			if operators[j].takes(&r.columns[i]) && !slices.Contains(reserved, param) {
				all = append(all, FilterParam{param, &r.columns[i], &operators[j]})
			}
		}
	}
	for i := range r.members {
		all = append(all, FilterParam{r.members[i].Name, &r.members[i], equals})
	}
	for _, alias := range slices.Sorted(maps.Keys(r.aliases)) {
		i := slices.IndexFunc(all, func(f FilterParam) bool { return f.Param == r.aliases[alias] })
		all = append(all, FilterParam{alias, all[i].Column, all[i].Operator})
	}
	return all
}

// parseFilter parses a parameter that is neither reserved nor ignored.
func (q *Request) parseFilter(
	param string, values []string, path url.Values, ignored []string, errs *problem.FieldErrors,
) {
	r := q.relation
	target := cmp.Or(r.aliases[param], param)
	name, suffix := target, ""
	if at := strings.LastIndex(target, operatorStart); at > 0 {
		name, suffix = target[:at], target[at:]
	}
	column := r.filterColumn(name)
	if column == nil || slices.Contains(reserved, param) {
		errs.Add(problem.Sanitize(param), problem.UnknownName(param, r.paramNames(ignored)))
		return
	}
	j := slices.IndexFunc(operators[:], func(o Operator) bool { return o.Suffix == suffix })
	if j < 0 || !operators[j].takes(column) {
		errs.Add(problem.Sanitize(param), "is unknown; "+column.describeOperators())
		return
	}
	if path.Has(name) && suffix == "" {
		errs.Add(name, "is part of the path; leave it out of the query string")
		return
	}
	if len(values) > 1 && !operators[j].repeats {
		errs.Add(param, "is given more than once")
		return
	}
	if operators[j].isList {
		values = strings.Split(values[0], ",")
	}
	q.addFilter(param, column, &operators[j], values, errs)
}

// describeOperators lists the operators of the column.
func (c *Column) describeOperators() string {
	var names []string
	for i := range operators {
		if operators[i].takes(c) && operators[i].Suffix != "" {
			names = append(names, operators[i].Suffix)
		}
	}
	if c.members != "" {
		return c.Name + " has no operators"
	}
	if len(names) == 0 {
		return c.Name + " has no filters"
	}
	return "operators of " + c.Name + ": " + strings.Join(names, ", ")
}

func (q *Request) addFilter(param string, c *Column, o *Operator, texts []string, errs *problem.FieldErrors) {
	if len(texts) > maxValues {
		errs.Add(param, fmt.Sprintf("must have at most %d values", maxValues))
		return
	}
	f := filter{c, o, make([]string, len(texts))}
	for i, text := range texts {
		var reason string
		if o.isBoolean {
			f.values[i] = text
			if text != "true" && text != "false" {
				reason = "must be true or false"
			}
		} else {
			f.values[i], reason = c.parse(text, o.isExact)
		}
		if reason != "" {
			errs.Add(param, reason)
			return
		}
	}
	q.filters = append(q.filters, f)
}

// isAnyOf compares texts also by their first characters, which are what indexes hold.
func isAnyOf(b *builder, c *Column, values []string) string {
	var params, conditions []string
	if c.members != "" {
		for _, value := range values {
			params = append(params, b.bind(value))
		}
		return fmt.Sprintf("%s IN (SELECT key FROM (\n%s\n) AS member WHERE value IN (%s))",
			c.sql(), c.members, strings.Join(params, ", "))
	}
	for _, value := range values {
		param := b.bind(value)
		params = append(params, param)
		conditions = append(conditions, fmt.Sprintf("%s = %s AND %s = %s",
			c.sql(), param, c.sortSQL(), sortForm(c, param)))
	}
	switch {
	case c.Type == Set:
		return fmt.Sprintf("%s && ARRAY[%s]::integer[]", c.sql(), strings.Join(params, ", "))
	case c.Type == Text:
		return anyOf(conditions)
	case len(params) == 1:
		return c.sql() + " = " + params[0]
	}
	return fmt.Sprintf("%s IN (%s)", c.sql(), strings.Join(params, ", "))
}

func isNoneOf(b *builder, c *Column, values []string) string {
	return "(" + isAnyOf(b, c, values) + ") IS NOT TRUE"
}

// matches returns a condition that compares the search form of a text with a pattern.
func matches(function string) func(b *builder, c *Column, values []string) string {
	return func(b *builder, c *Column, values []string) string {
		return c.matchesSQL(function + "(" + b.bind(values[0]) + ")")
	}
}

// matchesSQL compares the search form of a text with a pattern. An index has only the whole search text of the row, so
// that is compared as well.
func (c *Column) matchesSQL(pattern string) string {
	sql := "search_text(" + c.sql() + ") LIKE " + pattern
	if c.inSearch {
		sql += " AND " + c.source + ".search LIKE " + pattern
	}
	return sql
}

func compares(operator string) func(b *builder, c *Column, values []string) string {
	return func(b *builder, c *Column, values []string) string {
		return fmt.Sprintf("%s %s %s", c.sortSQL(), operator, sortForm(c, b.bind(values[0])))
	}
}

func isEmpty(_ *builder, c *Column, values []string) string {
	empty := c.sql() + " IS NULL"
	switch c.Type {
	case Text:
		empty = fmt.Sprintf("(%s IS NULL OR %s = '')", c.sql(), c.sql())
	case Set:
		empty = fmt.Sprintf("(%s IS NULL OR %s = '{}')", c.sql(), c.sql())
	}
	switch {
	case values[0] == "true":
		return empty
	case c.Type == Text || c.Type == Set:
		return "NOT " + empty
	}
	return c.sql() + " IS NOT NULL"
}

// anyOf joins conditions with OR.
func anyOf(conditions []string) string {
	if len(conditions) == 1 {
		return conditions[0]
	}
	for i, condition := range conditions {
		if strings.Contains(condition, " AND ") {
			conditions[i] = "(" + condition + ")"
		}
	}
	return "(" + strings.Join(conditions, " OR ") + ")"
}
