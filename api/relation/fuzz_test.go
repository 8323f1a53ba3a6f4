package relation

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// tokenRE matches a token of SQL.
var tokenRE = regexp.MustCompile(
	`^(?:\s+|(?:E|U&)?'[^']*'|[A-Za-z_][A-Za-z_0-9]*|\$[0-9]+|[0-9]+|::|&&|\|\||[<>]=?|[=(),.*\[\]-])`)

// wordsOf returns the words that may be in the SQL of a relation: those of its statements and columns, and others.
func wordsOf(r *Relation) map[string]bool {
	words := map[string]bool{}
	wordRE := regexp.MustCompile(`\w+|'[^']*'`)
	add := func(text string) {
		for _, word := range wordRE.FindAllString(text, -1) {
			words[word] = true
		}
	}
	add(`SELECT FROM WHERE AND OR NOT IN IS NULL TRUE ANY ARRAY LIKE BETWEEN LEFT JOIN ON AS ORDER BY DESC NULLS FIRST
		LAST UNION ALL LIMIT OFFSET COLLATE EXPLAIN FORMAT JSON FOR UPDATE OF list page last count false left 100 0 1
		natural_sort coalesce integer text search_text contains_pattern prefix_pattern concat_ws replace search
		settled DISTINCT CASE WHEN THEN ELSE END CROSS EXISTS OVER least length best found folded key match name WITH
		MATERIALIZED matching alternative 2 3 4 7 11 36 10000 '' '{}' ':' LATERAL changed_1 changed_2 repeat 101
		site_as_of site_past freezer_as_of freezer_past since until
		9223372036854775807 9223372036854775808`)
	words[`E'\n'`], words[`U&'\FFFF'`] = true, true
	add(r.statement)
	for _, c := range r.hidden {
		add(c.Name)
	}
	for i := range r.columns {
		add(r.columns[i].Name + " sort_" + strconv.Itoa(i+1))
	}
	for _, j := range r.joins {
		add(j.alias + " " + j.target.statement + " " + j.target.label.origin + " " + j.key.origin)
	}
	return words
}

// checkStatement reports a test error unless a statement consists of known words and uses each of its arguments.
func checkStatement(t *testing.T, r *Relation, words map[string]bool, raw string, s Statement) {
	t.Helper()
	used := map[int]bool{}
	sql := strings.TrimPrefix(s.SQL, "-- name: "+r.name+" :many\n")
	for sql != "" {
		token := tokenRE.FindString(sql)
		if token == "" {
			t.Fatalf("%q: no SQL of this package: %.60q in\n%s", raw, sql, s.SQL)
		}
		sql = sql[len(token):]
		switch c := token[0]; {
		case c == '$':
			n, _ := strconv.Atoi(token[1:])
			used[n] = true
		case c >= '0' && !words[token] && strings.Trim(token, " \n=<>:&|()[],.*-") != "":
			t.Fatalf("%q: the unknown word %s in\n%s", raw, token, s.SQL)
		}
	}
	for n := range len(s.Args) {
		if !used[n+1] {
			t.Errorf("%q: no use of $%d in\n%s", raw, n+1, s.SQL)
		}
		delete(used, n+1)
	}
	if len(used) > 0 {
		t.Errorf("%q: %d arguments, but also %v in\n%s", raw, len(s.Args), used, s.SQL)
	}
}

// statements returns all statements of a request.
func statements(q *Request) []Statement {
	args := argsOf(q.relation)
	all := []Statement{
		q.Select(args, 11, 0), q.Select(args, 11, 5), q.SelectAll(args, 0), q.SelectAll(args, 5),
		q.Count(args), q.Explain(args),
	}
	if q.relation.params == 0 {
		all = append(all, q.Lock("id", 11))
	}
	if names, needed := q.Names(); needed {
		all = append(all, names)
		found := slices.Repeat([]string{"{}", "{1,2}"}, names.Columns) // more than needed
		q.SetNames(found)
		all = append(all, q.Select(args, 11, 0), q.Count(args))
	}
	return append(append(all, pastStatements(q)...), searchStatements(q)...)
}

// pastStatements returns the statements of a request for the past, if the list is one of the register.
func pastStatements(q *Request) []Statement {
	if q.relation.origin() == "" {
		return nil
	}
	past := *q
	past.words = slices.Clone(q.words)
	past.SetAsOf("2026-11-30T08:00:00Z")
	all := []Statement{
		past.Select(nil, 11, 0), past.Select(nil, 11, 5), past.SelectAll(nil, 0), past.SelectAll(nil, 5),
		past.Count(nil), past.Explain(nil),
	}
	if names, needed := past.Names(); needed {
		all = append(all, names)
		past.SetNames(slices.Repeat([]string{"{}"}, names.Columns))
		all = append(all, past.Select(nil, 11, 0))
	}
	return all
}

// searchStatements returns the statements of a search for the words of a request.
func searchStatements(q *Request) (all []Statement) {
	if len(q.words) == 0 || q.relation.params > 0 {
		return nil
	}
	s := &Search{}
	for _, w := range q.words {
		s.Words, s.Patterns = append(s.Words, w.text), append(s.Patterns, "%"+w.text+"%")
	}
	s.Text = strings.Join(s.Words, " ")
	s.Folded, s.Prefix = s.Text, s.Text+"%"
	search := q.relation.Search(s)
	if names, needed := search.Names(); needed {
		all = append(all, names)
		search.SetNames(slices.Repeat([]string{"{1" + strings.Repeat(",1", maxNames) + "}", "{1,2}"}, names.Columns))
	}
	if best, ok := search.Best(7); ok {
		all = append(all, best)
	}
	return append(all, search.Explain(nil), search.CountUpTo(7))
}

// otherValues are values for the filters of a column, by its type.
var otherValues = map[Type]string{
	Text: "tube", Integer: "42", Decimal: "4.2", Date: "2001-02-03", Time: "2001-02-03T04:05:06Z", Boolean: "true",
	UUID: "99999999-9999-9999-9999-999999999999", MAC: "09:09:09:09:09:09", Set: "42",
}

// withOtherValues returns the parameters of a valid request with other values. The order, the columns and the number
// of values remain, and what kinds of words q has.
func withOtherValues(q *Request, values url.Values) url.Values {
	changed := maps.Clone(values)
	for _, f := range q.relation.Filters() {
		given := values[f.Param]
		switch other := otherValues[f.Column.Type]; {
		case len(given) == 0 || f.IsBoolean():
		case f.IsList():
			changed[f.Param] = []string{other + strings.Repeat(","+other, strings.Count(given[0], ","))}
		default:
			changed[f.Param] = slices.Repeat([]string{other}, len(given))
		}
	}
	if text := values.Get(queryParam); values.Has(queryParam) && !strings.Contains(strings.ToLower(text), "urn:") {
		changed.Set(queryParam, strings.Map(nextRune, text))
	}
	for _, param := range []string{afterParam, beforeParam} {
		if values.Has(param) {
			changed.Set(param, otherCursor(q))
		}
	}
	return changed
}

// nextRune returns another letter or digit of the same kind.
func nextRune(r rune) rune {
	for _, bounds := range []string{"09", "af", "gz", "AF", "GZ"} {
		if first, last := rune(bounds[0]), rune(bounds[1]); first <= r && r <= last {
			return first + (r-first+1)%(last-first+1)
		}
	}
	return r
}

// otherCursor returns a cursor with NULL in the same places.
func otherCursor(q *Request) string {
	var values [][]byte
	for i, t := range q.terms {
		switch {
		case isLookedUp(t.column):
		case q.cursor[i] == nil:
			values = append(values, nil)
		default:
			values = append(values, []byte(otherValues[t.column.Type]))
		}
	}
	return Cursor(values)
}

// FuzzParse parses query strings. No text of a client is in SQL: it consists of known words and is the same for other
// values.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "name=x'%3B--&kind=box&kind__not=tube&freezer_id__in=1,2&rank__gt=1&amount__lte=1.5", "q=Box+2+deadbeef+12",
		"q=08:00:2b&sort=-site_name,rank,uuid", "fields=name,site_id&include=site,freezer&sort=due_on",
		"sort=name&after=%5B%22x%22,%22123e4567-e89b-12d3-a456-426614174000%22%5D", "site_name=x&site_id=3",
		"sort=name,-at&before=%5Bnull,%222026-01-02+03:04:05.6%2B00%22,%22123e4567-e89b-12d3-a456-426614174000%22%5D",
		"sealed=true&sort=sealed&after=%5B%22t%22,%22123e4567-e89b-12d3-a456-426614174000%22%5D", "facts=1&limit__gt=1",
		"name__contains=%25&name__startswith=_&name__empty=false&at__gte=2026-01-01&due_on__empty=true",
		"codes=1&codes__not=2&codes__empty=true", "%ff=%00&;=1&q=%00", "site_name__gt=a&q=x", "fields=name'",
		"q=boxes+harbour+minus+serum",
		"sort=-id&after=3", "name);DROP+TABLE+site=1", "sort=name;DROP", "limit=1&offset=2&format=csv&count=exact&view=1",
	} {
		f.Add(seed)
	}
	samples, freezers, sites := newRelations()
	changes := newChanges()
	relations := map[*Relation]map[string]bool{
		samples: wordsOf(samples), freezers: wordsOf(freezers), sites: wordsOf(sites), changes: wordsOf(changes),
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for r, words := range relations {
			q, errs := parse(r, raw)
			for _, e := range errs {
				if !utf8.ValidString(e.Field) || !utf8.ValidString(e.Message) || strings.HasSuffix(e.Message, ": ") {
					t.Errorf("%q: the error %q %q", raw, e.Field, e.Message)
				}
			}
			if len(errs) > 0 {
				continue
			}
			values, _ := url.ParseQuery(raw)
			changed := withOtherValues(q, values).Encode()
			other, errs := parse(r, changed)
			if len(errs) > 0 {
				t.Fatalf("%q: changed to %q: %v", raw, changed, errs)
			}
			others := statements(other)
			for i, s := range statements(q) {
				checkStatement(t, r, words, raw, s)
				if s.SQL != others[i].SQL {
					t.Errorf("%q: got the SQL\n%s\nbut for %q\n%s", raw, s.SQL, changed, others[i].SQL)
				}
			}
		}
	})
}

// FuzzCursor decodes cursors: those of rows as they were, and others without a panic.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{
		"", "x", `["x","1"]`, `[null,"1"]`, `[null,null]`, "[1,2]", `["a",2]`, "é\x00", "\xff", "[[]]", `["\ud800","1"]`,
	} {
		f.Add(seed, int64(7), seed == "x", false)
	}
	samples, _, sites := newRelations()
	f.Fuzz(func(t *testing.T, text string, number int64, null, before bool) {
		param := afterParam
		if before {
			param = beforeParam
		}
		for _, order := range []string{"", "name", "-name,due_on", "sealed,at,amount"} {
			values := url.Values{param: {text}, sortParam: {order}}
			if order == "" {
				values.Del(sortParam)
			}
			q, errs := parse(samples, values.Encode())
			if q.HasCursor() == errs.Has(param) || q.HasCursor() && len(q.cursor) != len(q.terms) {
				t.Errorf("%s=%q in order %q: %v, cursor %v", param, text, order, errs, q.cursor)
			}
		}
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return // no text of PostgreSQL
		}
		row := [][]byte{[]byte(text), []byte(strconv.FormatInt(int64(int32(number)), 10)), []byte(otherValues[UUID])}
		if null {
			row[0] = nil
		}
		cursor := Cursor(row)
		q := mustParse(t, samples, url.Values{sortParam: {"name,rank"}, param: {cursor}}.Encode())
		for i, want := range row {
			if got := q.cursor[i]; (got == nil) != (want == nil) || got != nil && *got != string(want) {
				t.Errorf("%s was decoded as %s", cursor, asJSON(q.cursor))
			}
		}
		q = mustParse(t, sites, param+"="+Cursor(row[1:2]))
		if got := fmt.Sprint(*q.cursor[0]); got != string(row[1]) {
			t.Errorf("%s was decoded as %s", row[1], got)
		}
	})
}

func asJSON(value any) string {
	text, _ := json.Marshal(value) // only strings
	return string(text)
}
