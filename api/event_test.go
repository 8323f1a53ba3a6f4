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

	"labledger/internal/ledger"
	"labledger/internal/pgtest"
)

// This file tests what a story cannot: concurrent event requests, broken connections and slow readers.

// ledgerTables are the tables that recording an event may change.
var ledgerTables = []string{"event", "alert", "user_state", "idempotency"}

// eventLines returns n events of a user as NDJSON. They raise no alerts.
func eventLines(user int64, n int) string {
	var b strings.Builder
	for i := range n {
		_, _ = fmt.Fprintf(&b, `{"type":"deposit","amount":"1.50","user_id":%d,"time":%d}`+"\n", user, i*100)
	}
	return b.String()
}

// TestEvent_truncatedBody truncates bodies of every format, with both framings, including where the part received is
// valid by itself. Nothing is stored and the idempotency key stays unused.
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
	for _, c := range []struct{ name, mediaType, sent string }{
		{"JSON object, within", "application/json", line[:20]},
		{"JSON object, before the newline", "application/json", line[:len(line)-1]},
		{"JSON array, within an element", "application/json", array[:len(array)/2]},
		{"JSON array, before the closing bracket", "application/json", array[:len(array)-1]},
		{"JSON array, complete but shorter than announced", "application/json", array},
		{"NDJSON, within a line", "application/x-ndjson", strings.Repeat(line, 9) + line[:30]},
		{"NDJSON, before a newline", "application/x-ndjson", strings.Repeat(line, 9) + line[:len(line)-1]},
		{"NDJSON, after a line", "application/x-ndjson", strings.Repeat(line, 9)},
		{"NDJSON, after many lines", "application/x-ndjson", strings.Repeat(line, 3*maxChunkRows)},
		{"CSV, within the header", "text/csv", table[:10]},
		{"CSV, within a row", "text/csv", table + row + row[:9]},
		{"CSV, before a newline", "text/csv", table + row + row[:len(row)-1]},
		{"CSV, after a row", "text/csv", table + strings.Repeat(row, 10)},
		{"CSV, within quotes", "text/csv", table + row + "\"deposit"},
	} {
		for _, chunked := range []bool{false, true} {
			framing, sent := fmt.Sprintf("Content-Length: %d", len(c.sent)+1), c.sent
			if chunked {
				framing, sent = "Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n", len(c.sent), c.sent)
			}
			head := "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nIdempotency-Key: cut\r\nContent-Type: " + c.mediaType
			status := sendTruncated(t, server, head+"\r\n"+framing+"\r\n\r\n"+sent)
			if status != http.StatusBadRequest && status != 0 {
				t.Errorf("%s, chunked %v: status %d", c.name, chunked, status)
			}
		}
	}
	if after := dumpRows(t, pool, ledgerTables...); after != before {
		t.Errorf("truncated requests stored rows:\n%s", after)
	}
	resp := doRequest(newTestAPI(pool), "POST", "/api/v1/events", line, "Idempotency-Key: cut")
	if resp.Code != http.StatusCreated || resp.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("complete request with the same key: %d %v %s", resp.Code, resp.Header(), resp.Body)
	}
}

// sendTruncated sends text, closes the sending half of the connection and returns the status of the response, or 0 if
// there is none.
func sendTruncated(t *testing.T, server *httptest.Server, text string) int {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	// Both may fail, because the server may respond and close before it has read everything.
	_, _ = io.WriteString(conn, text)
	_ = conn.(*net.TCPConn).CloseWrite()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// smallBufferServer starts a server with small write buffers, so that its writes block soon if the client does not
// read.
func smallBufferServer(h http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(h)
	server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(4096) // the kernel may round it up
		return ctx
	}
	server.Start()
	return server
}

// TestEventBatch_slowReader sends a batch and does not read the response. The batch is recorded and holds neither a
// database connection nor a lock on the user. Repeating it with its key returns all results.
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
	defer func() { _ = slow.Close() }()
	_ = slow.(*net.TCPConn).SetReadBuffer(4096)
	request := "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nIdempotency-Key: slow\r\nContent-Type: application/x-ndjson\r\n"
	if _, err := fmt.Fprintf(slow, "%sContent-Length: %d\r\n\r\n%s", request, len(body), body); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the batch is recorded", func() bool {
		return count(t, pool, "SELECT count(*) FROM event WHERE user_id = 7") == n
	})
	waitFor(t, "all connections are released", func() bool { return pool.Stat().AcquiredConns() == 0 })
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
		defer func() { _ = response.Body.Close() }()
		resp, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, response.Header.Get("Idempotency-Replayed"), string(resp)
	}
	start := time.Now()
	if status, _, resp := send(eventLines(7, 100), ""); status != http.StatusOK {
		t.Errorf("concurrent batch of the same user: %d %s", status, resp)
	}
	if resp := doRequest(server.Config.Handler, "POST", "/event", eventLines(7, 1)); resp.Code != http.StatusOK {
		t.Errorf("concurrent event of the same user: %d %s", resp.Code, resp.Body)
	}
	if elapsed := time.Since(start); elapsed > 5*time.Second {
		t.Errorf("concurrent requests took %v, want at most 5s", elapsed)
	}
	_ = slow.Close()
	status, replayed, resp := send(body, "slow")
	lines := strings.Split(strings.TrimSuffix(resp, "\n"), "\n")
	if status != http.StatusOK || replayed != "true" || len(lines) != n {
		t.Fatalf("repeated batch: status %d, Idempotency-Replayed %q, %d lines", status, replayed, len(lines))
	}
	previousID := ""
	for i, text := range lines {
		var line RecordedEvent
		err := json.Unmarshal([]byte(text), &line)
		if err != nil || line.UserID != 7 || line.EventID.String() <= previousID {
			t.Fatalf("line %d of the repeated response: %s: %v", i+1, text, err)
		}
		previousID = line.EventID.String()
	}
	if stored := count(t, pool, "SELECT count(*) FROM event WHERE user_id = 7"); stored != n+101 {
		t.Errorf("%d events are stored, want %d", stored, n+101)
	}
	unordered := count(t, pool, `SELECT count(*)
		FROM (
			SELECT time, lag(time) OVER (ORDER BY id) AS before
			FROM (SELECT * FROM event WHERE user_id = 7 ORDER BY id LIMIT $1) AS e
		) AS e
		WHERE time <= before`, n)
	if unordered != 0 {
		t.Errorf("%d events are out of order", unordered)
	}
}

// TestEventBatch_manySlowReaders uses up all transfer slots with slow readers. Single events are still accepted; a
// further batch may get 503 with Retry-After, and is accepted once the readers disconnect.
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
		defer func() { _ = conn.Close() }()
		slow = append(slow, conn)
		_ = conn.(*net.TCPConn).SetReadBuffer(4096)
		body := eventLines(int64(i), n)
		request := "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
		if _, err := fmt.Fprintf(conn, "%sContent-Length: %d\r\n\r\n%s", request, len(body), body); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the batch is recorded", func() bool {
			return count(t, pool, "SELECT count(*) FROM event WHERE user_id = $1", i) == n
		})
	}
	if resp := doRequest(server.Config.Handler, "POST", "/event", eventLines(1, 1)); resp.Code != http.StatusOK {
		t.Errorf("single event: %d %s", resp.Code, resp.Body)
	}
	batch := func() *httptest.ResponseRecorder {
		return doRequest(server.Config.Handler, "POST", "/event", "["+strings.TrimSpace(eventLines(1, 1))+"]")
	}
	resp := batch()
	rejected := resp.Code == http.StatusServiceUnavailable && resp.Header().Get("Retry-After") != ""
	if resp.Code != http.StatusOK && !rejected {
		t.Errorf("further batch: %d %s", resp.Code, resp.Body)
	}
	for _, conn := range slow {
		_ = conn.Close()
	}
	start := time.Now()
	waitFor(t, "a batch is accepted", func() bool { return batch().Code == http.StatusOK })
	if elapsed := time.Since(start); elapsed > 5*time.Second {
		t.Errorf("disconnected clients blocked batches for %v, want at most 5s", elapsed)
	}
}

// TestEvent_concurrentRetry sends the same request twice at once with the same key, while the user is locked. One
// request gets 409, the other is recorded, and a later retry returns its response. Events of other users are not
// blocked.
func TestEvent_concurrentRetry(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := newTestAPI(pool)
	line := `{"type":"withdraw","amount":"101","user_id":1,"time":1}`
	for _, body := range []string{line, "[" + line + "]"} {
		key := fmt.Sprintf("Idempotency-Key: concurrent %d", len(body))
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
		var wg sync.WaitGroup
		for i := range responses {
			wg.Go(func() {
				responses[i] = doRequest(h, "POST", "/event", body, key)
				if responses[i].Code == http.StatusConflict {
					close(conflicted)
				}
			})
		}
		select {
		case <-conflicted:
		case <-time.After(10 * time.Second):
			t.Fatal("neither request got 409 while the other was in progress")
		}
		resp := doRequest(h, "POST", "/event", `{"type":"deposit","amount":1,"user_id":2,"time":1}`)
		if resp.Code != http.StatusOK {
			t.Errorf("event of another user: %d %s", resp.Code, resp.Body)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		slices.SortFunc(responses, func(a, b *httptest.ResponseRecorder) int { return a.Code - b.Code })
		recorded, rejected := responses[0], responses[1]
		if recorded.Code != http.StatusOK || recorded.Header().Get("Idempotency-Replayed") != "" ||
			rejected.Header().Get("Retry-After") == "" {
			t.Fatalf("got %d %s and %d %s", recorded.Code, recorded.Body, rejected.Code, rejected.Body)
		}
		repeated := doRequest(h, "POST", "/event", body, key)
		if repeated.Code != http.StatusOK || repeated.Body.String() != recorded.Body.String() ||
			repeated.Header().Get("Idempotency-Replayed") != "true" {
			t.Errorf("retry: %d %s, want %s", repeated.Code, repeated.Body, recorded.Body)
		}
		if after := count(t, pool, "SELECT count(*) FROM event"); after != before+2 {
			t.Errorf("recorded %d events, want 2", after-before)
		}
	}
}

// TestEvent_lockedUser: while another transaction locks a user, events of that user get 503 and do not use up their
// key. A batch waits for the lock.
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
	event := eventLines(2, 1)
	batch := "[" + strings.TrimSpace(eventLines(1, 1)) + "," + strings.TrimSpace(eventLines(2, 1)) + "]"
	for _, target := range []string{"/event", "/event?simulate=true"} {
		resp := doRequest(h, "POST", target, event, "Idempotency-Key: locked")
		if resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", target, resp.Code, resp.Body)
		}
	}
	if after := dumpRows(t, pool, ledgerTables...); after != before {
		t.Errorf("rejected events stored rows:\n%s", after)
	}
	done := make(chan *httptest.ResponseRecorder)
	go func() { done <- doRequest(h, "POST", "/event", batch) }()
	select {
	case resp := <-done:
		t.Errorf("batch did not wait for the lock: %d %s", resp.Code, resp.Body)
	case <-time.After(time.Second):
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if resp := <-done; resp.Code != http.StatusOK {
		t.Errorf("batch after the lock: %d %s", resp.Code, resp.Body)
	}
	resp := doRequest(h, "POST", "/event", event, "Idempotency-Key: locked")
	if resp.Code != http.StatusOK || resp.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("event after the lock: %d %s", resp.Code, resp.Body)
	}
	if n := count(t, pool, "SELECT count(*) FROM event"); n != 3 {
		t.Errorf("%d events are stored, want 3", n)
	}
}

// TestEvent_keyPerCaller: callers may use the same idempotency key independently.
func TestEvent_keyPerCaller(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	ada := New(Options{Pool: pool, Log: log, AnonymousActor: "ada"})
	bea := New(Options{Pool: pool, Log: log, AnonymousActor: "bea"})
	seen := map[string]bool{}
	for _, h := range []http.Handler{ada, bea} {
		for _, body := range []string{eventLines(3, 1), "[" + strings.TrimSpace(eventLines(3, 1)) + "]"} {
			key := fmt.Sprintf("Idempotency-Key: shared %d", len(body))
			resp := doRequest(h, "POST", "/event", body, key)
			replayed := resp.Header().Get("Idempotency-Replayed") != ""
			if resp.Code != http.StatusOK || replayed || seen[resp.Body.String()] {
				t.Errorf("%d %s", resp.Code, resp.Body)
			}
			seen[resp.Body.String()] = true
			repeated := doRequest(h, "POST", "/event", body, key)
			if repeated.Body.String() != resp.Body.String() || repeated.Header().Get("Idempotency-Replayed") != "true" {
				t.Errorf("retry: %s, want %s", repeated.Body, resp.Body)
			}
		}
	}
	if n := count(t, pool, "SELECT count(*) FROM event WHERE actor = 'bea'"); n != 2 {
		t.Errorf("bea recorded %d events, want 2", n)
	}
}

// TestEvent_retryOnAnotherInstance sends each request to two instances at once. It is recorded once.
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
		var wg sync.WaitGroup
		for s, h := range servers {
			wg.Go(func() {
				key := fmt.Sprintf("Idempotency-Key: round %d", i)
				responses[s] = doRequest(h, "POST", "/event", body, key)
			})
		}
		wg.Wait()
		replayed := 0
		for _, resp := range responses {
			if resp.Code != http.StatusOK || resp.Body.String() != responses[0].Body.String() {
				first := responses[0]
				t.Errorf("round %d: responses differ: %d %s, %d %s", i, first.Code, first.Body, resp.Code, resp.Body)
			}
			if resp.Header().Get("Idempotency-Replayed") == "true" {
				replayed++
			}
		}
		if replayed != 1 {
			t.Errorf("round %d: %d replayed responses, want 1", i, replayed)
		}
	}
	if n := count(t, pool, "SELECT count(*) FROM event"); n != rounds/2*3 {
		t.Errorf("%d events are stored, want %d", n, rounds/2*3)
	}
}

// TestEvent_sameKeyForTwoUsers uses one key for events of two users on two instances at once. At most one is recorded.
func TestEvent_sameKeyForTwoUsers(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	servers := []http.Handler{newTestAPI(pool), newTestAPI(pool)}
	conflicts := 0
	const rounds = 30
	for i := range rounds {
		statuses := make([]int, len(servers))
		var wg sync.WaitGroup
		for s, h := range servers {
			wg.Go(func() {
				key := fmt.Sprintf("Idempotency-Key: users %d", i)
				statuses[s] = doRequest(h, "POST", "/event", eventLines(int64(10+s), 1), key).Code
			})
		}
		wg.Wait()
		if statuses[0] == http.StatusOK && statuses[1] == http.StatusOK {
			conflicts++
		}
	}
	if conflicts > 0 {
		t.Errorf("one key recorded two requests in %d of %d rounds", conflicts, rounds)
	}
}

// TestEventBatch_tooManyEvents: a batch of more than ledger.MaxBatch events is rejected as a whole.
func TestEventBatch_tooManyEvents(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	const line = `{"type":"deposit","amount":1,"user_id":1,"time":1}` + "\n"
	body := strings.Repeat(line, ledger.MaxBatch+1)
	resp := doRequest(newTestAPI(pool), "POST", "/api/v1/events", body, "Content-Type: application/x-ndjson")
	var p Problem
	if err := json.Unmarshal(resp.Body.Bytes(), &p); err != nil || resp.Code != http.StatusBadRequest {
		t.Fatalf("%d %s: %v", resp.Code, resp.Body, err)
	}
	if len(p.Errors) != 1 || p.Errors[0].Line != ledger.MaxBatch+1 ||
		!strings.Contains(p.Errors[0].Message, "more than 1000000 events") {
		t.Errorf("%+v", p)
	}
	if n := count(t, pool, "SELECT count(*) FROM event"); n != 0 {
		t.Errorf("%d events are stored, want none", n)
	}
}
