package sse_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/rest"
	"labledger/api/sse"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

func TestMain(m *testing.M) { apitest.Main(m) }

// A server serves only the stream. Its heartbeats are frequent, because the first heartbeat of a stream shows that the
// server has read everything before it.
type server struct {
	*httptest.Server
	stream *sse.Handler
}

func serve(t *testing.T, pool *pgxpool.Pool) *server {
	t.Helper()
	stream := sse.New(pool, nil, nil)
	stream.SetHeartbeatInterval(20 * time.Millisecond)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := &rest.Info{Caller: rest.Caller{AccountID: rest.NoAccount}}
		stream.ServeHTTP(w, r.WithContext(rest.WithInfo(r.Context(), info)))
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return &server{s, stream}
}

// listen opens a stream, which ends with the test. lastEventID may be "".
func (s *server) listen(t *testing.T, query, lastEventID string) *sse.Listener {
	t.Helper()
	l, err := s.open(t.Context(), query, lastEventID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Cancel)
	return l
}

// open opens a stream, which ends with ctx. It may be called from any goroutine.
func (s *server) open(ctx context.Context, query, lastEventID string) (*sse.Listener, error) {
	return sse.Listen(ctx, s.Client(), s.URL+query, "Last-Event-ID: "+lastEventID)
}

// collect reads n messages with data and returns their row keys and IDs.
func collect(t *testing.T, l *sse.Listener, n int) (rows []string, ids []string) {
	t.Helper()
	for range n {
		m := l.NextData(t)
		rows, ids = append(rows, rowKey(t, m)), append(ids, m.ID)
	}
	return rows, ids
}

// rowKey returns kind and ID of the row in a message, and the version of an alert.
func rowKey(t *testing.T, m sse.Message) string {
	t.Helper()
	var row struct {
		ID      string
		Version int
	}
	if err := json.Unmarshal([]byte(m.Data), &row); err != nil || !strings.HasSuffix(m.ID, "."+row.ID) {
		t.Errorf("message %+v: %v", m, err)
	}
	if m.Event == "alert" {
		return fmt.Sprintf("alert %s %d", row.ID, row.Version)
	}
	return m.Event + " " + row.ID
}

// addEvent inserts an event and returns its row key. It may be called from any goroutine.
func addEvent(t *testing.T, q pgtest.Querier, userID int) string {
	t.Helper()
	return addEventWithFacts(t, q, userID, `{"30": 0, "123": "12.50"}`)
}

func addEventWithFacts(t *testing.T, q pgtest.Querier, userID int, facts string) string {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	const insert = `INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts,
			alert_codes, created_at, actor)
		VALUES ($1, $2, 'deposit', 12.5, 1000, 1000, 'medium', 1, $3, '{}', now(), 'tést')`
	if _, err := q.Exec(context.Background(), insert, userID, id, facts); err != nil {
		t.Error(err)
	}
	return "event " + id.String()
}

// addAlert inserts an alert for an event and returns its row key. It may be called from any goroutine.
func addAlert(t *testing.T, q pgtest.Querier, event string) string {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	const insert = `INSERT INTO alert (user_id, id, event_id, alert_codes, time, risk, ruleset_id, reasons, note,
			created_at, changed_at, actor)
		SELECT user_id, $1, id, '{30,500}', time, risk, ruleset_id, '[{"code": 30}]', E'two\nlines "quoted"',
			created_at, created_at, actor
		FROM event
		WHERE id = $2`
	if _, err := q.Exec(context.Background(), insert, id, strings.TrimPrefix(event, "event ")); err != nil {
		t.Error(err)
	}
	return fmt.Sprintf("alert %s 1", id)
}
