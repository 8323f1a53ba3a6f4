package sse_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"labledger/api/problem"
	"labledger/api/sse"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// This file tests what clients of the stream receive.

// TestStream_isLive: a new stream begins at the newest row. It sends the rows that are added, also without a wakeup.
func TestStream_isLive(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	s := serve(t, pool)
	fromStart := s.listen(t, "", "")
	if m := fromStart.Next(t); m != (sse.Message{ID: "0"}) {
		t.Errorf("first message for an empty ledger: %+v, want position 0", m)
	}
	for name, value := range map[string]string{
		"Content-Type":      "text/event-stream",
		"Cache-Control":     "no-store",
		"X-Accel-Buffering": "no",
	} {
		if got := fromStart.Header.Get(name); got != value {
			t.Errorf("%s: got %q, want %q", name, got, value)
		}
	}
	first := addEvent(t, pool, 1)
	rows, ids := collect(t, fromStart, 1)
	fromFirst := s.listen(t, "", "")
	if m := fromFirst.Next(t); m != (sse.Message{ID: ids[0]}) {
		t.Errorf("a new stream begins with %+v, want the position of the newest row", m)
	}
	second := addEvent(t, pool, 1)
	s.stream.Wake()
	more, _ := collect(t, fromStart, 1)
	if rows = append(rows, more...); !slices.Equal(rows, []string{first, second}) {
		t.Errorf("opened before both rows: got %q, want %q", rows, []string{first, second})
	}
	if rows, _ := collect(t, fromFirst, 1); rows[0] != second {
		t.Errorf("opened after the first row: got %q, want %q", rows[0], second)
	}
}

// TestStream_resumesAfterEveryMessage reads the stream from the beginning and resumes it after each message.
func TestStream_resumesAfterEveryMessage(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	s := serve(t, pool)
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
	all := s.listen(t, "", "0")
	rows, ids := collect(t, all, len(want))
	if !slices.Equal(rows, want) {
		t.Errorf("from position 0: got\n%q, want\n%q", rows, want)
	}
	resumed := []*sse.Listener{all}
	for i, id := range ids {
		l := s.listen(t, "", id)
		if i%2 == 1 {
			l.Cancel()
			l = s.listen(t, "?last_event_id="+id, "")
		}
		if l.Next(t) != (sse.Message{ID: id}) {
			t.Error("a resumed stream does not begin with its position")
		}
		if rows, _ := collect(t, l, len(want)-i-1); !slices.Equal(rows, want[i+1:]) {
			t.Errorf("after message %d: got %q, want %q", i, rows, want[i+1:])
		}
		resumed = append(resumed, l)
	}
	both := s.listen(t, "?last_event_id="+ids[0], ids[len(ids)-2])
	if rows, _ := collect(t, both, 1); rows[0] != want[len(want)-1] {
		t.Error("last_event_id took precedence over Last-Event-ID, which a browser updates when it reconnects")
	}
	wantNext(t, addEvent(t, pool, 1), append(resumed, both)...)
}

// wantNext checks that the next row of each stream is the given one, so that no other row came before it.
func wantNext(t *testing.T, row string, listeners ...*sse.Listener) {
	t.Helper()
	for i, l := range listeners {
		if got := rowKey(t, l.NextData(t)); got != row {
			t.Errorf("stream %d: got %s, want %s", i, got, row)
		}
	}
}

// TestStream_matchesLists compares the messages with the rows in the lists of events and alerts.
func TestStream_matchesLists(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	addAlert(t, pool, addEvent(t, pool, 7))
	h := apitest.NewPublic(pool)
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	l, err := sse.Listen(t.Context(), s.Client(), s.URL+"/api/v1/stream?last_event_id=0")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ list, contains string }{
		{"events", `"amount":"12.50"`},
		{"alerts", `"alert_codes":[30,500]`},
	} {
		list := apitest.Do(h, "GET", "/api/v1/"+c.list, "").Body.String()
		if data := l.NextData(t).Data; "["+data+"]\n" != list {
			t.Errorf("message %s differs from the list %s", data, list)
		}
		if !strings.Contains(list, c.contains) {
			t.Errorf("the list %s lacks %s", list, c.contains)
		}
	}
}

// TestStream_alertChanges: a changed alert is sent again with its newest version; the rows before it are not.
func TestStream_alertChanges(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	s := serve(t, pool)
	alert := addAlert(t, pool, addEvent(t, pool, 1))
	live := s.listen(t, "", "0")
	_, ids := collect(t, live, 2)
	change := func(state string) { pgtest.Exec(t, pool, "UPDATE alert SET state = $1", state) }
	change("acknowledged")
	m := live.NextData(t)
	if rowKey(t, m) != strings.TrimSuffix(alert, "1")+"2" || !strings.Contains(m.Data, `"state":"acknowledged"`) {
		t.Errorf("after the first change: %+v", m)
	}
	change("closed")
	change("closed") // no change, so no version 4
	if m = live.NextData(t); !strings.Contains(m.Data, `"state":"closed"`) || !strings.Contains(m.Data, `"version":3`) {
		t.Errorf("after the second change: %+v", m)
	}
	late := s.listen(t, "", ids[1])
	if again := late.NextData(t); again != m {
		t.Errorf("stream resumed before both changes: got %+v, want %+v", again, m)
	}
	wantNext(t, addEvent(t, pool, 1), live, late)
}

// TestStream_filters: a stream sends only the rows that match its parameters. Each stream ends with a matching row, so
// an unwanted row would come before it.
func TestStream_filters(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	s := serve(t, pool)
	var events, alerts [5]string // by user
	for user := range events {
		events[user] = addEvent(t, pool, user)
	}
	for user := range alerts {
		alerts[user] = addAlert(t, pool, events[user])
	}
	last := addEvent(t, pool, 2)
	for query, want := range map[string][]string{
		"?user_id=2":            {events[2], alerts[2], last},
		"?user_id=4":            {events[4], alerts[4]},
		"?kind=event":           append(events[:], last),
		"?kind=alert":           alerts[:],
		"?kind=event&user_id=2": {events[2], last},
		"?kind=alert&user_id=4": {alerts[4]},
	} {
		if rows, _ := collect(t, s.listen(t, query, "0"), len(want)); !slices.Equal(rows, want) {
			t.Errorf("%s: got %q, want %q", query, rows, want)
		}
	}
}

func TestStream_rejectsBadRequests(t *testing.T) {
	t.Parallel()
	h := apitest.NewPublic(pgtest.Pool(t))
	idSuffix := ".1.01890a5d-ac96-774b-bcce-b302099a8057"
	const badID = "must be the ID of a message of this stream, such as 748.1.01890a5d-ac96-774b-bcce-b302099a8057, or 0."
	for _, c := range []struct{ query, header, want string }{
		{"?user=1", "", `400 user: is unknown; did you mean "user_id"?`},
		{"?user_id=x", "", "400 user_id: must be an integer."},
		{"?kind=alerts&user_id=-1", "", "400 user_id: must be from 0 to 9007199254740991; kind: must be event or alert."},
		{"?kind=event&kind=alert", "", "400 kind: is given more than once."},
		{"?last_event_id=", "", "400 last_event_id: " + badID},
		{"?last_event_id=1" + idSuffix, "Last-Event-ID: 00", "400 Last-Event-ID: " + badID},
		{"", "Last-Event-ID: -1" + idSuffix, "400 Last-Event-ID: " + badID},
		{"", "Last-Event-ID: 9223372036854775808" + idSuffix, "400 Last-Event-ID: " + badID},
		{"", "Last-Event-ID: 1" + strings.Replace(idSuffix, "1", "3", 1), "400 Last-Event-ID: " + badID},
		{"", "Last-Event-ID: 1" + idSuffix + "0", "400 Last-Event-ID: " + badID},
		{"", "Last-Event-ID: 9223372036854775807" + idSuffix, "400 Last-Event-ID: is an unknown position " +
			"(the database may have been restored); restart from 0."},
		{"", "Accept: application/json", `406 Accept "application/json" matches no available media type; ` +
			"use text/event-stream."},
		{"", "Accept: text/event-stream;q=0, */*", `406 Accept "text/event-stream;q=0, */*" matches no available ` +
			"media type; use text/event-stream."},
	} {
		header := []string{c.header}
		if c.header == "" {
			header = nil
		}
		w := apitest.Do(h, http.MethodGet, "/api/v1/stream"+c.query, "", header...)
		var p problem.Problem
		err := json.Unmarshal(w.Body.Bytes(), &p)
		got := fmt.Sprint(p.Status, " ", p.Detail)
		if err != nil || w.Code != p.Status || got != c.want {
			t.Errorf("%q, header %q: got %q, want %q: %v", c.query, c.header, got, c.want, err)
		}
	}
}
