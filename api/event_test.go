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

// await waits for a condition.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never:", what)
		}
	}
}

// TestEventBreaksOff cuts bodies of every kind off in the middle, in both framings, also where what came so far makes sense. Nothing is stored,
// and the key is not used.
func TestEventBreaksOff(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	server := httptest.NewServer(newAPI(pool))
	defer server.Close()
	before := rowsOf(t, pool, ledgerTables...)
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
		{"many lines, after a whole one", "application/x-ndjson", strings.Repeat(line, 3*chunkLines)},
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
			status := cutOff(t, server, "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nIdempotency-Key: cut\r\nContent-Type: "+c.kind+"\r\n"+framing+"\r\n\r\n"+sent)
			if status != http.StatusBadRequest && status != 0 {
				t.Errorf("%s, chunked %v: %d", c.what, chunked, status)
			}
		}
	}
	if after := rowsOf(t, pool, ledgerTables...); after != before {
		t.Errorf("something was stored:\n%s", after)
	}
	if answer := call(newAPI(pool), "POST", "/api/v1/events", line, "Idempotency-Key: cut"); answer.Code != http.StatusCreated || answer.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("afterwards: %d %v %s", answer.Code, answer.Header(), answer.Body)
	}
}

// cutOff sends text, closes the sending half of the connection, and returns the status of the answer; 0 when there is none.
func cutOff(t *testing.T, server *httptest.Server, text string) int {
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

// narrowServer is a server whose connections hold little, so that it notices soon when nobody reads.
func narrowServer(h http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(h)
	server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(4096) // the system takes its least
		return ctx
	}
	server.Start()
	return server
}

// TestEventDeafClient sends batches whose answers nobody reads. They are recorded, and hold nothing that others need: no connection to the
// database, no user. Whoever sends such a batch again under its key has the whole answer.
func TestEventDeafClient(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	server := narrowServer(newAPI(pool))
	defer server.Close()
	const n = 20_000
	body := eventLines(7, n)
	deaf, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = deaf.Close() }() // a second time
	_ = deaf.(*net.TCPConn).SetReadBuffer(4096)
	request := "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nIdempotency-Key: deaf\r\nContent-Type: application/x-ndjson\r\n"
	if _, err := fmt.Fprintf(deaf, "%sContent-Length: %d\r\n\r\n%s", request, len(body), body); err != nil {
		t.Fatal(err)
	}
	await(t, "the batch is recorded", func() bool { return count(t, pool, "SELECT count(*) FROM event WHERE user_id = 7") == n })
	await(t, "no connection is held", func() bool { return pool.Stat().AcquiredConns() == 0 })
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
		answer, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, response.Header.Get("Idempotency-Replayed"), string(answer)
	}
	start := time.Now()
	if status, _, answer := send(eventLines(7, 100), ""); status != http.StatusOK {
		t.Errorf("a batch of the same user meanwhile: %d %s", status, answer)
	}
	if answer := call(server.Config.Handler, "POST", "/event", eventLines(7, 1)); answer.Code != http.StatusOK {
		t.Errorf("an event of the same user meanwhile: %d %s", answer.Code, answer.Body)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("others waited for %v", took)
	}
	_ = deaf.Close() // it has not read a byte
	status, replayed, answer := send(body, "deaf")
	lines := strings.Split(strings.TrimSuffix(answer, "\n"), "\n")
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

// TestEventManyDeafClients: as many of them as may transfer at once keep single events from nothing. A further batch is told to come back, and
// when they go, it is taken at once.
func TestEventManyDeafClients(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	server := narrowServer(newAPI(pool))
	defer server.Close()
	const n = 5_000
	var deaf []net.Conn
	for i := range int(pool.Config().MaxConns / 2) {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }() // a second time
		deaf = append(deaf, conn)
		_ = conn.(*net.TCPConn).SetReadBuffer(4096)
		body := eventLines(int64(i), n)
		if _, err := fmt.Fprintf(conn, "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			t.Fatal(err)
		}
		await(t, "the batch is recorded", func() bool { return count(t, pool, "SELECT count(*) FROM event WHERE user_id = $1", i) == n })
	}
	if answer := call(server.Config.Handler, "POST", "/event", eventLines(1, 1)); answer.Code != http.StatusOK {
		t.Errorf("one event: %d %s", answer.Code, answer.Body)
	}
	batch := func() *httptest.ResponseRecorder {
		return call(server.Config.Handler, "POST", "/event", "["+strings.TrimSpace(eventLines(1, 1))+"]")
	}
	if answer := batch(); answer.Code != http.StatusOK && (answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "") {
		t.Errorf("a batch: %d %s", answer.Code, answer.Body)
	}
	for _, conn := range deaf {
		_ = conn.Close() // it has not read a byte
	}
	start := time.Now()
	await(t, "a batch is taken", func() bool { return batch().Code == http.StatusOK })
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("clients that are gone keep batches out for %v", took)
	}
}

// TestEventTwins sends the same request under the same key twice at once, while the user is held: one is told so, the other is recorded,
// and after that both have the same answer. While the user is held, nobody else waits.
func TestEventTwins(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := newAPI(pool)
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
		answers := make([]*httptest.ResponseRecorder, 2)
		told := make(chan struct{})
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				answers[i] = call(h, "POST", "/event", body, key)
				if answers[i].Code == http.StatusConflict {
					close(told)
				}
			})
		}
		select {
		case <-told:
		case <-time.After(10 * time.Second):
			t.Fatal("nobody was told that a twin is under way")
		}
		if answer := call(h, "POST", "/event", `{"type":"deposit","amount":1,"user_id":2,"time":1}`); answer.Code != http.StatusOK {
			t.Errorf("another user meanwhile: %d %s", answer.Code, answer.Body)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		slices.SortFunc(answers, func(a, b *httptest.ResponseRecorder) int { return a.Code - b.Code })
		if answers[0].Code != http.StatusOK || answers[1].Header().Get("Retry-After") == "" || answers[0].Header().Get("Idempotency-Replayed") != "" {
			t.Fatalf("the twins: %d %s, %d %s", answers[0].Code, answers[0].Body, answers[1].Code, answers[1].Body)
		}
		again := call(h, "POST", "/event", body, key)
		if again.Code != http.StatusOK || again.Body.String() != answers[0].Body.String() || again.Header().Get("Idempotency-Replayed") != "true" {
			t.Errorf("again: %d %s, not %s", again.Code, again.Body, answers[0].Body)
		}
		if after := count(t, pool, "SELECT count(*) FROM event"); after != before+2 {
			t.Errorf("%d events, not 2", after-before)
		}
	}
}

// TestEventHeldUser: while somebody holds a user for long, the user's events are refused with 503, and their key is not used. A batch waits.
func TestEventHeldUser(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := newAPI(pool)
	before := rowsOf(t, pool, ledgerTables...)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT FROM user_state WHERE user_id = 2 FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	one, many := eventLines(2, 1), "["+strings.TrimSpace(eventLines(1, 1))+","+strings.TrimSpace(eventLines(2, 1))+"]"
	for _, target := range []string{"/event", "/event?simulate=true"} {
		answer := call(h, "POST", target, one, "Idempotency-Key: held")
		if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", target, answer.Code, answer.Body)
		}
	}
	if after := rowsOf(t, pool, ledgerTables...); after != before {
		t.Errorf("something was stored:\n%s", after)
	}
	done := make(chan *httptest.ResponseRecorder)
	go func() { done <- call(h, "POST", "/event", many) }()
	select {
	case answer := <-done:
		t.Errorf("the batch did not wait: %d %s", answer.Code, answer.Body)
	case <-time.After(time.Second):
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if answer := <-done; answer.Code != http.StatusOK {
		t.Errorf("the batch that waited: %d %s", answer.Code, answer.Body)
	}
	if answer := call(h, "POST", "/event", one, "Idempotency-Key: held"); answer.Code != http.StatusOK || answer.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("when it is free: %d %s", answer.Code, answer.Body)
	}
	if n := count(t, pool, "SELECT count(*) FROM event"); n != 3 {
		t.Errorf("%d events", n)
	}
}

// TestEventCallers: a key is its caller's own.
func TestEventCallers(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	ada, bea := New(Options{Pool: pool, Log: log, AnonymousActor: "ada"}), New(Options{Pool: pool, Log: log, AnonymousActor: "bea"})
	seen := map[string]bool{}
	for _, h := range []http.Handler{ada, bea} {
		for _, body := range []string{eventLines(3, 1), "[" + strings.TrimSpace(eventLines(3, 1)) + "]"} {
			key := fmt.Sprintf("Idempotency-Key: mine %d", len(body))
			answer := call(h, "POST", "/event", body, key)
			if answer.Code != http.StatusOK || answer.Header().Get("Idempotency-Replayed") != "" || seen[answer.Body.String()] {
				t.Errorf("%d %s", answer.Code, answer.Body)
			}
			seen[answer.Body.String()] = true
			if again := call(h, "POST", "/event", body, key); again.Body.String() != answer.Body.String() || again.Header().Get("Idempotency-Replayed") != "true" {
				t.Errorf("again: %s, not %s", again.Body, answer.Body)
			}
		}
	}
	if n := count(t, pool, "SELECT count(*) FROM event WHERE actor = 'bea'"); n != 2 {
		t.Errorf("bea recorded %d events", n)
	}
}

// TestEventTwoServers repeats requests on two servers of one database at once: each is recorded once, whoever comes first.
func TestEventTwoServers(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	servers := []http.Handler{newAPI(pool), newAPI(pool)}
	const rounds = 30
	for i := range rounds {
		body := eventLines(5, 1)
		if i%2 == 1 {
			body = "[" + strings.TrimSpace(eventLines(6, 1)) + "," + strings.TrimSpace(eventLines(5, 1)) + "]"
		}
		answers := make([]*httptest.ResponseRecorder, len(servers))
		var all sync.WaitGroup
		for s, h := range servers {
			all.Go(func() { answers[s] = call(h, "POST", "/event", body, fmt.Sprintf("Idempotency-Key: round %d", i)) })
		}
		all.Wait()
		replayed := 0
		for _, answer := range answers {
			if answer.Code != http.StatusOK || answer.Body.String() != answers[0].Body.String() {
				t.Errorf("round %d: %d %s, %d %s", i, answers[0].Code, answers[0].Body, answer.Code, answer.Body)
			}
			if answer.Header().Get("Idempotency-Replayed") == "true" {
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

// TestEventKeyOfTwoUsers uses one key for events of two users on two servers at once: one of them is refused.
func TestEventKeyOfTwoUsers(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	servers := []http.Handler{newAPI(pool), newAPI(pool)}
	twice := 0
	const rounds = 30
	for i := range rounds {
		answers := make([]int, len(servers))
		var all sync.WaitGroup
		for s, h := range servers {
			all.Go(func() {
				answers[s] = call(h, "POST", "/event", eventLines(int64(10+s), 1), fmt.Sprintf("Idempotency-Key: users %d", i)).Code
			})
		}
		all.Wait()
		if answers[0] == http.StatusOK && answers[1] == http.StatusOK {
			twice++
		}
	}
	if twice > 0 {
		t.Errorf("in %d of %d rounds one key recorded two requests", twice, rounds)
	}
}

// TestEventTooMany: a batch has a greatest length, and one that is longer is refused as a whole.
func TestEventTooMany(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	const line = `{"type":"deposit","amount":1,"user_id":1,"time":1}` + "\n"
	answer := call(newAPI(pool), "POST", "/api/v1/events", strings.Repeat(line, ledger.MaxBatch+1), "Content-Type: application/x-ndjson")
	var p Problem
	if err := json.Unmarshal(answer.Body.Bytes(), &p); err != nil || answer.Code != http.StatusBadRequest {
		t.Fatalf("%d %s: %v", answer.Code, answer.Body, err)
	}
	if len(p.Errors) != 1 || p.Errors[0].Line != ledger.MaxBatch+1 || !strings.Contains(p.Errors[0].Message, "more than 1000000 events") {
		t.Errorf("%+v", p)
	}
	if n := count(t, pool, "SELECT count(*) FROM event"); n != 0 {
		t.Errorf("%d events are stored", n)
	}
}
