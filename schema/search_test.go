package schema_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"labledger/db"
	"labledger/internal/pgtest"
)

// search returns the keys of the results for an admin.
func search(t testing.TB, q *db.Queries, text, kind string) (keys []string) {
	t.Helper()
	limit := int64(50)
	rows, err := q.Search(context.Background(), db.SearchParams{CallerRole: "admin", Q: text, Only: &kind, Limit: &limit})
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	for _, row := range rows {
		keys = append(keys, row.Key)
	}
	return keys
}

// Every form of a name finds it: its words in any order, another case, another normal form, without accents.
func TestSearch_formsOfName(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	q := db.New(pool)
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
		id := pgtest.QueryValue[string](t, pool, "INSERT INTO site (name) VALUES ($1) RETURNING id::text", name)
		change := rapid.SampledFrom([]func(string) string{
			strings.ToUpper, strings.ToLower, norm.NFC.String, norm.NFD.String, stripAccents,
		}).Draw(rt, "change")
		text := change(strings.Join(rapid.Permutation(words).Draw(rt, "order"), " "))
		if keys := search(t, q, text, "site"); len(keys) < 50 && !slices.Contains(keys, id) {
			rt.Errorf("%q does not find %q, but %v", text, name, keys)
		}
		mustExec(t, pool, "DELETE FROM site WHERE id = $1::bigint", id)
		if slices.Contains(search(t, q, text, "site"), id) {
			rt.Errorf("%q finds a deleted site", text)
		}
	})
}

func TestSearch_literalWildcards(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	mustExec(t, pool, "INSERT INTO site (name) VALUES ('100%_cold\\')")
	for text, found := range map[string]bool{
		`100%_cold\`: true, `%_`: true, `d\`: true, `100_`: false, `1%0`: false, `c_ld`: false, `\d`: false,
	} {
		if keys := search(t, db.New(pool), text, "site"); (len(keys) == 1) != found {
			t.Errorf("%q finds %v, want a match: %v", text, keys, found)
		}
	}
}

// TestSearch_shortWords: words of one or two characters, which have no trigram, find containers as other words do.
func TestSearch_shortWords(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	const uuid = "abcd0000-0000-4000-8000-000000000001"
	mustExec(t, pool, "INSERT INTO container (uuid, freezer_id, description) VALUES ('"+uuid+"', 1, 'Rack Ä5, box 7')")
	for text, want := range map[string]int{
		"a5": 1, "7 5": 1, "Ä": 1, "ab cd": 1, "ab cd 00": 1, "rack": 1, "abcd": 1, "b5": 0, "7 8": 0, "cd ab": 0, "": 0,
	} {
		if keys := search(t, db.New(pool), text, "container"); len(keys) != want {
			t.Errorf("%q finds %v, want %d containers", text, keys, want)
		}
	}
}

// TestSearch_usesIndexes: no search for longer words reads a whole table, also with a plan that does not know the text.
func TestSearch_usesIndexes(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	ctx := t.Context()
	mustExec(t, pool, `SET LOCAL session_replication_role = replica; -- without triggers, which take most of the time
		INSERT INTO container (freezer_id, description)
			SELECT 1, md5(n::text) FROM generate_series(1, 20000) AS n;
		INSERT INTO todo (description, status) SELECT md5(n::text), 'open' FROM generate_series(1, 20000) AS n;
		INSERT INTO site (name) SELECT md5(n::text) FROM generate_series(1, 20000) AS n;
		INSERT INTO computer (name, site_id) SELECT md5(n::text), 1 FROM generate_series(1, 20000) AS n;
		INSERT INTO freezer (name, site_id) SELECT md5(n::text), 1 FROM generate_series(1, 20000) AS n;
		INSERT INTO account (username) SELECT md5(n::text) FROM generate_series(1, 20000) AS n;
		ANALYZE`)
	tables := []string{"site", "freezer", "computer", "container", "todo", "account"}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	mustExec(t, conn, "SET plan_cache_mode = force_generic_plan")
	scanned := func() map[string]int64 {
		mustExec(t, conn, "SELECT pg_stat_clear_snapshot()")
		counts := map[string]int64{}
		for _, table := range tables {
			counts[table] = pgtest.QueryValue[int64](t, conn, `
				SELECT coalesce(seq_tup_read, 0) + pg_stat_get_xact_tuples_returned(relid)
				FROM pg_stat_user_tables WHERE relname = $1`, table)
		}
		return counts
	}
	search := func(kind string) {
		limit := int64(10)
		for _, text := range []string{"frozen plasma", "c4ca4238"} {
			_, err := db.New(conn).Search(ctx, db.SearchParams{CallerRole: "admin", Q: text, Only: &kind, Limit: &limit})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	tx, err := conn.Begin(ctx) // the counters of a running transaction are exact
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	for _, table := range tables {
		kind := map[string]string{"account": "user"}[table]
		if kind == "" {
			kind = table
		}
		before := scanned()
		search(kind)
		for of, rows := range scanned() {
			if of == table && rows-before[of] >= 20000 {
				t.Errorf("a search for a %s reads %d rows of %s sequentially", kind, rows-before[of], of)
			}
		}
	}
	// The index has no trigrams of a short word. The search reads the table and not all of the index.
	entries := func() int64 {
		return pgtest.QueryValue[int64](t, conn,
			"SELECT pg_stat_get_xact_tuples_returned('container_search_text_idx'::regclass)")
	}
	kind, read, before := "container", entries(), scanned()
	if _, err := db.New(conn).Search(ctx, db.SearchParams{CallerRole: "admin", Q: "zz 7", Only: &kind}); err != nil {
		t.Fatal(err)
	}
	if n, rows := entries()-read, scanned()["container"]-before["container"]; n != 0 || rows < 20000 {
		t.Errorf("a search for a short word reads %d entries of the index and %d rows, want only all rows", n, rows)
	}
	// Negative control: without its index, the table is read as a whole.
	mustExec(t, conn, "DROP INDEX container_search_text_idx")
	before = scanned()
	search("container")
	if rows := scanned()["container"] - before["container"]; rows < 20000 {
		t.Errorf("without the index, a search reads %d rows: this test proves nothing", rows)
	}
}
