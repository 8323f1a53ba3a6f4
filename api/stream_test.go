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
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/pgtest"
)

// A streamServer serves only the stream. Its read and write timeouts are shorter than every test, because a stream must
// outlive them.
type streamServer struct {
	*httptest.Server
	stream *streamHandler
}

func serveStream(
	t *testing.T, pool *pgxpool.Pool, shutdown <-chan struct{}, adjust func(*streamHandler),
) *streamServer {
	t.Helper()
	h := newStreamHandler(pool, shutdown)
	if adjust != nil {
		adjust(h)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	handler := &middleware{next: h, log: log, metrics: newMetrics(pool, "test")}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond
	server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(4 << 10) // so that writes block soon if a client does not read
		return ctx
	}
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return &streamServer{server, h}
}

// A listener is a client of the stream.
type listener struct {
	*http.Response
	messages chan message // closed when the stream ends
	err      error        // why the stream ended; valid once messages is closed
	cancel   context.CancelFunc
}

type message struct{ id, event, data, comment string }

// listen opens a stream that ends with the test. last is its Last-Event-ID, or "".
func (s *streamServer) listen(t *testing.T, query, last string) *listener {
	t.Helper()
	l, err := s.open(context.Background(), query, last)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.cancel)
	return l
}

// open is listen for any goroutine: it returns errors instead of failing the test.
func (s *streamServer) open(ctx context.Context, query, last string) (*listener, error) {
	ctx, cancel := context.WithCancel(ctx)
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/api/v1/stream"+query, nil)
	if err != nil {
		cancel()
		return nil, err
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	response, err := s.Client().Do(r)
	if err != nil {
		cancel()
		return nil, err
	}
	l := &listener{Response: response, messages: make(chan message), cancel: cancel}
	go func() {
		defer close(l.messages)
		defer response.Body.Close()
		reader := bufio.NewReader(response.Body)
		var m message
		for {
			line, err := reader.ReadString('\n')
			if err != nil {
				l.err = err
				return
			}
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			switch name {
			case "id":
				m.id = value
			case "event":
				m.event = value
			case "data":
				m.data = value
			case "":
				if value != "" {
					m.comment = value
					continue
				}
				select {
				case l.messages <- m:
				case <-ctx.Done():
					return
				}
				m = message{}
			}
		}
	}()
	return l, nil
}

// nextMessage returns the next message, with or without data.
func (l *listener) nextMessage(t *testing.T) message {
	t.Helper()
	select {
	case m, ok := <-l.messages:
		if !ok {
			t.Fatalf("the stream ended: %v", l.err)
		}
		return m
	case <-time.After(time.Minute):
		t.Fatal("no message within a minute")
	}
	panic("unreachable")
}

// nextData returns the next message with data.
func (l *listener) nextData(t *testing.T) message {
	t.Helper()
	for {
		if m := l.nextMessage(t); m.data != "" {
			return m
		}
	}
}

// collect reads n messages with data and returns their row keys and IDs.
func (l *listener) collect(t *testing.T, n int) (rows []string, ids []string) {
	t.Helper()
	for range n {
		m := l.nextData(t)
		rows, ids = append(rows, m.rowKey(t)), append(ids, m.id)
	}
	return rows, ids
}

// rowKey returns kind and ID of the row in a message, and the version of an alert.
func (m message) rowKey(t *testing.T) string {
	t.Helper()
	var row struct {
		ID      string
		Version int
	}
	if err := json.Unmarshal([]byte(m.data), &row); err != nil || !strings.HasSuffix(m.id, "."+row.ID) {
		t.Errorf("message %+v: %v", m, err)
	}
	if m.event == "alert" {
		return fmt.Sprintf("alert %s %d", row.ID, row.Version)
	}
	return m.event + " " + row.ID
}

// expectSilence fails if a message with data arrives before the timeout.
func (l *listener) expectSilence(t *testing.T, timeout time.Duration) {
	t.Helper()
	expired := time.After(timeout)
	for {
		select {
		case m := <-l.messages:
			if m.data != "" {
				t.Fatalf("unexpected message: %+v", m)
			}
		case <-expired:
			return
		}
	}
}

type execer interface {
	Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
}

// addEvent inserts an event and returns its row key.
func addEvent(t *testing.T, dbtx execer, user int) string {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	const insert = `INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts,
			alert_codes, created_at, actor)
		VALUES ($1, $2, 'deposit', 12.5, 1000, 1000, 'medium', 1, '{"30": 0, "123": "12.50"}', '{}', now(), 'tést')`
	if _, err := dbtx.Exec(context.Background(), insert, user, id); err != nil {
		t.Error(err)
	}
	return "event " + id.String()
}

// addAlert inserts an alert for an event and returns its row key.
func addAlert(t *testing.T, dbtx execer, event string) string {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	const insert = `INSERT INTO alert (user_id, id, event_id, alert_codes, time, risk, ruleset_id, reasons, note,
			created_at, changed_at, actor)
		SELECT user_id, $1, id, '{30,500}', time, risk, ruleset_id, '[{"code": 30}]', E'two\nlines "quoted"',
			created_at, created_at, actor
		FROM event
		WHERE id = $2`
	if _, err := dbtx.Exec(context.Background(), insert, id, strings.TrimPrefix(event, "event ")); err != nil {
		t.Error(err)
	}
	return fmt.Sprintf("alert %s 1", id)
}

// TestStream_resumesAfterEveryMessage reads the stream from the beginning and resumes it after each message.
func TestStream_resumesAfterEveryMessage(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, nil)
	fromNow := s.listen(t, "", "")
	if m := fromNow.nextMessage(t); m != (message{id: "0"}) {
		t.Errorf("first message for an empty ledger: %+v, want position 0", m)
	}
	var want []string
	for user := range 3 {
		err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			first := addEvent(t, tx, user)
			want = append(want, first, addEvent(t, tx, user), addAlert(t, tx, first))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.stream.wake()
	all := s.listen(t, "", "0")
	for name, value := range map[string]string{
		"Content-Type":      "text/event-stream",
		"Cache-Control":     "no-store",
		"X-Accel-Buffering": "no",
	} {
		if got := all.Header.Get(name); got != value {
			t.Errorf("%s: got %q, want %q", name, got, value)
		}
	}
	rows, ids := all.collect(t, len(want))
	if !slices.Equal(rows, want) {
		t.Errorf("from position 0: got\n%q, want\n%q", rows, want)
	}
	if live, _ := fromNow.collect(t, len(want)); !slices.Equal(live, want) {
		t.Errorf("live: got\n%q, want\n%q", live, want)
	}
	for i, id := range ids {
		resumed := s.listen(t, "", id)
		if i%2 == 1 {
			resumed.cancel()
			resumed = s.listen(t, "?last_event_id="+id, "")
		}
		if resumed.nextMessage(t) != (message{id: id}) {
			t.Error("a resumed stream does not begin with its position")
		}
		if rows, _ := resumed.collect(t, len(want)-i-1); !slices.Equal(rows, want[i+1:]) {
			t.Errorf("after message %d: got %q, want %q", i, rows, want[i+1:])
		}
		resumed.expectSilence(t, 10*time.Millisecond)
		resumed.cancel()
	}
	both := s.listen(t, "?last_event_id="+ids[0], ids[len(ids)-2])
	if rows, _ := both.collect(t, 1); rows[0] != want[len(want)-1] {
		t.Error("last_event_id took precedence over Last-Event-ID, which a browser updates when it reconnects")
	}
	if m := s.listen(t, "", "").nextMessage(t); m != (message{id: ids[len(ids)-1]}) {
		t.Errorf("a new stream begins with %+v, want the position of the newest row", m)
	}
}

// TestStream_matchesLists compares the messages with the rows of ListEvents and ListAlerts.
func TestStream_matchesLists(t *testing.T) {
	pool := pgtest.Pool(t)
	addAlert(t, pool, addEvent(t, pool, 7))
	messages := serveStream(t, pool, nil, nil).listen(t, "", "0")
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	limit := int64(1)
	events, alerts := pageEncoder{limit: 1}, pageEncoder{limit: 1}
	_, err = db.New(readDBTX(conn, false, &events)).ListEvents(t.Context(), db.ListEventsParams{Limit: &limit})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.New(readDBTX(conn, false, &alerts)).ListAlerts(t.Context(), db.ListAlertsParams{Limit: &limit})
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range []pageEncoder{events, alerts} {
		if data := messages.nextData(t).data; "["+data+"]\n" != string(list.bytes()) {
			t.Errorf("message %s differs from list %s", data, list.bytes())
		}
	}
	if !strings.Contains(string(events.body), `"amount":"12.50"`) ||
		!strings.Contains(string(alerts.body), `"alert_codes":[30,500]`) {
		t.Errorf("unexpected lists: %s %s", events.body, alerts.body)
	}
}

// TestStream_alertChanges: a changed alert is sent again with its newest version; the rows before it are not.
func TestStream_alertChanges(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, nil)
	alert := addAlert(t, pool, addEvent(t, pool, 1))
	live := s.listen(t, "", "0")
	_, ids := live.collect(t, 2)
	change := func(state string) {
		if _, err := pool.Exec(t.Context(), "UPDATE alert SET state = $1", state); err != nil {
			t.Fatal(err)
		}
	}
	change("acknowledged")
	m := live.nextData(t)
	if m.rowKey(t) != strings.TrimSuffix(alert, "1")+"2" || !strings.Contains(m.data, `"state":"acknowledged"`) {
		t.Errorf("after the first change: %+v", m)
	}
	change("closed")
	change("closed") // no change, so no version 4
	if m = live.nextData(t); !strings.Contains(m.data, `"state":"closed"`) || !strings.Contains(m.data, `"version":3`) {
		t.Errorf("after the second change: %+v", m)
	}
	live.expectSilence(t, 50*time.Millisecond)
	late := s.listen(t, "", ids[1])
	if again := late.nextData(t); again != m {
		t.Errorf("stream resumed before both changes: got %+v, want %+v", again, m)
	}
	late.expectSilence(t, 50*time.Millisecond)
}

// TestStream_filters: rows that are filtered out still advance the position, which heartbeats report.
func TestStream_filters(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, func(h *streamHandler) { h.heartbeatInterval = 100 * time.Millisecond })
	one, two := addEvent(t, pool, 1), addEvent(t, pool, 2)
	alert := addAlert(t, pool, two)
	three := addEvent(t, pool, 3)
	_, ids := s.listen(t, "", "0").collect(t, 4)
	for query, want := range map[string][]string{
		"?user_id=1":            {one},
		"?user_id=2":            {two, alert},
		"?kind=event":           {one, two, three},
		"?kind=alert":           {alert},
		"?kind=event&user_id=2": {two},
		"?kind=alert&user_id=1": {},
		"?user_id=4":            {},
	} {
		l := s.listen(t, query, "0")
		if rows, _ := l.collect(t, len(want)); !slices.Equal(rows, want) {
			t.Errorf("%s: got %q, want %q", query, rows, want)
		}
		if strings.Contains(query, "kind") {
			continue
		}
		for m := l.nextMessage(t); m.id != ids[3]; m = l.nextMessage(t) {
			if m.data != "" {
				t.Errorf("%s: unexpected message %+v", query, m)
			}
		}
	}
}
