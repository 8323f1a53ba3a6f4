package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/ledger"
	"labledger/internal/pgtest"
)

// This file tests of the intake of events what a story cannot tell: requests side by side, connections that break, and any body whatever.

// ledgerTables are those that an event may touch.
var ledgerTables = []string{"event", "alert", "user_state", "idempotency"}

// eventLines are n events of a user, as NDJSON. They raise no alerts.
func eventLines(user int64, n int) string {
	var b strings.Builder
	for i := range n {
		_, _ = fmt.Fprintf(&b, `{"type":"deposit","amount":"1.50","user_id":%d,"time":%d}`+"\n", user, i*100) // into memory
	}
	return b.String()
}

func count(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// waitUntil waits for a condition.
func waitUntil(t *testing.T, name string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never:", name)
		}
	}
}

// TestEvent_truncatedBody cuts bodies of every kind off in the middle, in both framings, also where what came so far makes sense. Nothing is stored,
// and the key is not used.
func TestEvent_truncatedBody(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	server := httptest.NewServer(newTestAPI(pool))
	defer server.Close()
	before := dumpRows(t, pool, ledgerTables...)
	line := eventLines(1, 1)
	array := "[" + strings.Join(strings.Split(strings.TrimSpace(eventLines(1, 30)), "\n"), ",") + "]"
	const table = "type,amount,user_id,time\n"
	row := "deposit,1,1,1\n"
	for _, c := range []struct{ what, kind, sent string }{
		{"one event, before its end", "application/json", line[:20]},
		{"one event, but for its newline", "application/json", line[:len(line)-1]},
		{"an array, in an element", "application/json", array[:len(array)/2]},
		{"an array, before its bracket", "application/json", array[:len(array)-1]},
		{"a whole array of which more was announced", "application/json", array},
		{"lines, in the middle of one", "application/x-ndjson", strings.Repeat(line, 9) + line[:30]},
		{"lines, after one without its newline", "application/x-ndjson", strings.Repeat(line, 9) + line[:len(line)-1]},
		{"lines, after a whole one", "application/x-ndjson", strings.Repeat(line, 9)},
		{"many lines, after a whole one", "application/x-ndjson", strings.Repeat(line, 3*maxChunkRows)},
		{"a table, in its header", "text/csv", table[:10]},
		{"a table, in a row", "text/csv", table + row + row[:9]},
		{"a table, after what could be a whole row", "text/csv", table + row + row[:len(row)-1]},
		{"a table, after a row", "text/csv", table + strings.Repeat(row, 10)},
		{"a table, inside quotes", "text/csv", table + row + "\"deposit"},
	} {
		for _, chunked := range []bool{false, true} {
			framing, sent := fmt.Sprintf("Content-Length: %d", len(c.sent)+1), c.sent
			if chunked {
				framing, sent = "Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n", len(c.sent), c.sent)
			}
			status := sendTruncated(t, server, "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nIdempotency-Key: cut\r\nContent-Type: "+c.kind+"\r\n"+framing+"\r\n\r\n"+sent)
			if status != http.StatusBadRequest && status != 0 {
				t.Errorf("%s, chunked %v: %d", c.what, chunked, status)
			}
		}
	}
	if after := dumpRows(t, pool, ledgerTables...); after != before {
		t.Errorf("something was stored:\n%s", after)
	}
	if resp := doRequest(newTestAPI(pool), "POST", "/api/v1/events", line, "Idempotency-Key: cut"); resp.Code != http.StatusCreated || resp.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("afterwards: %d %v %s", resp.Code, resp.Header(), resp.Body)
	}
}

// sendTruncated sends text, closes the sending half of the connection, and returns the status of the answer; 0 when there is none.
func sendTruncated(t *testing.T, server *httptest.Server, text string) int {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()               // it is broken anyway
	_ = conn.SetDeadline(time.Now().Add(time.Minute)) // a TCP connection has deadlines
	_, _ = io.WriteString(conn, text)                 // the answer may come before the end
	_ = conn.(*net.TCPConn).CloseWrite()              // the same
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	_ = response.Body.Close() // the status is enough
	return response.StatusCode
}

// smallBufferServer is a server whose connections hold little, so that it notices soon when nobody reads.
func smallBufferServer(h http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(h)
	server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(4096) // the system takes its least
		return ctx
	}
	server.Start()
	return server
}

// TestEventBatch_slowReader sends batches whose answers nobody reads. They are recorded, and hold nothing that others need: no connection to the
// database, no user. Whoever sends such a batch again under its key has the whole answer.
func TestEventBatch_slowReader(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	server := smallBufferServer(newTestAPI(pool))
	defer server.Close()
	const n = 20_000
	body := eventLines(7, n)
	slow, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Close() }() // a second time
	_ = slow.(*net.TCPConn).SetReadBuffer(4096)
	request := "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nIdempotency-Key: deaf\r\nContent-Type: application/x-ndjson\r\n"
	if _, err := fmt.Fprintf(slow, "%sContent-Length: %d\r\n\r\n%s", request, len(body), body); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "the batch is recorded", func() bool { return count(t, pool, "SELECT count(*) FROM event WHERE user_id = 7") == n })
	waitUntil(t, "no connection is held", func() bool { return pool.Stat().AcquiredConns() == 0 })
	client := server.Client()
	client.Timeout = 10 * time.Second
	send := func(body, key string) (int, string, string) {
		r, err := http.NewRequest("POST", server.URL+"/api/v1/events", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-ndjson")
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }() // read to its end
		resp, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, response.Header.Get("Idempotency-Replayed"), string(resp)
	}
	start := time.Now()
	if status, _, resp := send(eventLines(7, 100), ""); status != http.StatusOK {
		t.Errorf("a batch of the same user meanwhile: %d %s", status, resp)
	}
	if resp := doRequest(server.Config.Handler, "POST", "/event", eventLines(7, 1)); resp.Code != http.StatusOK {
		t.Errorf("an event of the same user meanwhile: %d %s", resp.Code, resp.Body)
	}
	if elapsed := time.Since(start); elapsed > 5*time.Second {
		t.Errorf("others waited for %v", elapsed)
	}
	_ = slow.Close() // it has not read a byte
	status, replayed, resp := send(body, "deaf")
	lines := strings.Split(strings.TrimSuffix(resp, "\n"), "\n")
	if status != http.StatusOK || replayed != "true" || len(lines) != n {
		t.Fatalf("the repeated batch: %d, replayed %q, %d lines", status, replayed, len(lines))
	}
	last := ""
	for i, text := range lines {
		var line RecordedEvent
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.UserID != 7 || line.EventID.String() <= last {
			t.Fatalf("line %d of the repeated answer: %s: %v", i+1, text, err)
		}
		last = line.EventID.String()
	}
	if stored := count(t, pool, "SELECT count(*) FROM event WHERE user_id = 7"); stored != n+101 {
		t.Errorf("%d events are stored", stored)
	}
	if times := count(t, pool, "SELECT count(*) FROM (SELECT time, lag(time) OVER (ORDER BY id) AS before FROM (SELECT * FROM event WHERE user_id = 7 ORDER BY id LIMIT $1) AS e) AS e WHERE time <= before", n); times != 0 {
		t.Errorf("%d events are out of order", times)
	}
}

// TestEventBatch_manySlowReaders: as many of them as may transfer at once keep single events from nothing. A further batch is told to come back, and
// when they go, it is taken at once.
func TestEventBatch_manySlowReaders(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	server := smallBufferServer(newTestAPI(pool))
	defer server.Close()
	const n = 5_000
	var slow []net.Conn
	for i := range int(pool.Config().MaxConns / 2) {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }() // a second time
		slow = append(slow, conn)
		_ = conn.(*net.TCPConn).SetReadBuffer(4096)
		body := eventLines(int64(i), n)
		if _, err := fmt.Fprintf(conn, "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			t.Fatal(err)
		}
		waitUntil(t, "the batch is recorded", func() bool { return count(t, pool, "SELECT count(*) FROM event WHERE user_id = $1", i) == n })
	}
	if resp := doRequest(server.Config.Handler, "POST", "/event", eventLines(1, 1)); resp.Code != http.StatusOK {
		t.Errorf("one event: %d %s", resp.Code, resp.Body)
	}
	batch := func() *httptest.ResponseRecorder {
		return doRequest(server.Config.Handler, "POST", "/event", "["+strings.TrimSpace(eventLines(1, 1))+"]")
	}
	if resp := batch(); resp.Code != http.StatusOK && (resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Retry-After") == "") {
		t.Errorf("a batch: %d %s", resp.Code, resp.Body)
	}
	for _, conn := range slow {
		_ = conn.Close() // it has not read a byte
	}
	start := time.Now()
	waitUntil(t, "a batch is taken", func() bool { return batch().Code == http.StatusOK })
	if elapsed := time.Since(start); elapsed > 5*time.Second {
		t.Errorf("clients that are gone keep batches out for %v", elapsed)
	}
}

// TestEvent_concurrentRetry sends the same request under the same key twice at once, while the user is held: one is told so, the other is recorded,
// and after that both have the same answer. While the user is held, nobody else waits.
func TestEvent_concurrentRetry(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := newTestAPI(pool)
	line := `{"type":"withdraw","amount":"101","user_id":1,"time":1}`
	for _, body := range []string{line, "[" + line + "]"} {
		key := fmt.Sprintf("Idempotency-Key: twins %d", len(body))
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), "SELECT FROM user_state WHERE user_id = 1 FOR UPDATE"); err != nil {
			t.Fatal(err)
		}
		before := count(t, pool, "SELECT count(*) FROM event")
		responses := make([]*httptest.ResponseRecorder, 2)
		conflicted := make(chan struct{})
		var all sync.WaitGroup
		for i := range responses {
			all.Go(func() {
				responses[i] = doRequest(h, "POST", "/event", body, key)
				if responses[i].Code == http.StatusConflict {
					close(conflicted)
				}
			})
		}
		select {
		case <-conflicted:
		case <-time.After(10 * time.Second):
			t.Fatal("nobody was told that a twin is under way")
		}
		if resp := doRequest(h, "POST", "/event", `{"type":"deposit","amount":1,"user_id":2,"time":1}`); resp.Code != http.StatusOK {
			t.Errorf("another user meanwhile: %d %s", resp.Code, resp.Body)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		slices.SortFunc(responses, func(a, b *httptest.ResponseRecorder) int { return a.Code - b.Code })
		if responses[0].Code != http.StatusOK || responses[1].Header().Get("Retry-After") == "" || responses[0].Header().Get("Idempotency-Replayed") != "" {
			t.Fatalf("the twins: %d %s, %d %s", responses[0].Code, responses[0].Body, responses[1].Code, responses[1].Body)
		}
		repeated := doRequest(h, "POST", "/event", body, key)
		if repeated.Code != http.StatusOK || repeated.Body.String() != responses[0].Body.String() || repeated.Header().Get("Idempotency-Replayed") != "true" {
			t.Errorf("again: %d %s, not %s", repeated.Code, repeated.Body, responses[0].Body)
		}
		if after := count(t, pool, "SELECT count(*) FROM event"); after != before+2 {
			t.Errorf("%d events, not 2", after-before)
		}
	}
}

// TestEvent_lockedUser: while somebody holds a user for long, the user's events are refused with 503, and their key is not used. A batch waits.
func TestEvent_lockedUser(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := newTestAPI(pool)
	before := dumpRows(t, pool, ledgerTables...)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT FROM user_state WHERE user_id = 2 FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	one, batch := eventLines(2, 1), "["+strings.TrimSpace(eventLines(1, 1))+","+strings.TrimSpace(eventLines(2, 1))+"]"
	for _, target := range []string{"/event", "/event?simulate=true"} {
		resp := doRequest(h, "POST", target, one, "Idempotency-Key: held")
		if resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", target, resp.Code, resp.Body)
		}
	}
	if after := dumpRows(t, pool, ledgerTables...); after != before {
		t.Errorf("something was stored:\n%s", after)
	}
	done := make(chan *httptest.ResponseRecorder)
	go func() { done <- doRequest(h, "POST", "/event", batch) }()
	select {
	case resp := <-done:
		t.Errorf("the batch did not wait: %d %s", resp.Code, resp.Body)
	case <-time.After(time.Second):
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if resp := <-done; resp.Code != http.StatusOK {
		t.Errorf("the batch that waited: %d %s", resp.Code, resp.Body)
	}
	if resp := doRequest(h, "POST", "/event", one, "Idempotency-Key: held"); resp.Code != http.StatusOK || resp.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("when it is free: %d %s", resp.Code, resp.Body)
	}
	if n := count(t, pool, "SELECT count(*) FROM event"); n != 3 {
		t.Errorf("%d events", n)
	}
}

// TestEvent_keyPerCaller: a key is its caller's own.
func TestEvent_keyPerCaller(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	ada, bea := New(Options{Pool: pool, Log: log, AnonymousActor: "ada"}), New(Options{Pool: pool, Log: log, AnonymousActor: "bea"})
	seen := map[string]bool{}
	for _, h := range []http.Handler{ada, bea} {
		for _, body := range []string{eventLines(3, 1), "[" + strings.TrimSpace(eventLines(3, 1)) + "]"} {
			key := fmt.Sprintf("Idempotency-Key: mine %d", len(body))
			resp := doRequest(h, "POST", "/event", body, key)
			if resp.Code != http.StatusOK || resp.Header().Get("Idempotency-Replayed") != "" || seen[resp.Body.String()] {
				t.Errorf("%d %s", resp.Code, resp.Body)
			}
			seen[resp.Body.String()] = true
			if again := doRequest(h, "POST", "/event", body, key); again.Body.String() != resp.Body.String() || again.Header().Get("Idempotency-Replayed") != "true" {
				t.Errorf("again: %s, not %s", again.Body, resp.Body)
			}
		}
	}
	if n := count(t, pool, "SELECT count(*) FROM event WHERE actor = 'bea'"); n != 2 {
		t.Errorf("bea recorded %d events", n)
	}
}

// TestEvent_retryOnAnotherInstance repeats requests on two servers of one database at once: each is recorded once, whoever comes first.
func TestEvent_retryOnAnotherInstance(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	servers := []http.Handler{newTestAPI(pool), newTestAPI(pool)}
	const rounds = 30
	for i := range rounds {
		body := eventLines(5, 1)
		if i%2 == 1 {
			body = "[" + strings.TrimSpace(eventLines(6, 1)) + "," + strings.TrimSpace(eventLines(5, 1)) + "]"
		}
		responses := make([]*httptest.ResponseRecorder, len(servers))
		var all sync.WaitGroup
		for s, h := range servers {
			all.Go(func() {
				responses[s] = doRequest(h, "POST", "/event", body, fmt.Sprintf("Idempotency-Key: round %d", i))
			})
		}
		all.Wait()
		replayed := 0
		for _, resp := range responses {
			if resp.Code != http.StatusOK || resp.Body.String() != responses[0].Body.String() {
				t.Errorf("round %d: %d %s, %d %s", i, responses[0].Code, responses[0].Body, resp.Code, resp.Body)
			}
			if resp.Header().Get("Idempotency-Replayed") == "true" {
				replayed++
			}
		}
		if replayed != 1 {
			t.Errorf("round %d: %d of the answers are of the other request", i, replayed)
		}
	}
	if n := count(t, pool, "SELECT count(*) FROM event"); n != rounds/2*3 {
		t.Errorf("%d events", n)
	}
}

// TestEvent_sameKeyForTwoUsers uses one key for events of two users on two servers at once: one of them is refused.
func TestEvent_sameKeyForTwoUsers(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	servers := []http.Handler{newTestAPI(pool), newTestAPI(pool)}
	conflicts := 0
	const rounds = 30
	for i := range rounds {
		statuses := make([]int, len(servers))
		var all sync.WaitGroup
		for s, h := range servers {
			all.Go(func() {
				statuses[s] = doRequest(h, "POST", "/event", eventLines(int64(10+s), 1), fmt.Sprintf("Idempotency-Key: users %d", i)).Code
			})
		}
		all.Wait()
		if statuses[0] == http.StatusOK && statuses[1] == http.StatusOK {
			conflicts++
		}
	}
	if conflicts > 0 {
		t.Errorf("in %d of %d rounds one key recorded two requests", conflicts, rounds)
	}
}

// TestEventBatch_tooManyEvents: a batch has a greatest length, and one that is longer is refused as a whole.
func TestEventBatch_tooManyEvents(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	const line = `{"type":"deposit","amount":1,"user_id":1,"time":1}` + "\n"
	resp := doRequest(newTestAPI(pool), "POST", "/api/v1/events", strings.Repeat(line, ledger.MaxBatch+1), "Content-Type: application/x-ndjson")
	var p Problem
	if err := json.Unmarshal(resp.Body.Bytes(), &p); err != nil || resp.Code != http.StatusBadRequest {
		t.Fatalf("%d %s: %v", resp.Code, resp.Body, err)
	}
	if len(p.Errors) != 1 || p.Errors[0].Line != ledger.MaxBatch+1 || !strings.Contains(p.Errors[0].Message, "more than 1000000 events") {
		t.Errorf("%+v", p)
	}
	if n := count(t, pool, "SELECT count(*) FROM event"); n != 0 {
		t.Errorf("%d events are stored", n)
	}
}
