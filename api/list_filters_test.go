package api_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/relation"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

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
		newOracle(t, pool, "computers", "id", "name"), newOracle(t, pool, "checkouts", "id", "purpose"),
		newOracle(t, pool, "containers", "id", "description", "barcode", "kind", "type", "owner", "project"),
		newOracle(t, pool, "stocktakes", "id", "note"),
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
