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

// A streamServer serves the stream alone. Its bounds on reading and writing are shorter than every test: a stream must outlive them.
type streamServer struct {
	*httptest.Server
	stream *streamHandler
}

func serveStream(t *testing.T, pool *pgxpool.Pool, shutdown <-chan struct{}, adjust func(*streamHandler)) *streamServer {
	t.Helper()
	h := newStreamHandler(pool, shutdown)
	if adjust != nil {
		adjust(h)
	}
	handler := &middleware{next: h, log: slog.New(slog.NewTextHandler(io.Discard, nil)), metrics: newMetrics(pool, "test")}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond
	server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(4 << 10) // so that a client that does not read is felt soon
		return ctx
	}
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return &streamServer{server, h}
}

// A listener is one client.
type listener struct {
	*http.Response
	messages chan message // closed at the end
	err      error        // that ended it
	cancel   context.CancelFunc
}

type message struct{ id, event, data, comment string }

// listen opens a stream. last is its Last-Event-ID, or "".
func (s *streamServer) listen(t *testing.T, query, last string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/api/v1/stream"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	response, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
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
	return l
}

// nextMessage is the next message, also one without data.
func (l *listener) nextMessage(t *testing.T) message {
	t.Helper()
	select {
	case m, ok := <-l.messages:
		if !ok {
			t.Fatalf("the stream has ended: %v", l.err)
		}
		return m
	case <-time.After(20 * time.Second):
		t.Fatal("no message comes")
	}
	panic("unreachable")
}

// nextData is the next message with data.
func (l *listener) nextData(t *testing.T) message {
	t.Helper()
	for {
		if m := l.nextMessage(t); m.data != "" {
			return m
		}
	}
}

// collect reads n messages and returns what they are about.
func (l *listener) collect(t *testing.T, n int) (rows []string, ids []string) {
	t.Helper()
	for range n {
		m := l.nextData(t)
		rows, ids = append(rows, m.rowKey(t)), append(ids, m.id)
	}
	return rows, ids
}

// rowKey is what a message is about: kind, id and, of an alert, version.
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

// expectSilence fails when a message with data comes within a while.
func (l *listener) expectSilence(t *testing.T, timeout time.Duration) {
	t.Helper()
	expired := time.After(timeout)
	for {
		select {
		case m := <-l.messages:
			if m.data != "" {
				t.Fatalf("there should be no message: %+v", m)
			}
		case <-expired:
			return
		}
	}
}

type execer interface {
	Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
}

// addEvent and addAlert return what a message about the row says.
func addEvent(t *testing.T, dbtx execer, user int) string {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	_, err := dbtx.Exec(context.Background(), `INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes, created_at, actor)
		VALUES ($1, $2, 'deposit', 12.5, 1000, 1000, 'medium', 1, '{"30": 0, "123": "12.50"}', '{}', now(), 'tést')`, user, id)
	if err != nil {
		t.Error(err)
	}
	return "event " + id.String()
}

// addAlert adds an alert to an event.
func addAlert(t *testing.T, dbtx execer, event string) string {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	_, err := dbtx.Exec(context.Background(), `INSERT INTO alert (user_id, id, event_id, alert_codes, time, risk, ruleset_id, reasons, note, created_at, changed_at, actor)
		SELECT user_id, $1, id, '{30,500}', time, risk, ruleset_id, '[{"code": 30}]', E'two\nlines "quoted"', created_at, created_at, actor FROM event WHERE id = $2`, id, strings.TrimPrefix(event, "event "))
	if err != nil {
		t.Error(err)
	}
	return fmt.Sprintf("alert %s 1", id)
}

// TestStream_resumesAfterEveryMessage reads what is there from the beginning, and goes on from every single message.
func TestStream_resumesAfterEveryMessage(t *testing.T) {
	pool := pgtest.Pool(t)
	s := serveStream(t, pool, nil, nil)
	fresh := s.listen(t, "", "")
	if m := fresh.nextMessage(t); m != (message{id: "0"}) {
		t.Errorf("the stream of an empty ledger begins with %+v", m)
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
	if kind := all.Header.Get("Content-Type") + all.Header.Get("Cache-Control") + all.Header.Get("X-Accel-Buffering"); kind != "text/event-streamno-storeno" {
		t.Errorf("header: %v", all.Header)
	}
	rows, ids := all.collect(t, len(want))
	if !slices.Equal(rows, want) {
		t.Errorf("messages are\n%q, not\n%q", rows, want)
	}
	if live, _ := fresh.collect(t, len(want)); !slices.Equal(live, want) {
		t.Errorf("live messages are\n%q, not\n%q", live, want)
	}
	for i, id := range ids {
		rest := s.listen(t, "", id)
		if i%2 == 1 {
			rest.cancel()
			rest = s.listen(t, "?last_event_id="+id, "")
		}
		if rest.nextMessage(t) != (message{id: id}) {
			t.Error("a resumed stream should begin where it was left")
		}
		if rows, _ := rest.collect(t, len(want)-i-1); !slices.Equal(rows, want[i+1:]) {
			t.Errorf("after message %d come %q", i, rows)
		}
		rest.expectSilence(t, 10*time.Millisecond)
		rest.cancel()
	}
	both := s.listen(t, "?last_event_id="+ids[0], ids[len(ids)-2])
	if rows, _ := both.collect(t, 1); rows[0] != want[len(want)-1] {
		t.Error("the header should count before the parameter, which stays the same when a browser reconnects")
	}
	if m := s.listen(t, "", "").nextMessage(t); m != (message{id: ids[len(ids)-1]}) {
		t.Errorf("a new stream should begin at the newest row, not %+v", m)
	}
}

// TestStream_matchesLists holds the messages against the rows that the lists of events and alerts show.
func TestStream_matchesLists(t *testing.T) {
	pool := pgtest.Pool(t)
	addAlert(t, pool, addEvent(t, pool, 7))
	messages := serveStream(t, pool, nil, nil).listen(t, "", "0")
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	one := int64(1)
	events, alerts := pageEncoder{limit: 1}, pageEncoder{limit: 1}
	if _, err := db.New(readDBTX(conn, false, &events)).ListEvents(t.Context(), db.ListEventsParams{Limit: &one}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.New(readDBTX(conn, false, &alerts)).ListAlerts(t.Context(), db.ListAlertsParams{Limit: &one}); err != nil {
		t.Fatal(err)
	}
	for _, list := range []pageEncoder{events, alerts} {
		if data := messages.nextData(t).data; "["+data+"]\n" != string(list.bytes()) {
			t.Errorf("message %s, list %s", data, list.bytes())
		}
	}
	if !strings.Contains(string(events.body), `"amount":"12.50"`) || !strings.Contains(string(alerts.body), `"alert_codes":[30,500]`) {
		t.Errorf("%s %s", events.body, alerts.body)
	}
}

// TestStream_alertChanges: a changed alert comes again, in its newest state; the rows before it do not.
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
		t.Errorf("%+v", m)
	}
	change("closed")
	change("closed") // changes nothing
	if m = live.nextData(t); !strings.Contains(m.data, `"state":"closed"`) || !strings.Contains(m.data, `"version":3`) {
		t.Errorf("%+v", m)
	}
	live.expectSilence(t, 50*time.Millisecond)
	late := s.listen(t, "", ids[1])
	if again := late.nextData(t); again != m {
		t.Errorf("who missed both changes sees %+v", again)
	}
	late.expectSilence(t, 50*time.Millisecond)
}

// TestStream_filters: what is filtered out still moves the position, which a sign of life tells.
func TestStream_filters(t *testing.T) {
	pool := pgtest.Pool(t)
	h := serveStream(t, pool, nil, func(h *streamHandler) { h.heartbeatInterval = 100 * time.Millisecond })
	one, two := addEvent(t, pool, 1), addEvent(t, pool, 2)
	alert := addAlert(t, pool, two)
	three := addEvent(t, pool, 3)
	_, ids := h.listen(t, "", "0").collect(t, 4)
	for query, want := range map[string][]string{
		"?user_id=1":            {one},
		"?user_id=2":            {two, alert},
		"?kind=event":           {one, two, three},
		"?kind=alert":           {alert},
		"?kind=event&user_id=2": {two},
		"?kind=alert&user_id=1": {},
		"?user_id=4":            {},
	} {
		l := h.listen(t, query, "0")
		if rows, _ := l.collect(t, len(want)); !slices.Equal(rows, want) {
			t.Errorf("%s: %q", query, rows)
		}
		if strings.Contains(query, "kind") {
			continue
		}
		for m := l.nextMessage(t); m.id != ids[3]; m = l.nextMessage(t) {
			if m.data != "" {
				t.Errorf("%s: too much: %+v", query, m)
			}
		}
	}
}

func waitFor(t *testing.T, name string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not so: " + name)
		}
	}
}
