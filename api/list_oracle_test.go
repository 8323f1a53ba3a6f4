package api_test

import (
	"cmp"
	"math/big"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/problem"
	"labledger/api/relation"
	"labledger/internal/pgtest"
)

// A row holds the values of a row in the text format of PostgreSQL; nil is NULL.
type row map[string]*string

// An oracle evaluates requests to a list in Go.
type oracle struct {
	relation *relation.Relation
	plural   string
	key      string         // column of the default order
	rows     []row          // in the default order
	rank     map[string]int // place of a text in the natural order
	texts    []string       // columns that ?q= searches
	names    []string       // columns of referenced rows that it searches
}

// newOracle returns the oracle of a list. Without texts, ?q= searches all texts of the list.
func newOracle(t *testing.T, pool *pgxpool.Pool, plural, key string, texts ...string) *oracle {
	t.Helper()
	o := &oracle{relation: endpointAt(t, plural).List(), plural: plural, key: key, texts: texts}
	all := "fields="
	for i, c := range o.relation.Columns() {
		if i > 0 {
			all += ","
		}
		all += c.Name
		switch {
		case c.Include != "" && (strings.HasSuffix(c.Name, "_name") || c.Name == "container_description"):
			o.names = append(o.names, c.Name)
		case c.Include == "" && c.Type == relation.Text && len(texts) == 0:
			o.texts = append(o.texts, c.Name)
		}
	}
	o.rows = o.run(t, pool, mustParseList(t, o.relation, all).SelectAll(nil, 0))
	o.checkJoins(t, pool)
	candidates := slices.Clone(oracleTexts)
	for _, r := range o.rows {
		for _, value := range r {
			if value != nil {
				candidates = append(candidates, *value)
			}
		}
	}
	o.rank = naturalOrder(t, pool, candidates)
	return o
}

// checkJoins checks the names of referenced rows. Users and containers of events need not exist.
func (o *oracle) checkJoins(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for _, column := range o.names {
		noun := strings.TrimSuffix(column, "_name")
		key, sql := noun+"_id", "SELECT id || '|' || name FROM "+noun
		switch column {
		case "user_display_name":
			key, sql = "user_id", "SELECT id || '|' || coalesce(display_name, username) FROM account"
		case "container_description":
			key = "container_uuid"
			sql = "SELECT uuid || '|' || description FROM container WHERE description IS NOT NULL"
		}
		names := map[string]string{}
		for _, pair := range pgtest.QueryColumn(t, pool, sql) {
			id, name, _ := strings.Cut(pair, "|")
			names[id] = name
		}
		for _, r := range o.rows {
			id, name := r[key], r[column]
			want, exists := names[text(id)]
			if exists != (name != nil) || exists && want != *name {
				t.Errorf("%s: %s of %s is %s", o.plural, column, text(id), text(name))
			}
		}
	}
}

// naturalOrder returns the place of each text in the order of lists, as PostgreSQL compares them.
func naturalOrder(t *testing.T, pool *pgxpool.Pool, texts []string) map[string]int {
	t.Helper()
	ranks := map[string]int{}
	rows, err := pool.Query(t.Context(), `SELECT DISTINCT value,
			dense_rank() OVER (ORDER BY left(value, 100) COLLATE natural_sort)
		FROM unnest($1::text[]) AS value`, texts)
	if err != nil {
		t.Fatal(err)
	}
	var value string
	var rank int
	remember := func() error { ranks[value] = rank; return nil }
	if _, err := pgx.ForEachRow(rows, []any{&value, &rank}, remember); err != nil {
		t.Fatal(err)
	}
	return ranks
}

// run returns the rows of a statement.
func (o *oracle) run(t *testing.T, pool *pgxpool.Pool, s relation.Statement) (all []row) {
	t.Helper()
	readRows(t, pool, s, func(columns []pgconn.FieldDescription, values [][]byte) {
		r := row{}
		for i, value := range values {
			if value != nil {
				r[columns[i].Name] = new(string(value))
			}
		}
		all = append(all, r)
	})
	return all
}

// mustParseList parses a valid query string.
func mustParseList(t *testing.T, r *relation.Relation, raw string) *relation.Request {
	t.Helper()
	q, err := parseList(r, raw)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return q
}

func parseList(r *relation.Relation, raw string) (*relation.Request, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, err
	}
	var errs problem.FieldErrors
	q := r.Parse(values, nil, nil, &errs)
	return q, errs.Err()
}

func text(value *string) string {
	if value == nil {
		return "NULL"
	}
	return *value
}

// fold removes case and accents from the texts of these tests.
func fold(text string) string {
	var folded strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case strings.ContainsRune("åéóïß", r):
			folded.WriteString(map[rune]string{'å': "a", 'é': "e", 'ó': "o", 'ï': "i", 'ß': "ss"}[r])
		case r == 'æ':
			folded.WriteString("ae")
		case r == 'ø':
			folded.WriteByte('o')
		default:
			folded.WriteRune(r)
		}
	}
	return folded.String()
}

// compare compares two values of a column as lists sort them.
func (o *oracle) compare(c *relation.Column, a, b string) int {
	switch c.Type {
	case relation.Text:
		return cmp.Compare(o.rank[a], o.rank[b])
	case relation.Integer, relation.Decimal:
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		return x.Cmp(y)
	case relation.Time:
		return parseTime(a).Compare(parseTime(b))
	}
	return cmp.Compare(strings.ToLower(a), strings.ToLower(b))
}

func parseTime(text string) time.Time {
	for _, layout := range []string{"2006-01-02 15:04:05.999999999-07", time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	panic(text)
}

// matches reports whether a value passes a filter.
func (o *oracle) matches(f relation.FilterParam, value *string, wanted []string) bool {
	isAny := func() bool {
		return value != nil && slices.ContainsFunc(wanted, func(w string) bool {
			switch f.Column.Type {
			case relation.Set:
				return slices.Contains(strings.Split(strings.Trim(*value, "{}"), ","), w)
			case relation.Text:
				return *value == w
			}
			return o.compare(f.Column, *value, w) == 0
		})
	}
	switch f.Operator.Suffix {
	case "", "__in":
		return isAny()
	case "__not":
		return !isAny()
	case "__empty":
		isEmpty := value == nil || *value == "" && f.Column.Type == relation.Text || *value == "{}"
		return isEmpty == (wanted[0] == "true")
	}
	if value == nil {
		return false
	}
	switch f.Operator.Suffix {
	case "__contains":
		return strings.Contains(fold(*value), fold(wanted[0]))
	case "__startswith":
		return strings.HasPrefix(fold(*value), fold(wanted[0]))
	}
	order := o.compare(f.Column, *value, wanted[0])
	switch f.Operator.Suffix {
	case "__gt":
		return order > 0
	case "__gte":
		return order >= 0
	case "__lt":
		return order < 0
	case "__lte":
		return order <= 0
	}
	panic("the oracle does not know " + f.Param)
}

var notHexRE = regexp.MustCompile(`^urn:uuid:|[-:.{}]`)

// occurs reports whether a word of ?q= occurs in a row.
func (o *oracle) occurs(r row, word string, alone bool) bool {
	for _, name := range slices.Concat(o.texts, o.names) {
		if r[name] != nil && strings.Contains(fold(*r[name]), fold(word)) {
			return true
		}
	}
	digits := notHexRE.ReplaceAllString(strings.ToLower(word), "")
	isHex := len(digits) >= 4 && strings.Trim(digits, "0123456789abcdef") == ""
	for _, c := range o.relation.Columns() {
		if r[c.Name] == nil || c.Include != "" {
			continue
		}
		found := false
		switch hex := notHexRE.ReplaceAllString(*r[c.Name], ""); {
		case c.Type == relation.UUID:
			found = isHex && strings.HasPrefix(hex, digits)
		case c.Type == relation.MAC:
			found = isHex && strings.Contains(hex, digits) || strings.Contains(*r[c.Name], fold(word))
		case c.Name == o.key && alone:
			found = *r[c.Name] == word
		}
		if found {
			return true
		}
	}
	return false
}

// answer returns the keys of the rows that a request finds, in order.
func (o *oracle) answer(r listRequest) []string {
	var found []row
	for _, candidate := range o.rows {
		ok := true
		for i, f := range r.filters {
			values := r.values[i]
			if f.IsList() {
				values = strings.Split(strings.Join(values, ","), ",")
			}
			ok = ok && o.matches(f, candidate[f.Column.Name], values)
		}
		for _, word := range r.words {
			ok = ok && o.occurs(candidate, word, len(r.words) == 1)
		}
		if ok {
			found = append(found, candidate)
		}
	}
	columns := o.relation.Columns()
	terms := slices.Clone(r.sort)
	if len(terms) > 0 && strings.HasPrefix(terms[len(terms)-1], "-") {
		terms = append(terms, "-"+o.key)
	} else {
		terms = append(terms, o.key)
	}
	slices.SortStableFunc(found, func(a, b row) int {
		for _, signed := range terms {
			name, descending := strings.CutPrefix(signed, "-")
			i := slices.IndexFunc(columns, func(c relation.Column) bool { return c.Name == name })
			order := 0
			switch x, y := a[name], b[name]; {
			case x == nil && y == nil:
			case x == nil:
				return 1
			case y == nil:
				return -1
			default:
				order = o.compare(&columns[i], *x, *y)
			}
			if order != 0 && descending {
				return -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
	return o.keys(found)
}

// keys returns the keys of rows.
func (o *oracle) keys(rows []row) []string {
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = *r[o.key]
	}
	return keys
}
