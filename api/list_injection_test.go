package api_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"labledger/api"
	"labledger/api/authn"
	"labledger/api/relation"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
	"labledger/internal/postgres"
)

// plurals are the lists whose paths have no variables, or only one, which is replaced by 1.
var plurals = []string{
	"sites", "freezers", "computers", "containers", "todos", "events", "alerts", "changes", "instruments", "attachments",
	"rules", "users", "checkouts", "stocktakes", "stocktakes/{id}/items", "changesets",
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
			if c.IsSortable() {
				add("sort", c.Name+text)
				cursor := relation.Cursor([][]byte{[]byte(text), []byte("1")})
				queries = append(queries, "sort="+c.Name+"&after="+url.QueryEscape(cursor))
			}
		}
	}
	return queries
}

// A hostileClient counts what becomes of its requests.
type hostileClient struct {
	handler         http.Handler
	recorder        *statementRecorder
	accepted, bound int // requests, and statements with a hostile text as an argument
}

func newHostileClient(t *testing.T) *hostileClient {
	t.Helper()
	recorder := &statementRecorder{}
	pool, err := postgres.Open(t.Context(), pgtest.Database(t), postgres.WithTracer(recorder))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &hostileClient{recorder: recorder, handler: api.New(api.Options{
		Pool: pool, Log: slog.New(slog.DiscardHandler), Version: "test",
		Access: authn.Options{AnonymousActor: "tester"},
	})}
}

// get sends a request. It fails the test after a server error, or if a text of the client is in a statement.
func (c *hostileClient) get(t *testing.T, target string) {
	t.Helper()
	target = strings.Replace(target, "/{id}/", "/1/", 1)
	c.recorder.reset()
	w := apitest.Do(c.handler, "GET", target, "")
	if w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
		t.Errorf("%s: %d %s", target, w.Code, w.Body)
	}
	for i, statement := range c.recorder.statements {
		if strings.Contains(strings.ToLower(statement), strings.ToLower(marker)) {
			t.Fatalf("%s: the client's text is in\n%s", target, statement)
		}
		if strings.Contains(c.recorder.args[i], marker) {
			c.bound++
		}
	}
	if w.Code == http.StatusOK {
		c.accepted++
	}
}

// TestLists_noClientTextInSQL: what clients write in names and values reaches the database only as arguments. No request
// is a server error.
func TestLists_noClientTextInSQL(t *testing.T) {
	t.Parallel()
	client := newHostileClient(t)
	proves := func(path string) {
		if client.accepted < len(hostileTexts) || client.bound < client.accepted {
			t.Errorf("%s: %d requests were accepted and %d statements had a text as argument; the test proves nothing",
				path, client.accepted, client.bound)
		}
		client.accepted, client.bound = 0, 0
	}
	for _, plural := range plurals {
		for i, query := range hostileQueries(endpointAt(t, plural).List()) {
			target := "/api/v1/" + plural + "?" + query
			if i%2 == 1 {
				target += "&count=exact"
			}
			client.get(t, target)
		}
		proves(plural)
	}
	for _, text := range hostileTexts {
		client.get(t, "/api/v1/search?q="+url.QueryEscape(text))
		client.get(t, "/api/v1/search?noun=sites&q="+url.QueryEscape(text))
		client.get(t, "/api/v1/search?q=a&noun="+url.QueryEscape(text))
		client.get(t, "/api/v1/search?q=a&limit="+url.QueryEscape(text))
	}
	proves("search")
}

// plausibleValues are values that some columns have.
var plausibleValues = []string{
	"", "1", "-1", "0", "2026-01-02", "2026-01-02T03:04:05Z", "true", "false", "high", "open", "a", "Site 1", "1,2", "1.50",
	"08:00:2b:01:02:03", "123e4567-e89b-12d3-a456-426614174000", "name", "-id", "id,name", "é", "\x00", "\xff", "%", "_",
	"9223372036854775808", strings.Repeat("9", 40), strings.Repeat("x", 300), "[1]", "{}", "null", "infinity",
}

// TestLists_fuzzedParameters sends random parameters, whose names and values may be right, almost right, or hostile.
// LIST_PARAMETERS sets their number, and LIST_SEED repeats a run.
func TestLists_fuzzedParameters(t *testing.T) {
	t.Parallel()
	seed := setting(t, "LIST_SEED", time.Now().UnixNano())
	random := rand.New(rand.NewPCG(uint64(seed), 1))
	client := newHostileClient(t)
	pick := func(texts []string) string { return texts[random.IntN(len(texts))] }
	sent := int64(0)
	for sent < setting(t, "LIST_PARAMETERS", 3000) {
		plural := pick(plurals)
		list := endpointAt(t, plural).List()
		filters := list.Filters()
		values := url.Values{}
		for range 1 + random.IntN(3) {
			name, value := filters[random.IntN(len(filters))].Param, pick(plausibleValues)
			if random.IntN(3) == 0 {
				name = pick([]string{
					"q", "sort", "fields", "include", "after", "before", "count", "format", "limit", "offset", "view",
				})
			}
			switch random.IntN(8) {
			case 0:
				name += pick(hostileTexts)
			case 1, 2:
				value += pick(hostileTexts)
			case 3:
				name = strings.Replace(name, "__", "__"+pick([]string{"", "not", "in", "i", marker}), 1)
			}
			values.Add(name, value)
			sent++
		}
		client.get(t, "/api/v1/"+plural+"?"+values.Encode())
		if t.Failed() {
			t.Fatalf("LIST_SEED=%d", seed)
		}
	}
	if client.accepted < 100 || client.bound < 10 {
		t.Errorf("%d requests were accepted and %d statements had a text as argument; the test proves nothing",
			client.accepted, client.bound)
	}
	t.Logf("%d parameters, %d requests accepted, %d statements with hostile arguments", sent, client.accepted, client.bound)
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
			target := "/api/v1/" + strings.Replace(plural, "{id}", "1", 1) + "?q=" + url.QueryEscape(word)
			if w := apitest.Do(h, "GET", target, ""); w.Code != http.StatusOK {
				t.Errorf("%s: %d %s", target, w.Code, w.Body)
			}
		}
	}
}
