package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"labledger/internal/ledger"
	"labledger/internal/pgtest"
)

// This file tests what a story cannot: broken connections, slow readers and large batches.

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
	if elapsed := time.Since(start); elapsed > 20*time.Second { // the server waits 30 s for a slow reader
		t.Errorf("concurrent requests took %v, want at most 20s", elapsed)
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
	if elapsed := time.Since(start); elapsed > 20*time.Second {
		t.Errorf("disconnected clients blocked batches for %v, want at most 20s", elapsed)
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
