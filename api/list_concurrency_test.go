package api_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// stableTodos is the number of todos that live throughout TestPages_concurrentWrites. Their IDs are even and start at 2.
const stableTodos = 30

// insertTodos inserts the todos of TestPages_concurrentWrites: the stable ones, and others between them.
func insertTodos(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	pgtest.Exec(t, pool, "DELETE FROM todo")
	pgtest.Exec(t, pool, `INSERT INTO todo (id, description, status, due_on)
		SELECT n, 'Thaw ' || n % 7, 'open', CASE WHEN n % 3 > 0 THEN '2026-01-01'::date + n % 5 END
		FROM generate_series(2, 2 * $1::integer + 1) AS n`, stableTodos)
}

// writeTodos inserts, moves and deletes todos with odd IDs, and changes the status of the others, as other clients do
// between the requests for two pages. last is the last row of the page before.
func writeTodos(t *testing.T, pool *pgxpool.Pool, random *rand.Rand, last string) {
	t.Helper()
	for range 3 {
		pgtest.Exec(t, pool, `INSERT INTO todo (id, description, status, due_on) VALUES ($1, $2, 'open', $3::text::date)
			ON CONFLICT (id) DO UPDATE SET description = excluded.description, due_on = excluded.due_on`,
			1001+2*random.IntN(30), fmt.Sprint("Thaw ", random.IntN(7)),
			[]any{nil, "2026-01-01", "2026-01-03", "2026-01-05"}[random.IntN(4)])
	}
	pgtest.Exec(t, pool, `UPDATE todo SET description = 'Thaw ' || (id + $1) % 9, due_on = NULL
		WHERE id % 2 = 1 AND id % 5 = $1`, random.IntN(5))
	pgtest.Exec(t, pool, "DELETE FROM todo WHERE id % 2 = 1 AND (id % 7 = $1 OR id = $2::text::bigint)",
		random.IntN(7), last)
	pgtest.Exec(t, pool, "UPDATE todo SET status = 'done' WHERE id % 4 = 0 AND status = 'open' AND id % 3 = $1",
		random.IntN(3))
}

// countStable returns what is wrong with the todos of all pages: stable ones that are missing or appear twice.
func countStable(keys []string) (wrong []string) {
	for id := 2; id <= 2*stableTodos; id += 2 {
		key, count := strconv.Itoa(id), 0
		for _, other := range keys {
			if other == key {
				count++
			}
		}
		if count != 1 {
			wrong = append(wrong, fmt.Sprintf("todo %d: %d times", id, count))
		}
	}
	return wrong
}

// TestPages_concurrentWrites: while other clients insert, change and delete rows between the requests for pages, each row
// that lives throughout appears exactly once. The negative control is paging by offset.
func TestPages_concurrentWrites(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	random := rand.New(rand.NewPCG(1, 0))
	o := &oracle{plural: "todos", key: "id"}
	wrongByOffset := 0
	for _, query := range []string{
		"", "sort=-id", "sort=description", "sort=-due_on", "sort=due_on,-description", "status__not=x",
	} {
		for _, start := range []string{"next", "prev"} {
			insertTodos(t, pool)
			keys := o.followUnderWrites(t, h, pool, random, query, start)
			if wrong := countStable(keys); len(wrong) > 0 {
				t.Errorf("todos?%s, %s pages: %s", query, start, wrong)
			}
		}
	}
	for range 3 {
		insertTodos(t, pool)
		wrongByOffset += len(countStable(o.offsetUnderWrites(t, h, pool, random, "sort=description")))
	}
	if wrongByOffset == 0 {
		t.Error("paging by offset misses and repeats no row; the test proves nothing")
	}
}

// followUnderWrites follows the links of pages while other clients write. In the direction prev it starts at the end.
func (o *oracle) followUnderWrites(
	t *testing.T, h http.Handler, pool *pgxpool.Pool, random *rand.Rand, query, rel string,
) (all []string) {
	t.Helper()
	target := "/api/v1/todos?limit=7&" + query
	if rel == "prev" {
		keys, _ := o.fetchPage(t, h, strings.Replace(target, "limit=7", "limit=1000", 1))
		last := len(keys) - 1
		_, pages := o.fetchPage(t, h, strings.Replace(target, "limit=7", "limit=1&offset="+strconv.Itoa(last), 1))
		all, target = keys[last:], strings.Replace(pages["prev"], "limit=1&", "limit=7&", 1)
	}
	for target != "" {
		keys, pages := o.fetchPage(t, h, target)
		all = append(all, keys...)
		if len(keys) == 0 {
			return all
		}
		last := keys[len(keys)-1]
		if rel == "prev" {
			last = keys[0]
		}
		writeTodos(t, pool, random, last)
		target = pages[rel]
	}
	return all
}

// offsetUnderWrites reads pages by offset while other clients write.
func (o *oracle) offsetUnderWrites(
	t *testing.T, h http.Handler, pool *pgxpool.Pool, random *rand.Rand, query string,
) (all []string) {
	t.Helper()
	for {
		keys, _ := o.fetchPage(t, h, fmt.Sprintf("/api/v1/todos?limit=7&offset=%d&%s", len(all), query))
		all = append(all, keys...)
		if len(keys) < 7 {
			return all
		}
		writeTodos(t, pool, random, keys[len(keys)-1])
	}
}

// TestPages_rowOfCursorIsGone: a cursor stays valid after its row is deleted.
func TestPages_rowOfCursorIsGone(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	o := &oracle{plural: "todos", key: "id"}
	for _, sort := range []string{"id", "-description", "due_on", "-due_on"} {
		insertTodos(t, pool)
		want, _ := o.fetchPage(t, h, "/api/v1/todos?limit=20&sort="+url.QueryEscape(sort))
		_, pages := o.fetchPage(t, h, "/api/v1/todos?limit=10&sort="+url.QueryEscape(sort))
		pgtest.Exec(t, pool, "DELETE FROM todo WHERE id = $1::text::bigint", want[9])
		after, back := o.fetchPage(t, h, pages["next"])
		before, _ := o.fetchPage(t, h, back["prev"])
		if !slices.Equal(after, want[10:]) || !slices.Equal(before, want[:9]) {
			t.Errorf("sort=%s: got %s and before it %s, want %s", sort, after, before, want)
		}
	}
}
