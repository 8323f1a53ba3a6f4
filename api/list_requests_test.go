package api_test

import (
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"time"

	"labledger/api/relation"
)

// A listRequest is a random request.
type listRequest struct {
	filters []relation.FilterParam
	values  [][]string // of each filter
	words   []string
	sort    []string // names with or without "-"
}

// randomRequest returns a request with up to two filters.
func (o *oracle) randomRequest(random *rand.Rand) (r listRequest) {
	all := o.relation.Filters()
	for range random.IntN(3) {
		f := all[random.IntN(len(all))]
		if slices.ContainsFunc(r.filters, func(other relation.FilterParam) bool { return other.Param == f.Param }) {
			continue
		}
		n := 1
		if f.Repeats() || f.IsList() {
			n += random.IntN(2)
		}
		var values []string
		for range n {
			values = append(values, o.randomValue(f, random))
		}
		r.filters, r.values = append(r.filters, f), append(r.values, values)
	}
	if random.IntN(4) == 0 {
		for range 1 + random.IntN(2) {
			r.words = append(r.words, oracleWords[random.IntN(len(oracleWords))])
		}
	}
	for range random.IntN(4) {
		c := o.relation.Columns()[random.IntN(len(o.relation.Columns()))]
		if c.IsSortable() && !slices.Contains(r.sort, c.Name) && !slices.Contains(r.sort, "-"+c.Name) {
			r.sort = append(r.sort, []string{"", "-"}[random.IntN(2)]+c.Name)
		}
	}
	return r
}

// randomValue returns a value for a filter, mostly one that rows have.
func (o *oracle) randomValue(f relation.FilterParam, random *rand.Rand) string {
	if f.IsBoolean() {
		return []string{"true", "false"}[random.IntN(2)]
	}
	value := o.rows[random.IntN(len(o.rows))][f.Column.Name]
	switch f.Column.Type {
	case relation.Text:
		if value == nil || random.IntN(3) == 0 {
			value = &oracleTexts[random.IntN(len(oracleTexts))]
		}
		runes, from := []rune(*value), 0
		switch f.Operator.Suffix {
		case "__contains":
			from = random.IntN(len(runes) + 1)
			fallthrough
		case "__startswith":
			return string(runes[from : from+min(len(runes)-from, random.IntN(5))])
		}
		return *value
	case relation.Set:
		return []string{"30", "300", "500", "7"}[random.IntN(4)]
	case relation.Time:
		if value == nil || random.IntN(3) == 0 {
			return "2026-02-02"
		}
		return parseTime(*value).Format(time.RFC3339Nano)
	case relation.UUID:
		if value == nil {
			return "C4CA4238-A0B9-2382-0DCC-509A6F75849B"
		}
	case relation.Date:
		if value == nil {
			return "2026-01-02"
		}
	case relation.MAC:
		if value == nil {
			return "0a:0b:0c:00:00:05"
		}
	default:
		if value == nil {
			return "3"
		}
	}
	return *value
}

// validValue returns a value, escaped for a query string, that the rules of the column accept.
func (o *oracle) validValue(f relation.FilterParam, random *rand.Rand) string {
	for {
		value := url.QueryEscape(o.randomValue(f, random))
		if _, err := parseList(o.relation, f.Param+"="+value); err == nil {
			return value
		}
	}
}

// query returns the query string.
func (r listRequest) query() string {
	values := url.Values{}
	for i, f := range r.filters {
		if f.IsList() {
			values.Set(f.Param, strings.Join(r.values[i], ","))
		} else {
			values[f.Param] = r.values[i]
		}
	}
	if len(r.words) > 0 {
		values.Set("q", strings.Join(r.words, " "))
	}
	if len(r.sort) > 0 {
		values.Set("sort", strings.Join(r.sort, ","))
	}
	return values.Encode()
}
