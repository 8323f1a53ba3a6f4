package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"labledger/api/problem"
	"labledger/api/relation"
	"labledger/db"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// searchIDs returns the IDs of at most 50 rows of a list that a search finds, best first, and their number.
func searchIDs(t testing.TB, h http.Handler, noun, text string) (ids []int64, total string) {
	t.Helper()
	w := apitest.Do(h, "GET", "/api/v1/search?limit=50&noun="+noun+"&q="+url.QueryEscape(text), "")
	var groups []struct {
		Total     int
		TotalKind string `json:"total_kind"`
		Rows      []struct{ ID int64 }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &groups); err != nil {
		t.Fatalf("%q: %d %s", text, w.Code, w.Body)
	}
	for _, group := range groups {
		total = fmt.Sprint(group.TotalKind, " ", group.Total)
		for _, row := range group.Rows {
			ids = append(ids, row.ID)
		}
	}
	return ids, total
}

// Every form of a name finds it: its words in any order, another case, another normal form, without accents.
func TestSearch_formsOfName(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	stripAccents := func(text string) string {
		return strings.Map(func(r rune) rune {
			if r >= 0x300 && r <= 0x36f {
				return -1
			}
			return r
		}, norm.NFD.String(text))
	}
	rapid.Check(t, func(rt *rapid.T) {
		word := rapid.StringMatching(`[a-zA-Zàëéñøžåß0-9%_\\'-]{1,8}`)
		words := rapid.SliceOfN(word, 1, 4).Draw(rt, "words")
		name := strings.Join(words, " ")
		id := pgtest.QueryValue[int64](t, pool, "INSERT INTO site (name) VALUES ($1) RETURNING id", name)
		change := rapid.SampledFrom([]func(string) string{
			strings.ToUpper, strings.ToLower, norm.NFC.String, norm.NFD.String, stripAccents,
		}).Draw(rt, "change")
		text := change(strings.Join(rapid.Permutation(words).Draw(rt, "order"), " "))
		if ids, _ := searchIDs(t, h, "sites", text); len(ids) < 50 && !slices.Contains(ids, id) {
			rt.Errorf("%q does not find %q, but %v", text, name, ids)
		}
		pgtest.Exec(t, pool, "DELETE FROM site WHERE id = $1", id)
		if ids, _ := searchIDs(t, h, "sites", text); slices.Contains(ids, id) {
			rt.Errorf("%q finds a deleted site", text)
		}
	})
}

func TestSearch_literalWildcards(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	pgtest.Exec(t, pool, "INSERT INTO site (name) VALUES ('100%_cold\\')")
	for text, found := range map[string]bool{
		`100%_cold\`: true, `%_`: true, `d\`: true, `100_`: false, `1%0`: false, `c_ld`: false, `\d`: false,
	} {
		if ids, _ := searchIDs(t, h, "sites", text); (len(ids) == 1) != found {
			t.Errorf("%q finds %v, want a match: %v", text, ids, found)
		}
	}
}

// TestSearch_shortWords: words of one or two characters, which have no trigram, find containers as other words do.
func TestSearch_shortWords(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	const uuid = "abcd0000-0000-4000-8000-000000000001"
	pgtest.Exec(t, pool, "INSERT INTO container (uuid, freezer_id, description) VALUES ($1, 1, 'Rack Ä5, box 7')", uuid)
	for text, want := range map[string]int{
		"a5": 1, "7 5": 1, "Ä": 1, "ab cd": 1, "ab cd 00": 1, "rack": 1, "abcd": 1, "b5": 0, "7 8": 0, "cd ab": 0,
		"---": 0,
	} {
		if ids, _ := searchIDs(t, h, "containers", text); len(ids) != want {
			t.Errorf("%q finds %v, want %d containers", text, ids, want)
		}
	}
}

// TestSearch_order: with more matches than a search compares, the rows whose names begin with the text still come
// first, and of these, the name that is the text.
func TestSearch_order(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	pgtest.Exec(t, pool, `INSERT INTO site (id, name)
		SELECT 1000 + n, 'Old quoll ' || n FROM generate_series(1, 3000) AS n`)
	pgtest.Exec(t, pool, `INSERT INTO site (id, name) VALUES (9001, 'Quoll lair'), (9002, 'QUOLL'), (9003, 'Quoll 10'),
		(9004, 'Quoll 9'), (9005, 'Quòlls'), (9006, 'A hut')`)
	pgtest.Exec(t, pool, "UPDATE site SET contact = 'Q. Quoll' WHERE id = 9006")
	ids, total := searchIDs(t, h, "sites", "quoll")
	if want := []int64{9002, 9005, 9004, 9003, 9001}; !slices.Equal(ids[:5], want) || !strings.HasPrefix(total, "estimated ") {
		t.Errorf("got %v of %s, want first %v of an estimated number", ids[:5], total, want)
	}
	ids, total = searchIDs(t, h, "sites", "quoll 2999 old")
	if !slices.Equal(ids, []int64{3999}) || total != "exact 1" {
		t.Errorf("got %v of %s, want the site 3999", ids, total)
	}
	if ids, _ = searchIDs(t, h, "sites", "q. quoll"); !slices.Equal(ids, []int64{9006}) {
		t.Errorf("got %v, want the site of that contact", ids)
	}
	if _, total = searchIDs(t, h, "sites", "quoll 29"); total != "exact 159" { // 29, 129, …, 290, 291, …, 2999
		t.Errorf("got a total of %s, want exactly 159", total)
	}
	if ids, _ = searchIDs(t, h, "sites", "3999"); !slices.Equal(ids, []int64{3999}) {
		t.Errorf("got %v, want the site of that ID", ids)
	}
}

// TestSearch_manyNames: words find the containers in many freezers of that name, in a search as well as in the list.
func TestSearch_manyNames(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	pgtest.Exec(t, pool, `INSERT INTO freezer (id, name, site_id)
		SELECT n, 'Ward ' || n, 1 FROM generate_series(1001, 2200) AS n`)
	pgtest.Exec(t, pool, "INSERT INTO container (id, freezer_id) SELECT n, n FROM generate_series(1001, 2200) AS n")
	w := apitest.Do(h, "GET", "/api/v1/containers?q=ward&limit=1&count=exact", "")
	if total := w.Header().Get("X-Total-Count"); total != "1200" {
		t.Errorf("the list has %s containers, want 1200: %s", total, w.Body)
	}
	if ids, total := searchIDs(t, h, "containers", "ward"); len(ids) != 50 || !strings.HasPrefix(total, "estimated ") {
		t.Errorf("the search finds %d containers of %s", len(ids), total)
	}
	if ids, _ := searchIDs(t, h, "containers", "ward 1777"); !slices.Equal(ids, []int64{1777}) {
		t.Errorf("the search finds %v, want the container in Ward 1777", ids)
	}
}

// TestSearch_rowsAndNames: each word may occur in a container or in the name of its freezer. A container that has a word
// in both counts once.
func TestSearch_rowsAndNames(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	pgtest.Exec(t, pool, `INSERT INTO freezer (id, name, site_id)
		VALUES (11, 'Harbour', 1), (12, 'Mouse house', 1), (13, 'Other', 1)`)
	pgtest.Exec(t, pool, `INSERT INTO container (id, description, freezer_id) VALUES
		(1, 'Mouse serum', 11), (2, 'Mouse harbour', 13), (3, 'Harbour water', 12), (4, 'Mouse harbour', 11),
		(5, 'Mouse serum', 13), (6, 'Harbour water', 13), (7, 'Serum', 11), (8, NULL, 12)`)
	ids, total := searchIDs(t, h, "containers", "mouse harbour")
	slices.Sort(ids)
	if !slices.Equal(ids, []int64{1, 2, 3, 4}) || total != "exact 4" {
		t.Errorf("found %v of %s, want 1 to 4 of exact 4", ids, total)
	}
	pgtest.Exec(t, pool, `INSERT INTO container (id, description, freezer_id)
		SELECT n, CASE WHEN n % 2 = 0 THEN 'Mouse harbour' ELSE 'Mouse serum' END, 11 FROM generate_series(1001, 1200) AS n`)
	if _, total := searchIDs(t, h, "containers", "mouse harbour"); total != "exact 204" {
		t.Errorf("found %s, want exact 204", total)
	}
}

// searchReads returns how many rows a search of a list finds and reads, after a statement. Both are rolled back.
func searchReads(t *testing.T, pool *pgxpool.Pool, before, noun, text string) (found int, read int64, plan string) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	pgtest.Exec(t, tx, "SET LOCAL max_parallel_workers_per_gather = 0") // the reads of other processes are not counted
	pgtest.Exec(t, tx, "SET LOCAL plan_cache_mode = force_custom_plan") // as a search
	if relation.ParseSearch(text, nil).Trigrams() > 1 {
		pgtest.Exec(t, tx, "SET LOCAL enable_seqscan = off")
	}
	pgtest.Exec(t, tx, before)
	earlier := rowsRead(t, tx)
	var errs problem.FieldErrors
	search := relation.ParseSearch(text, &errs)
	row, err := db.New(tx).FoldSearch(t.Context(), db.FoldSearchParams{Text: search.Text, Words: search.Words})
	if err != nil {
		t.Fatal(err)
	}
	search.Folded, search.Prefix, search.Patterns = row.Folded, row.Prefix, row.Patterns
	request := endpointAt(t, noun).List().Search(search)
	setNames(t, tx, request)
	s, ok := request.Best(5)
	if !ok {
		t.Fatalf("%q cannot find %s", text, noun)
	}
	readRows(t, tx, s, func([]pgconn.FieldDescription, [][]byte) { found++ })
	read = rowsRead(t, tx) - earlier
	s.SQL = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) " + s.SQL
	readRows(t, tx, s, func(_ []pgconn.FieldDescription, values [][]byte) { plan += "\n" + string(values[0]) })
	return found, read, plan
}

// TestSearch_usesIndexes: no search for words with trigrams, and no search with many matches, reads a whole table. The
// negative control is the same search without the index.
func TestSearch_usesIndexes(t *testing.T) {
	t.Parallel()
	rows := setting(t, "LIST_ROWS", 20_000)
	pool := newLargeTables(t, rows)
	pgtest.Exec(t, pool, `INSERT INTO attachment (name, url, type, size, sha256)
		SELECT md5(n::text), '/media/aa/' || lpad(n::text, 26, 'a') || '.txt', 'text/plain', 1, repeat('0', 64)
		FROM generate_series(1, 20000) AS n`)
	pgtest.Exec(t, pool, "ANALYZE")
	for _, c := range []struct {
		noun, text, index string
	}{
		{"containers", "zebrafish", "container_search_text_idx"},
		{"containers", "fish zeb", "container_search_text_idx"},
		{"containers", "quokka", "freezer_search_text_idx"},
		{"freezers", "quokka", "freezer_search_text_idx"},
		{"computers", "computer 7919", "computer_search_text_idx"},
		{"computers", "02-00-00-00-4e-1f", "computer_search_text_idx"},
		{"todos", "zebrafish", "todo_search_text_idx"},
		{"directory", "c4ca4238", "account_names_text_idx"},
		{"attachments", "c4ca4238", "attachment_search_text_idx"},
		{"events", "00000000-0000-7000-8000-000000000007", ""}, // several indexes have the ID
	} {
		found, read, plan := searchReads(t, pool, "SELECT", c.noun, c.text)
		if found == 0 || read > 1500 {
			t.Errorf("a search for %s %q finds %d rows and reads %d%s", c.noun, c.text, found, read, plan)
		}
		if c.index == "" {
			continue
		}
		if _, read, _ := searchReads(t, pool, "DROP INDEX "+c.index, c.noun, c.text); read < rows/2 {
			t.Errorf("a search for %s %q reads %d rows without %s; the test proves nothing", c.noun, c.text, read, c.index)
		}
	}
	for noun, text := range map[string]string{
		"containers": "box", "computers": "computer", "todos": "thaw", "freezers": "f", "sites": "si", "attachments": "text",
		"directory": "a",
	} {
		if found, read, plan := searchReads(t, pool, "SELECT", noun, text); found != 5 || read > 12_000 {
			t.Errorf("a search for many %s %q finds %d rows and reads %d%s", noun, text, found, read, plan)
		}
	}
}
