package api_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"labledger/api"
	"labledger/api/authn"
	"labledger/api/relation"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
	"labledger/internal/postgres"
)

// plurals are the lists whose paths have no variables.
var plurals = []string{
	"sites", "freezers", "computers", "containers", "todos", "events", "alerts", "changes", "instruments", "attachments",
	"rules", "users",
}

// A statementRecorder keeps the statements that reach the database, and their arguments.
type statementRecorder struct {
	mu         sync.Mutex
	statements []string
	args       []string
}

func (r *statementRecorder) record(sql string, args []any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statements, r.args = append(r.statements, sql), append(r.args, fmt.Sprint(args...))
}

func (r *statementRecorder) TraceQueryStart(
	ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData,
) context.Context {
	r.record(data.SQL, data.Args)
	return ctx
}

func (*statementRecorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (*statementRecorder) TraceBatchStart(
	ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData,
) context.Context {
	return ctx
}

func (r *statementRecorder) TraceBatchQuery(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	r.record(data.SQL, data.Args)
}

func (*statementRecorder) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func (r *statementRecorder) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statements, r.args = nil, nil
}

// marker is in each text of a hostile request. No statement has it.
const marker = "Qzx9"

// hostileTexts are values and parts of names.
var hostileTexts = []string{
	marker + "'; DROP TABLE todo; --", marker + `\' OR 1=1 --`, marker + "$1", "$$" + marker + "$$", marker + "\";",
	marker + ") UNION SELECT * FROM account --", "/*" + marker + "*/", "%" + marker + "_", "E'" + marker + "'",
	marker + "\n;",
}

// hostileQueries returns query strings for a list: each text as a value of each parameter, and in names.
func hostileQueries(list *relation.Relation) (queries []string) {
	add := func(param, value string) {
		queries = append(queries, url.QueryEscape(param)+"="+url.QueryEscape(value))
	}
	for i, text := range hostileTexts {
		for j, f := range list.Filters() {
			if j%len(hostileTexts) == i || f.Column.Type == relation.Text && i == 0 {
				add(f.Param, text)
			}
		}
		for _, param := range []string{
			"q", "sort", "fields", "include", "after", "before", "count", "format", "limit", "offset",
		} {
			add(param, text)
		}
		for j, c := range list.Columns() {
			if j%len(hostileTexts) != i {
				continue
			}
			add(c.Name+text, "1")
			add(c.Name+"__"+text, "1")
			add(text+"__gt", "1")
			if c.Type.IsSortable() {
				add("sort", c.Name+text)
				cursor := relation.Cursor([][]byte{[]byte(text), []byte("1")})
				queries = append(queries, "sort="+c.Name+"&after="+url.QueryEscape(cursor))
			}
		}
	}
	return queries
}

// TestLists_noClientTextInSQL: what clients write in names and values reaches the database only as arguments. No request
// is a server error.
func TestLists_noClientTextInSQL(t *testing.T) {
	t.Parallel()
	recorder := &statementRecorder{}
	pool, err := postgres.Open(t.Context(), pgtest.Database(t), postgres.WithTracer(recorder))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	h := api.New(api.Options{
		Pool: pool, Log: slog.New(slog.DiscardHandler), Version: "test",
		Access: authn.Options{AnonymousActor: "tester"},
	})
	for _, plural := range plurals {
		accepted, bound := 0, 0
		for i, query := range hostileQueries(endpointAt(t, plural).List()) {
			recorder.reset()
			target := "/api/v1/" + plural + "?" + query
			if i%2 == 1 {
				target += "&count=exact"
			}
			w := apitest.Do(h, "GET", target, "")
			if w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
				t.Errorf("%s: %d %s", target, w.Code, w.Body)
			}
			for j, statement := range recorder.statements {
				if strings.Contains(strings.ToLower(statement), strings.ToLower(marker)) {
					t.Fatalf("%s: the client's text is in\n%s", target, statement)
				}
				if strings.Contains(recorder.args[j], marker) {
					bound++
				}
			}
			if w.Code == http.StatusOK {
				accepted++
			}
		}
		if accepted < len(hostileTexts) || bound < accepted {
			t.Errorf("%s: %d requests were accepted and %d statements had a text as argument; the test proves nothing",
				plural, accepted, bound)
		}
	}
}

// TestLists_wordsOfDigits: a word of ?q= that no key can be finds no row, but is no error.
func TestLists_wordsOfDigits(t *testing.T) {
	t.Parallel()
	h := apitest.NewPublic(pgtest.Pool(t))
	for _, plural := range plurals {
		for _, word := range []string{
			"99999999999", "999999999999999999", "9999999999999999999999", "dead", "00:00", "-1", "1.5",
			strings.Repeat("f", 32), strings.Repeat("f", 33), "{}", "---",
		} {
			target := "/api/v1/" + plural + "?q=" + url.QueryEscape(word)
			if w := apitest.Do(h, "GET", target, ""); w.Code != http.StatusOK {
				t.Errorf("%s: %d %s", target, w.Code, w.Body)
			}
		}
	}
}
