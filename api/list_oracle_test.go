package api_test

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/problem"
	"labledger/api/relation"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// oracleTexts are texts of rows and of filters.
var oracleTexts = []string{
	"Box 2", "Box 10", "box 2", "Bóx 2", "BOX 2", "Box 02", "Box  2", "Straße", "STRASSE", "Ærø", "aero", "100%", "a_b",
	"aXb", `back\slash`, "Ωmega", "ωMEGA", "7", "10", "2", " spaced", "tab\tx", "quote'\"", "é", "e\u0301", "naïve",
	"line\nx", "box 🧊 2", "a,b", "$1", "%", strings.Repeat("A", 120) + "x", strings.Repeat("A", 120) + "y",
	strings.Repeat("A", 99), strings.Repeat("A", 100), strings.Repeat("A", 101), strings.Repeat("é", 100) + "1",
	strings.Repeat("é", 100) + "2",
}

// oracleWords are words of ?q=.
var oracleWords = []string{
	"box", "BÓX", "2", "10", "x", "strasse", "ß", "ærø", "%", "_", `\`, "ω", "7", "é", "aaa", "🧊", "nothing", "ann",
	"deposit", "0a:", "0a-0b", "00000000-0000-7000-8000-000000000003", "0000", "c4ca4238", "'", "99999999999999999",
}

// oracleRows are random rows. Few texts and numbers make many of their values equal.
func oracleRows(t *testing.T, pool *pgxpool.Pool, random *rand.Rand) {
	t.Helper()
	for _, table := range []string{"todo", "container", "freezer", "computer", "site"} {
		pgtest.Exec(t, pool, "DELETE FROM "+table)
	}
	pgtest.Exec(t, pool, "ALTER TABLE todo DISABLE TRIGGER USER") // there are no alerts
	text := func() string { return oracleTexts[random.IntN(len(oracleTexts))] }
	maybe := func(value any) any {
		if random.IntN(3) == 0 {
			return nil
		}
		return value
	}
	day := func() string { return fmt.Sprintf("2026-0%d-0%d", 1+random.IntN(2), 1+random.IntN(3)) }
	for i := range 6 {
		pgtest.Exec(t, pool, "INSERT INTO site (id, name, country) VALUES ($1, $2, $3)",
			i+1, text(), maybe([]string{"", text()}[random.IntN(2)]))
		pgtest.Exec(t, pool, "INSERT INTO freezer (id, name, site_id) VALUES ($1, $2, $3)", i+1, text(), 1+random.IntN(i+1))
	}
	for i := range 40 {
		mac := maybe(fmt.Sprintf("0a:0b:0c:00:00:%02x", i))
		pgtest.Exec(t, pool, "INSERT INTO computer (name, mac, site_id) VALUES ($1, $2::text::macaddr, $3)",
			text(), mac, 1+random.IntN(6))
		pgtest.Exec(t, pool, "INSERT INTO container (uuid, description, freezer_id) VALUES (md5($1)::uuid, $2, $3)",
			strconv.Itoa(i), maybe([]string{"", text()}[random.IntN(2)]), 1+random.IntN(6))
		pgtest.Exec(t, pool, `INSERT INTO todo (description, status, assignee, due_on, site_id, freezer_id, alert_id,
				created_at)
			VALUES ($1, $2, $3, $4::text::date, $5, $6, md5($7)::uuid, $8::text::timestamptz)`,
			text(), []string{"open", "done", "Dóne"}[random.IntN(3)], maybe([]string{"", "ann", "Bob"}[random.IntN(3)]),
			maybe(day()), maybe(1+random.IntN(6)), maybe(1+random.IntN(6)), maybe(strconv.Itoa(random.IntN(3))),
			day()+" 0"+strconv.Itoa(random.IntN(3))+":00:00.5Z")
		codes, alert := "{}", any(nil)
		if random.IntN(2) == 0 {
			codes = []string{"{30}", "{300,30}", "{500}"}[random.IntN(3)]
			alert = fmt.Sprintf("00000000-0000-7000-9000-%012d", i)
		}
		pgtest.Exec(t, pool, `INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts,
				alert_codes, alert_id, created_at, actor)
			VALUES ($1, $2::text::uuid, $3, $4::text::numeric, $5, 100, 'low', 1, '{}', $6::text::integer[], $7::text::uuid,
				$8::text::timestamptz, $9)`,
			random.IntN(4), fmt.Sprintf("00000000-0000-7000-8000-%012d", i), []string{"deposit", "withdraw"}[random.IntN(2)],
			[]string{"1.00", "2.50", "10.00", "9.99"}[random.IntN(4)], random.IntN(5), codes, alert,
			day()+" 00:00:00Z", text())
		if random.IntN(3) == 0 {
			pgtest.Exec(t, pool, `INSERT INTO event_void (user_id, id, event_id, reason, created_at, actor)
				SELECT user_id, gen_random_uuid(), id, 'wrong', now(), 'me' FROM event WHERE id = $1::text::uuid`,
				fmt.Sprintf("00000000-0000-7000-8000-%012d", i))
		}
	}
}

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
		case c.Include != "" && strings.HasSuffix(c.Name, "_name"):
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

// checkJoins checks the names of referenced rows.
func (o *oracle) checkJoins(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for _, column := range o.names {
		noun := strings.TrimSuffix(column, "_name")
		names := map[string]string{}
		for _, pair := range pgtest.QueryColumn(t, pool, "SELECT id || '|' || name FROM "+noun) {
			id, name, _ := strings.Cut(pair, "|")
			names[id] = name
		}
		for _, r := range o.rows {
			id, name := r[noun+"_id"], r[column]
			if (id == nil) != (name == nil) || id != nil && names[*id] != *name {
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
		case strings.ContainsRune("éóïß", r):
			folded.WriteString(map[rune]string{'é': "e", 'ó': "o", 'ï': "i", 'ß': "ss"}[r])
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
		if c.Type.IsSortable() && !slices.Contains(r.sort, c.Name) && !slices.Contains(r.sort, "-"+c.Name) {
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

// setting returns an integer from the environment, or a default.
func setting(t *testing.T, variable string, byDefault int64) int64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return byDefault
	}
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestLists_agreeWithOracle: random requests find the rows that an evaluation in Go finds, in the same order, as one
// result as well as page by page in both directions.
func TestLists_agreeWithOracle(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	seed := setting(t, "LIST_SEED", time.Now().UnixNano())
	t.Log("LIST_SEED =", seed)
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	oracleRows(t, pool, random)
	oracles := []*oracle{
		newOracle(t, pool, "todos", "id", "description", "assignee"), newOracle(t, pool, "events", "id"),
		newOracle(t, pool, "computers", "id", "name"), newOracle(t, pool, "containers", "id", "description"),
	}
	h := apitest.NewPublic(pool)
	count, empty, rejected := setting(t, "LIST_REQUESTS", 2000), int64(0), int64(0)
	for i := range count {
		o := oracles[random.IntN(len(oracles))]
		r := o.randomRequest(random)
		q, err := parseList(o.relation, r.query())
		if err != nil { // a value that the rules of the column exclude
			rejected++
			continue
		}
		if i%2 == 0 {
			setNames(t, pool, q)
		}
		want := o.answer(r)
		if len(want) == 0 {
			empty++
		}
		if got := o.keys(o.run(t, pool, q.SelectAll(nil, 0))); !slices.Equal(got, want) {
			t.Fatalf("%s?%s: got %s, want %s\n%s", o.plural, r.query(), got, want, q.SelectAll(nil, 0).SQL)
		}
		if total := o.run(t, pool, q.Count(nil)); text(total[0]["count"]) != strconv.Itoa(len(want)) {
			t.Fatalf("%s?%s: the count is %s, want %d", o.plural, r.query(), text(total[0]["count"]), len(want))
		}
		if i%4 == 0 {
			o.walk(t, pool, r.query(), want, int64(1+len(want)/(1+random.IntN(8))))
		}
		if i%50 == 0 {
			o.walkOverHTTP(t, h, r.query(), want, 1+len(want)/(1+random.IntN(4)))
		}
	}
	if empty > count*3/4 || rejected > count/4 {
		t.Errorf("of %d requests, %d found no row and %d were rejected; the test proves little", count, empty, rejected)
	}
}

// walk reads all pages of a request, first forward and then backward.
func (o *oracle) walk(t *testing.T, pool *pgxpool.Pool, query string, want []string, limit int64) {
	t.Helper()
	forward, cursor := o.follow(t, pool, query, "after", "", limit)
	if !slices.Equal(forward, want) {
		t.Fatalf("%s?%s: pages of %d have %s, want %s", o.plural, query, limit, forward, want)
	}
	if len(want) == 0 {
		return
	}
	backward, _ := o.follow(t, pool, query, "before", cursor, limit)
	slices.Reverse(backward)
	if !slices.Equal(backward, want[:len(want)-1]) {
		t.Fatalf("%s?%s: pages of %d before the last row have %s, want %s", o.plural, query, limit, backward, want)
	}
}

// follow returns the keys in all pages after or before a cursor, as they arrive, and the cursor of the last row.
func (o *oracle) follow(
	t *testing.T, pool *pgxpool.Pool, query, param, cursor string, limit int64,
) (all []string, last string) {
	t.Helper()
	for {
		raw := query
		if cursor != "" {
			raw += "&" + param + "=" + url.QueryEscape(cursor)
		}
		q := mustParseList(t, o.relation, raw)
		setNames(t, pool, q)
		keys, cursors := o.runPage(t, pool, q.Select(nil, limit, 0))
		all = append(all, keys...)
		if len(keys) > 0 {
			cursor = cursors[len(cursors)-1]
		}
		if int64(len(keys)) < limit || len(all) > len(o.rows) {
			return all, cursor
		}
	}
}

// runPage returns the keys and the cursors of a page. The page has the key, because no request chooses its columns.
func (o *oracle) runPage(t *testing.T, pool *pgxpool.Pool, s relation.Statement) (keys, cursors []string) {
	t.Helper()
	readRows(t, pool, s, func(columns []pgconn.FieldDescription, values [][]byte) {
		for i, column := range columns[:s.Columns] {
			if column.Name == o.key {
				keys = append(keys, string(values[i]))
			}
		}
		var cursor [][]byte
		for _, i := range s.Cursor {
			cursor = append(cursor, values[i])
		}
		cursors = append(cursors, relation.Cursor(cursor))
	})
	return keys, cursors
}

var linkRE = regexp.MustCompile(`<([^>]+)>; rel="(next|prev)"`)

// links returns the URLs of the pages beside a page.
func links(header http.Header) map[string]string {
	all := map[string]string{}
	for _, match := range linkRE.FindAllStringSubmatch(header.Get("Link"), -1) {
		all[match[2]] = match[1]
	}
	return all
}

// fetchPage returns the keys of a page, and the links to the pages beside it.
func (o *oracle) fetchPage(t *testing.T, h http.Handler, target string) (keys []string, pages map[string]string) {
	t.Helper()
	w := apitest.Do(h, "GET", target, "")
	var rows []map[string]any
	decoder := json.NewDecoder(w.Body)
	decoder.UseNumber()
	if err := decoder.Decode(&rows); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s: %d, %v", target, w.Code, err)
	}
	for _, r := range rows {
		keys = append(keys, fmt.Sprint(r[o.key]))
	}
	return keys, links(w.Header())
}

// walkOverHTTP follows the links of all pages forward and back, and compares them with the CSV export.
func (o *oracle) walkOverHTTP(t *testing.T, h http.Handler, query string, want []string, limit int) {
	t.Helper()
	path := "/api/v1/" + o.plural + "?" + query
	w := apitest.Do(h, "GET", path+"&format=csv&fields="+o.key, "")
	lines, err := csv.NewReader(w.Body).ReadAll()
	if err != nil || w.Code != http.StatusOK || len(lines) == 0 {
		t.Fatalf("%s: %d, %v", path, w.Code, err)
	}
	var exported []string
	for _, line := range lines[1:] {
		exported = append(exported, line[0])
	}
	if !slices.Equal(exported, want) {
		t.Fatalf("%s: the export has %s, want %s", path, exported, want)
	}
	var forward, backward []string
	target, last := path+"&limit="+strconv.Itoa(limit), ""
	for target != "" {
		keys, pages := o.fetchPage(t, h, target)
		forward, last, target = append(forward, keys...), target, pages["next"]
	}
	for target = last; target != ""; {
		keys, pages := o.fetchPage(t, h, target)
		backward, target = append(keys, backward...), pages["prev"]
	}
	if !slices.Equal(forward, want) || !slices.Equal(backward, want) {
		t.Fatalf("%s, %d rows each page: got %s forward and %s backward, want %s", path, limit, forward, backward, want)
	}
}

// TestFilters_partitionRows: the rows that pass a filter, those that pass its opposite, and those without a value are
// all rows, and no row is in two of the parts.
func TestFilters_partitionRows(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	random := rand.New(rand.NewPCG(1, 0))
	oracleRows(t, pool, random)
	for _, plural := range []string{"todos", "events", "computers", "containers"} {
		o := newOracle(t, pool, plural, "id")
		filters := o.relation.Filters()
		has := func(param string) bool {
			return slices.ContainsFunc(filters, func(f relation.FilterParam) bool { return f.Param == param })
		}
		for _, f := range filters {
			name := f.Column.Name
			value := o.validValue(f, random)
			var parts []string
			switch f.Operator.Suffix {
			case "":
				parts = []string{name + "=" + value, name + "__not=" + value}
			case "__gt":
				parts = []string{name + "__gt=" + value, name + "__lte=" + value}
			case "__lt":
				parts = []string{name + "__lt=" + value, name + "__gte=" + value}
			case "__empty":
				parts = []string{name + "__empty=true", name + "__empty=false"}
			default:
				continue
			}
			isComparison := f.Operator.Suffix == "__gt" || f.Operator.Suffix == "__lt"
			if isComparison && has(name+"__empty") && f.Column.Type != relation.Text {
				parts = append(parts, name+"__empty=true")
			}
			nulls := 0 // texts that are null pass no comparison, but empty ones do
			for _, r := range o.rows {
				if isComparison && f.Column.Type == relation.Text && r[name] == nil {
					nulls++
				}
			}
			seen := map[string]string{}
			for _, part := range parts {
				q, err := parseList(o.relation, part)
				if err != nil {
					t.Fatalf("%s?%s: %v", plural, part, err)
				}
				for _, key := range o.keys(o.run(t, pool, q.SelectAll(nil, 0))) {
					if seen[key] != "" {
						t.Errorf("%s: row %s passes %s and %s", plural, key, seen[key], part)
					}
					seen[key] = part
				}
			}
			if len(seen)+nulls != len(o.rows) {
				t.Errorf("%s: %d rows pass one of %s, want %d of %d", plural, len(seen), parts, len(o.rows)-nulls, len(o.rows))
			}
		}
	}
}
