package api_test

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
	"sync/atomic"
	"testing"
	"time"

	"labledger/api"
	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/ledger"
	"labledger/internal/pgtest"
)

// This file tests what a story cannot: broken connections, slow readers and large batches.

// ledgerTables are the tables that recording an event may change.
var ledgerTables = []string{"event", "alert", "user_state", "idempotency"}

const countEvents = "SELECT count(*) FROM event"

// TestEvent_tooFarAhead: an event with a time in milliseconds, or with one too far in the future, is rejected in every
// form, and nothing is stored. A server without a limit accepts it.
func TestEvent_tooFarAhead(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t, func(o *api.Options) { o.Access.AuthRequired, o.EventMaxAhead = false, time.Hour })
	seconds := time.Now().Unix()
	const valid = `{"type":"deposit","amount":"1","user_id":1,"time":1}`
	escaped := strings.Replace(valid, "deposit", `\u0064eposit`, 1) // not for the fast path
	milliseconds := func(event string) string {
		return strings.Replace(event, `"time":1`, fmt.Sprintf(`"time":%d`, seconds*1000), 1)
	}
	message := fmt.Sprintf("it looks like milliseconds: send seconds, %d", seconds)
	for _, r := range []struct{ target, mediaType, body, want string }{
		{"/event", "application/json", milliseconds(valid), message},
		{"/event?dry_run=true", "application/json", milliseconds(valid), message},
		{"/api/v1/events?simulate=true", "application/json", "[" + milliseconds(valid) + "]", message},
		{"/api/v1/events", "application/json", "[" + valid + "," + milliseconds(valid) + "]", message},
		{"/api/v1/events", "application/x-ndjson", valid + "\n" + milliseconds(escaped), message},
		{"/api/v1/events", "text/csv", fmt.Sprintf("type,amount,user_id,time\ndeposit,1,1,%d\n", seconds*1000), message},
		{
			"/event", "application/json", strings.Replace(valid, `:1}`, fmt.Sprintf(":%d}", seconds+7200), 1),
			"1h0m0s in the future; check the clock of the sender",
		},
		{"/event", "application/json", strings.Replace(milliseconds(valid), `"1"`, `"0"`, 1), `"amount"`},
	} {
		w := apitest.Do(ts.Handler, "POST", r.target, r.body, "Content-Type: "+r.mediaType)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), r.want) ||
			!strings.Contains(w.Body.String(), `"field":"time"`) {
			t.Errorf("%s %s %s: %d %s", r.target, r.mediaType, r.body, w.Code, w.Body)
		}
	}
	if n := apitest.Value[int](ts, "SELECT count(*) FROM event"); n != 0 {
		t.Errorf("%d events were stored", n)
	}
	unlimited := ts.NewInstance(func(o *api.Options) { o.EventMaxAhead = 0 })
	if w := apitest.Do(unlimited.Handler, "POST", "/event", milliseconds(valid)); w.Code != http.StatusOK {
		t.Errorf("without a limit: %d %s", w.Code, w.Body)
	}
}

// eventLines returns n events of a user as NDJSON. They raise no alerts.
func eventLines(user int64, n int) string {
	var b strings.Builder
	for i := range n {
		_, _ = fmt.Fprintf(&b, `{"type":"deposit","amount":"1.50","user_id":%d,"time":%d}`+"\n", user, i*100)
	}
	return b.String()
}

// eventArray returns one event of each user as a JSON array.
func eventArray(users ...int64) string {
	var objects []string
	for _, user := range users {
		objects = append(objects, strings.TrimSpace(eventLines(user, 1)))
	}
	return "[" + strings.Join(objects, ",") + "]"
}

// A truncatedBody is a body that is longer than the part that the server receives.
type truncatedBody struct{ name, mediaType, sent string }

func truncatedBodies() []truncatedBody {
	line := eventLines(1, 1)
	array := "[" + strings.Join(strings.Split(strings.TrimSpace(eventLines(1, 30)), "\n"), ",") + "]"
	const table = "type,amount,user_id,time\n"
	const row = "deposit,1,1,1\n"
	return []truncatedBody{
		{"JSON object, within", rest.MediaTypeJSON, line[:20]},
		{"JSON object, before the newline", rest.MediaTypeJSON, line[:len(line)-1]},
		{"JSON array, within an element", rest.MediaTypeJSON, array[:len(array)/2]},
		{"JSON array, before the closing bracket", rest.MediaTypeJSON, array[:len(array)-1]},
		{"JSON array, complete but shorter than announced", rest.MediaTypeJSON, array},
		{"NDJSON, within a line", rest.MediaTypeNDJSON, strings.Repeat(line, 9) + line[:30]},
		{"NDJSON, before a newline", rest.MediaTypeNDJSON, strings.Repeat(line, 9) + line[:len(line)-1]},
		{"NDJSON, after a line", rest.MediaTypeNDJSON, strings.Repeat(line, 9)},
		{"NDJSON, after many lines", rest.MediaTypeNDJSON, strings.Repeat(line, 15_000)},
		{"CSV, within the header", rest.MediaTypeCSV, table[:10]},
		{"CSV, within a row", rest.MediaTypeCSV, table + row + row[:9]},
		{"CSV, before a newline", rest.MediaTypeCSV, table + row + row[:len(row)-1]},
		{"CSV, after a row", rest.MediaTypeCSV, table + strings.Repeat(row, 10)},
		{"CSV, within quotes", rest.MediaTypeCSV, table + row + "\"deposit"},
	}
}

// TestEvent_truncatedBody truncates bodies of every format, with both framings, including where the part received is
// valid by itself. Nothing is stored and the idempotency key stays unused.
func TestEvent_truncatedBody(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	server := httptest.NewServer(apitest.NewPublic(pool))
	defer server.Close()
	before := apitest.DumpTables(t, pool, ledgerTables...)
	for _, b := range truncatedBodies() {
		head := "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nIdempotency-Key: cut\r\nContent-Type: " + b.mediaType
		for framing, text := range map[string]string{
			fmt.Sprintf("Content-Length: %d", len(b.sent)+1): b.sent,
			"Transfer-Encoding: chunked":                     fmt.Sprintf("%x\r\n%s\r\n", len(b.sent), b.sent),
		} {
			status, err := sendTruncated(server, head+"\r\n"+framing+"\r\n\r\n"+text)
			if status != http.StatusBadRequest || err != nil {
				t.Errorf("%s, %s: status %d: %v", b.name, framing, status, err)
			}
		}
	}
	if after := apitest.DumpTables(t, pool, ledgerTables...); after != before {
		t.Errorf("truncated requests stored rows:\n%s", after)
	}
	resp := apitest.Do(server.Config.Handler, "POST", "/api/v1/events", eventLines(1, 1), "Idempotency-Key: cut")
	if resp.Code != http.StatusCreated || resp.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("complete request with the same key: %d %v %s", resp.Code, resp.Header(), resp.Body)
	}
}

// sendTruncated sends text, closes the sending half of the connection and returns the status of the response.
func sendTruncated(server *httptest.Server, text string) (status int, err error) {
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(pgtest.WaitTimeout)) // then the test fails instead of blocking
	if _, err := io.WriteString(conn, text); err != nil {
		return 0, err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return 0, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// A slowReaderServer has small write buffers, so that its writes block soon if the client does not read.
type slowReaderServer struct {
	*httptest.Server
	inFlight atomic.Int64 // requests over TCP whose handler has not returned
}

func newSlowReaderServer(t *testing.T, h http.Handler) *slowReaderServer {
	s := &slowReaderServer{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.inFlight.Add(1)
		defer s.inFlight.Add(-1)
		h.ServeHTTP(w, r)
	}))
	s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(4096) // the kernel may round it up
		return ctx
	}
	s.Start()
	t.Cleanup(func() {
		s.CloseClientConnections() // the handlers would block until their deadlines
		s.Close()
	})
	return s
}

// sendUnread sends a batch and does not read the response.
func (s *slowReaderServer) sendUnread(t *testing.T, body string, header ...string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	head := append([]string{
		"POST /api/v1/events HTTP/1.1", "Host: x", "Content-Type: application/x-ndjson",
		fmt.Sprintf("Content-Length: %d", len(body)),
	}, header...)
	if _, err := io.WriteString(conn, strings.Join(head, "\r\n")+"\r\n\r\n"+body); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestEventBatch_slowReader sends a batch and does not read the response. The batch is recorded and holds neither a
// database connection nor a lock on the user. Repeating it with its key returns all results.
func TestEventBatch_slowReader(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	server := newSlowReaderServer(t, h)
	const n = 20_000
	body := eventLines(7, n)
	slow := server.sendUnread(t, body, "Idempotency-Key: slow")
	pgtest.WaitFor(t, "the batch to be recorded", func() bool {
		return pgtest.QueryValue[int](t, pool, countEvents) == n
	})
	pgtest.WaitFor(t, "all connections to be released", func() bool { return pool.Stat().AcquiredConns() == 0 })
	if resp := apitest.Do(h, "POST", "/event", eventArray(7)); resp.Code != http.StatusOK {
		t.Errorf("concurrent batch of the same user: %d %s", resp.Code, resp.Body)
	}
	if resp := apitest.Do(h, "POST", "/event", eventLines(7, 1)); resp.Code != http.StatusOK {
		t.Errorf("concurrent event of the same user: %d %s", resp.Code, resp.Body)
	}
	if got := server.inFlight.Load(); got != 1 {
		t.Errorf("%d requests are in flight, want 1: the client was not slow", got)
	}
	_ = slow.Close()
	repeated := apitest.Do(h, "POST", "/api/v1/events", body,
		"Idempotency-Key: slow", "Content-Type: "+rest.MediaTypeNDJSON)
	if repeated.Code != http.StatusOK || !isReplayed(repeated) {
		t.Errorf("repeated batch: %d %v", repeated.Code, repeated.Header())
	}
	checkResults(t, repeated.Body.String(), 7, n)
	if stored := pgtest.QueryValue[int](t, pool, countEvents); stored != n+2 {
		t.Errorf("%d events are stored, want %d", stored, n+2)
	}
	unordered := pgtest.QueryValue[int](t, pool, `SELECT count(*)
		FROM (
			SELECT time, lag(time) OVER (ORDER BY id) AS before
			FROM (SELECT * FROM event ORDER BY id LIMIT $1) AS e
		) AS e
		WHERE time <= before`, n)
	if unordered != 0 {
		t.Errorf("%d events are out of order", unordered)
	}
}

// checkResults checks that NDJSON has n results of a user, with ascending IDs.
func checkResults(t *testing.T, text string, user int64, n int) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != n {
		t.Fatalf("got %d results, want %d", len(lines), n)
	}
	previousID := ""
	for i, line := range lines {
		var result api.RecordedEvent
		err := json.Unmarshal([]byte(line), &result)
		if err != nil || result.UserID != user || result.EventID.String() <= previousID {
			t.Fatalf("result %d: %s: %v", i+1, line, err)
		}
		previousID = result.EventID.String()
	}
}

// TestEventBatch_manySlowReaders uses up all transfer slots with slow readers. Single events are still accepted. A
// further batch is recorded once the readers disconnect.
func TestEventBatch_manySlowReaders(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	server := newSlowReaderServer(t, h)
	const n = 2_000 // results that fill the buffers of a connection many times
	var slow []net.Conn
	for i := range int(pool.Config().MaxConns / 4) {
		slow = append(slow, server.sendUnread(t, eventLines(int64(i), n)))
		pgtest.WaitFor(t, "the batch to be recorded", func() bool { // the ledger rejects too many at once
			return pgtest.QueryValue[int](t, pool, countEvents) == len(slow)*n
		})
	}
	if resp := apitest.Do(h, "POST", "/event", eventLines(1, 1)); resp.Code != http.StatusOK {
		t.Errorf("single event: %d %s", resp.Code, resp.Body)
	}
	further := make(chan *httptest.ResponseRecorder, 1)
	go func() { further <- apitest.Do(h, "POST", "/event", eventArray(1)) }()
	for _, conn := range slow {
		_ = conn.Close()
	}
	if resp := <-further; resp.Code != http.StatusOK {
		t.Errorf("further batch: %d %s", resp.Code, resp.Body)
	}
}

// TestEventBatch_tooManyEvents: a batch of more than ledger.MaxBatch events is rejected as a whole.
func TestEventBatch_tooManyEvents(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	const line = `{"type":"deposit","amount":1,"user_id":1,"time":1}` + "\n"
	body := strings.Repeat(line, ledger.MaxBatch+1)
	resp := apitest.Do(apitest.NewPublic(pool), "POST", "/api/v1/events", body, "Content-Type: "+rest.MediaTypeNDJSON)
	var p problem.Problem
	if err := json.Unmarshal(resp.Body.Bytes(), &p); err != nil || resp.Code != http.StatusBadRequest {
		t.Fatalf("%d %s: %v", resp.Code, resp.Body, err)
	}
	if len(p.Errors) != 1 || p.Errors[0].Line != ledger.MaxBatch+1 ||
		!strings.Contains(p.Errors[0].Message, "more than 1000000 events") {
		t.Errorf("%+v", p)
	}
	if n := pgtest.QueryValue[int](t, pool, countEvents); n != 0 {
		t.Errorf("%d events are stored, want none", n)
	}
}
