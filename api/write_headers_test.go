package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"labledger/api"
	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// This file tests the headers Idempotency-Key and X-Change-Message on every write of the route table.

// A brokenWriter is the response to a client that has disconnected. It records what the client does not receive.
type brokenWriter struct{ *httptest.ResponseRecorder }

func (w brokenWriter) Write(p []byte) (int, error) {
	_, _ = w.ResponseRecorder.Write(p) // never fails
	return 0, io.ErrClosedPipe
}

// serveDisconnected serves a request whose client disconnects before the response. It returns what the client misses.
func serveDisconnected(h http.Handler, r *http.Request) (w *httptest.ResponseRecorder) {
	w = httptest.NewRecorder()
	defer func() { // the handler of a batch aborts the connection
		if recovered := recover(); recovered != nil && recovered != http.ErrAbortHandler {
			panic(recovered)
		}
	}()
	h.ServeHTTP(brokenWriter{w}, r)
	return w
}

// request returns the request of a sample with more headers.
func (r sampleRequest) request(method, token string, header ...string) *http.Request {
	request := httptest.NewRequest(method, r.target, strings.NewReader(r.body))
	if r.body == "" {
		request.Body, request.ContentLength = http.NoBody, 0
	} else {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, line := range append(append([]string{"Authorization: Bearer " + token}, r.header...), header...) {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Set(name, value)
	}
	return request
}

// comparableHeader returns the headers of a response that a repeated response must have too.
func comparableHeader(w *httptest.ResponseRecorder) http.Header {
	header := maps.Clone(w.Header())
	for _, name := range []string{"X-Request-Id", "Idempotency-Replayed", "Date"} {
		header.Del(name)
	}
	return header
}

// keyTables are the tables that hold idempotency keys.
var keyTables = []string{"idempotency", "idempotency_key"}

// changedRows counts the recorded changes of a request, and those with its message.
const changedRows = `SELECT concat(count(*), ' ', count(*) FILTER (WHERE message = $2)) FROM (
	SELECT request_id, message FROM change
	UNION ALL SELECT request_id, message FROM alert_change
	UNION ALL SELECT request_id, message FROM event_void
) AS changes WHERE request_id = $1`

const changeMessage = "Größe ☃ corrected"

// A writeCase is a write of the route table, with one object or with many rows.
type writeCase struct {
	*rest.Endpoint
	sampleRequest
	retry sampleRequest // the same request, as another attempt of a client sends it
}

// writeCases returns a request for each write of the route table, and for each bulk body.
func writeCases(t *testing.T) map[string]writeCase {
	endpoints := api.Endpoints()
	samples := sampleRequests(t, endpoints)
	all := map[string]writeCase{}
	for _, e := range endpoints {
		if e.Method == http.MethodGet {
			continue
		}
		name := e.Method + " " + e.Path
		r := samples[name]
		if r.target == "" {
			t.Errorf("%s has no sample", name)
		}
		switch {
		case e.Path == "/account" && e.Method != http.MethodDelete: // the sample sets a password
			r.body = `{"country": "Peru"}`
		case name == "PATCH /api/v1/rules/{code}": // the sample sets the value that the rule has
			r.body = `{"title": "Another title"}`
		}
		if slices.Contains(e.Plan.QueryNames(), "cascade") && !strings.Contains(r.target, "cascade") {
			separator := "?"
			if strings.Contains(r.target, "?") {
				separator = "&"
			}
			r.target += separator + "cascade=true"
		}
		c := writeCase{e, r, r}
		if e.Operation.Describe().Form { // each attempt has another boundary
			c.retry.body = strings.ReplaceAll(r.body, "--X", "--Y")
			c.retry.header = []string{"Content-Type: multipart/form-data; boundary=Y"}
		}
		all[name] = c
		if e.Rows != nil {
			c.body = "[" + c.body + "]"
			c.retry.body = c.body
			all[name+" bulk"] = c
		}
	}
	if len(all) < 80 {
		t.Errorf("only %d writes", len(all))
	}
	return all
}

// TestWriteHeaders_everyWrite sends every write of the route table with a key and a message. The response is lost after
// the commit. A retry on another instance gets the same response, byte for byte, and changes nothing. Another request
// with the key is rejected. The history has the message. A route that does not accept a header says so.
func TestWriteHeaders_everyWrite(t *testing.T) {
	t.Parallel()
	for name, c := range writeCases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ts := apitest.New(t)
			root := ts.CreateAccount("root", rest.Admin)
			createSamples(ts, root)
			token := ts.CreateSession(root).Access
			if !c.AcceptsKey() {
				c.checkRejected(ts, token, "Idempotency-Key: a key")
			}
			if !c.AcceptsMessage() {
				c.checkRejected(ts, token, "X-Change-Message: "+changeMessage)
			}
			c.checkRepeated(ts, token)
		})
	}
}

// checkRejected sends the request with a header that the route does not accept.
func (c writeCase) checkRejected(ts *apitest.Server, token, header string) {
	ts.Helper()
	before := ts.TableDigest()
	w := httptest.NewRecorder()
	ts.ServeHTTP(w, c.request(c.Method, token, header))
	var p struct {
		Errors []struct{ Field, Message string }
	}
	name, _, _ := strings.Cut(header, ": ")
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusBadRequest || len(p.Errors) != 1 ||
		p.Errors[0].Field != name || !strings.Contains(p.Errors[0].Message, "does not apply here") {
		ts.Errorf("with %s: %d %s", name, w.Code, w.Body)
	}
	if ts.TableDigest() != before {
		ts.Errorf("with %s: the request changed the database", name)
	}
}

// checkRepeated sends the request with the headers that the route accepts, and repeats it if it accepts a key.
func (c writeCase) checkRepeated(ts *apitest.Server, token string) {
	ts.Helper()
	var headers []string
	if c.AcceptsKey() {
		headers = append(headers, "Idempotency-Key: a key")
	}
	if c.AcceptsMessage() {
		headers = append(headers, "X-Change-Message:  "+changeMessage+" ")
	}
	if len(headers) == 0 {
		return
	}
	before := ts.TableDigest(keyTables...)
	first := serveDisconnected(ts, c.request(c.Method, token, headers...))
	if first.Code/100 != 2 || first.Header().Get("Idempotency-Replayed") != "" {
		ts.Fatalf("first request: %d %s", first.Code, first.Body)
	}
	if ts.TableDigest(keyTables...) == before {
		ts.Fatal("the request changed nothing")
	}
	if c.AcceptsMessage() {
		var all, marked int
		counts := apitest.Value[string](ts, changedRows, first.Header().Get("X-Request-Id"), changeMessage)
		if _, err := fmt.Sscan(counts, &all, &marked); err != nil || all == 0 || marked != all {
			ts.Errorf("%d of %d changes have the message", marked, all)
		}
	}
	if !c.AcceptsKey() {
		return
	}
	after := ts.TableDigest()
	other := ts.NewInstance()
	retried := httptest.NewRecorder()
	other.ServeHTTP(retried, c.retry.request(c.Method, token, headers...))
	if retried.Code != first.Code || !isReplayed(retried) || retried.Body.String() != first.Body.String() {
		ts.Errorf("retry: %d %s, want %d %s", retried.Code, retried.Body, first.Code, first.Body)
	}
	if diff := cmp.Diff(comparableHeader(first), comparableHeader(retried)); diff != "" {
		ts.Errorf("the headers differ (- first, + retried):\n%s", diff)
	}
	changed, separator := c.sampleRequest, "?"
	if strings.Contains(changed.target, "?") {
		separator = "&"
	}
	changed.target += separator + "dry_run=false"
	for name, different := range map[string]*http.Request{
		"another query string": changed.request(c.Method, token, headers...),
		"another path": sampleRequest{target: "/todo/1", body: `{"status": "done"}`}.
			request("PATCH", token, headers[0]),
		"an event": sampleRequest{
			target: "/event", body: `{"type": "deposit", "amount": 1, "user_id": 7, "time": 1}`,
		}.request("POST", token, headers[0]),
	} {
		w := httptest.NewRecorder()
		other.ServeHTTP(w, different)
		if w.Code != http.StatusUnprocessableEntity {
			ts.Errorf("%s with the key: %d %s, want 422", name, w.Code, w.Body)
		}
	}
	if ts.TableDigest() != after {
		ts.Error("a repeated request changed the database")
	}
}

// TestDeleteExpiredResponses: a key is forgotten when it is older than the given time, and not before.
func TestDeleteExpiredResponses(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	send := func(key string) *httptest.ResponseRecorder {
		return apitest.Do(h, "POST", "/api/v1/sites", `{"name": "x"}`, "Idempotency-Key: "+key)
	}
	pgtest.Exec(t, pool, `INSERT INTO idempotency_key (caller, key, request_hash, status, headers, body, created_at)
		SELECT 'bob', n::text, decode(repeat('00', 32), 'hex'), 200, '{}', '', now() - interval '2 days'
		FROM generate_series(1, 2500) AS n`)
	old, recent := send("old"), send("recent")
	pgtest.Exec(t, pool, "CREATE TABLE kept AS TABLE idempotency_key")
	pgtest.Exec(t, pool, "DELETE FROM idempotency_key WHERE key = 'old'")
	pgtest.Exec(t, pool, `INSERT INTO idempotency_key SELECT caller, key, request_hash, status, headers, body,
		created_at - interval '2 days' FROM kept WHERE key = 'old'`)
	for _, c := range []struct {
		age     time.Duration
		deleted int64
	}{{72 * time.Hour, 0}, {24 * time.Hour, 2501}, {24 * time.Hour, 0}} {
		n, err := rest.DeleteExpiredResponses(t.Context(), db.New(pool), time.Now().Add(-c.age))
		if err != nil || n != c.deleted {
			t.Errorf("older than %s: deleted %d keys, %v; want %d", c.age, n, err, c.deleted)
		}
	}
	if w := send("old"); isReplayed(w) || w.Body.String() == old.Body.String() {
		t.Error("a deleted key still counts as used")
	}
	if w := send("recent"); !isReplayed(w) || w.Body.String() != recent.Body.String() {
		t.Error("a recent key was deleted")
	}
}

// TestIdempotencyKey_inFlight repeats a write on another instance while the first one waits for a lock. The repetition
// gets 409 at once. The first one succeeds, and a later retry gets its response. Without a key, the repetition is a
// second write.
func TestIdempotencyKey_inFlight(t *testing.T) {
	t.Parallel()
	const void = "/api/v1/events/" + sampleEvent + "/void"
	for name, c := range map[string]struct{ method, target, body, lock string }{
		"one row": {"PATCH", "/site/1", `{"contact": "x"}`, "SELECT FROM site WHERE id = 1 FOR UPDATE"},
		"import": {
			"POST", "/api/v1/sites", `[{"id": 1, "name": "x", "contact": null, "address": null, "state_or_region": null,
				"country": null, "postcode_or_zip": null}]`, "SELECT FROM site WHERE id = 1 FOR UPDATE",
		},
		"upload":   {"POST", "/upload", sampleForm, "SELECT FROM site WHERE id = 1 FOR UPDATE"},
		"deletion": {"DELETE", "/api/v1/attachments/1", "", "SELECT FROM attachment WHERE id = 1 FOR UPDATE"},
		"void":     {"POST", void, `{"reason": "x"}`, "SELECT FROM user_state WHERE user_id = 1 FOR UPDATE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ts := apitest.New(t)
			root := ts.CreateAccount("root", rest.Admin)
			createSamples(ts, root)
			token := ts.CreateSession(root).Access
			var header []string
			if name == "upload" {
				c.body = strings.Replace(sampleForm, "--X--",
					"--X\r\nContent-Disposition: form-data; name=\"site_id\"\r\n\r\n1\r\n--X--", 1)
				header = []string{"Content-Type: multipart/form-data; boundary=X"}
			}
			other := ts.NewInstance()
			send := func(to *apitest.Server, token, key string) *httptest.ResponseRecorder {
				return to.Send(token, c.method, c.target, c.body, append(header, "Idempotency-Key: "+key)...)
			}
			release := lockRow(t, ts.Pool, c.lock)
			first := make(chan *httptest.ResponseRecorder, 1)
			go func() { first <- send(ts, token, "k") }()
			pgtest.WaitForLockWait(t, ts.Pool)
			twin := send(other, token, "k")
			release()
			stored := <-first
			if twin.Code != http.StatusConflict || twin.Header().Get("Retry-After") == "" {
				t.Errorf("twin: %d %s, want 409", twin.Code, twin.Body)
			}
			if stored.Code/100 != 2 || isReplayed(stored) {
				t.Errorf("first request: %d %s", stored.Code, stored.Body)
			}
			after := ts.TableDigest()
			retried := send(other, token, "k")
			if retried.Code != stored.Code || retried.Body.String() != stored.Body.String() || !isReplayed(retried) {
				t.Errorf("retry: %d %s, want %s", retried.Code, retried.Body, stored.Body)
			}
			if ts.TableDigest() != after {
				t.Error("the retry changed the database")
			}
			// Keys of another caller are independent, and a new key is a new request.
			another := ts.SignIn("another", rest.Admin)
			for _, w := range []*httptest.ResponseRecorder{send(ts, another, "k"), send(ts, token, "k2")} {
				if isReplayed(w) || w.Code == http.StatusConflict && name != "void" {
					t.Errorf("another caller or key: %d %s", w.Code, w.Body)
				}
			}
		})
	}
}

// TestIdempotencyKey_inFlightControl is the negative control of TestIdempotencyKey_inFlight: without a key, both writes
// wait for the lock and both are executed.
func TestIdempotencyKey_inFlightControl(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	release := lockRow(t, pool, "SELECT FROM site WHERE id = 1 FOR UPDATE")
	responses := make(chan *httptest.ResponseRecorder, 2)
	for i := range 2 {
		go func() { responses <- apitest.Do(h, "PATCH", "/site/1", fmt.Sprintf(`{"contact": "%d"}`, i)) }()
	}
	pgtest.WaitForLockWait(t, pool)
	release()
	for range 2 {
		if w := <-responses; w.Code != http.StatusOK {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if n := pgtest.QueryValue[int](t, pool, "SELECT version FROM site WHERE id = 1"); n != 3 {
		t.Errorf("version %d, want 3", n)
	}
}
