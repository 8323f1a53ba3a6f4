package sse

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"labledger/api/rest"
	"labledger/db"
)

// The tests of time and of interleavings run in a synctest bubble, where time is exact. They need a source and
// connections in memory, because a bubble cannot wait for a network.

// A memorySource is a source with events in memory.
type memorySource struct {
	mu      sync.Mutex
	rows    []memoryRow
	horizon int64
	err     error       // of all reads
	ends    []time.Time // of calls of fetchEnd
	limits  []int       // of calls of readPage

	afterEnd, afterPage func() // nil for nothing

	notified chan struct{} // notifications of other instances; nil for none
	sent     []time.Time   // notifications of this instance
}

type memoryRow struct {
	pos    position
	userID int64
	size   int // of the data, in bytes
}

// add appends an event and returns the ID of its message.
func (s *memorySource) add(userID int64, size int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.horizon++
	pos := position{s.horizon - 1, 1, uuid.New()}
	s.rows = append(s.rows, memoryRow{pos, userID, size})
	return pos.String()
}

// setError sets the error of all reads.
func (s *memorySource) setError(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// setAfterEnd sets the function that fetchEnd calls between its read and its return.
func (s *memorySource) setAfterEnd(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.afterEnd = f
}

// setAfterPage sets the function that readPage calls between its read and its return.
func (s *memorySource) setAfterPage(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.afterPage = f
}

// truncate replaces the source with an older copy of itself, which has n rows.
func (s *memorySource) truncate(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.horizon = s.rows[n].pos.xid
	s.rows = s.rows[:n]
}

// takeEnds returns the times of the calls of fetchEnd since the last call of takeEnds.
func (s *memorySource) takeEnds() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	ends := s.ends
	s.ends = nil
	return ends
}

// takeLimits returns the limits of the pages read since the last call of takeLimits.
func (s *memorySource) takeLimits() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	limits := s.limits
	s.limits = nil
	return limits
}

func (s *memorySource) fetchEnd(ctx context.Context) (streamEnd, error) {
	s.mu.Lock()
	s.ends = append(s.ends, time.Now())
	end, err := streamEnd{horizon: s.horizon}, s.err
	if len(s.rows) > 0 {
		end.pos = s.rows[len(s.rows)-1].pos
	}
	afterEnd := s.afterEnd
	s.mu.Unlock()
	if afterEnd != nil {
		afterEnd()
	}
	return end, err
}

func (s *memorySource) readPage(ctx context.Context, p *streamPage) error {
	s.mu.Lock()
	s.limits = append(s.limits, p.limit)
	err := s.err
	for _, row := range s.rows {
		if err == nil && row.pos.xid > p.after.xid && len(p.rows) < p.limit {
			err = p.WriteRow(memoryColumns, row.values())
		}
	}
	afterPage := s.afterPage
	s.mu.Unlock()
	if afterPage != nil {
		afterPage()
	}
	if err == errPageFull {
		return nil
	}
	return err
}

func (s *memorySource) notify(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, time.Now())
	return s.err
}

func (s *memorySource) listen(ctx context.Context, wake func()) {
	for {
		select {
		case <-s.notified:
			wake()
		case <-ctx.Done():
			return
		}
	}
}

// memoryColumns are the columns of ListStream, all of type text.
var memoryColumns = func() (columns []pgconn.FieldDescription) {
	row := reflect.TypeFor[db.ListStreamRow]()
	for i := range row.NumField() {
		name := row.Field(i).Tag.Get("json")
		columns = append(columns, pgconn.FieldDescription{Name: name, DataTypeOID: pgtype.TextOID})
	}
	return columns
}()

// values returns the columns of a row. All but the first five are NULL.
func (r memoryRow) values() [][]byte {
	values := make([][]byte, len(memoryColumns))
	values[0] = strconv.AppendInt(nil, r.pos.xid, 10)
	values[1] = strconv.AppendInt(nil, int64(r.pos.kind), 10)
	values[2] = []byte(r.pos.id.String())
	values[3] = strconv.AppendInt(nil, r.userID, 10)
	values[4] = []byte(strings.Repeat("x", r.size))
	return values
}

// A pipeListener is a net.Listener of connections in memory, which have no buffers.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

// dial returns the client's end of a new connection.
func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

// Accept implements net.Listener.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *pipeListener) Close() error {
	close(l.closed)
	return nil
}

// Addr implements net.Listener.
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{} }

// A memoryServer serves streams of a memorySource over connections without buffers: a write blocks until the
// client reads. Its timeouts are shorter than every test, because a stream must outlive them.
type memoryServer struct {
	http.Server
	source   *memorySource
	stream   *Handler
	shutdown chan struct{}
	listener *pipeListener
	client   http.Client
}

// inBubble runs a test with a server in a synctest bubble.
func inBubble(t *testing.T, run func(t *testing.T, s *memoryServer)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memoryServer{
			source:   &memorySource{horizon: 100, notified: make(chan struct{})},
			shutdown: make(chan struct{}),
			listener: &pipeListener{make(chan net.Conn), make(chan struct{})},
		}
		s.stream = newHandler(s.source, nil, s.shutdown, nil)
		s.ReadTimeout, s.WriteTimeout = time.Second, time.Second
		var open sync.WaitGroup
		s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			open.Add(1)
			defer open.Done()
			info := &rest.Info{Caller: rest.Caller{AccountID: rest.NoAccount}}
			if account, err := strconv.ParseInt(r.Header.Get("Account"), 10, 64); err == nil {
				info.Caller.AccountID = account
			}
			s.stream.ServeHTTP(w, r.WithContext(rest.WithInfo(r.Context(), info)))
		})
		transport := &http.Transport{
			DialContext: func(context.Context, string, string) (net.Conn, error) { return s.listener.dial(), nil },
		}
		s.client.Transport = transport
		go s.Serve(s.listener)
		t.Cleanup(func() {
			_ = s.Close()
			transport.CloseIdleConnections()
			open.Wait()
			time.Sleep(notifyInterval) // until the announcer has ended
		})
		run(t, s)
	})
}

// listen opens a stream, which ends with the test, and waits until it is idle.
func (s *memoryServer) listen(t *testing.T, query string, header ...string) *Listener {
	t.Helper()
	l, err := Listen(t.Context(), &s.client, "http://memory/"+query, header...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Cancel)
	synctest.Wait()
	return l
}

// listenIdle opens a stream and discards its first message.
func (s *memoryServer) listenIdle(t *testing.T, query string) *Listener {
	t.Helper()
	l := s.listen(t, query)
	if first := l.received(); len(first) != 1 || first[0].Data != "" {
		t.Fatalf("a new stream begins with %+v", first)
	}
	return l
}

// dialStream opens a stream from the beginning whose client reads only on demand.
func (s *memoryServer) dialStream(t *testing.T) net.Conn {
	t.Helper()
	conn := s.listener.dial()
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return conn
}

// clients returns the number of open streams.
func (s *memoryServer) clients() int {
	s.stream.hub.mu.Lock()
	defer s.stream.hub.mu.Unlock()
	return s.stream.hub.clients
}

// advance lets time pass, and waits until everything that happens at its end has happened.
func advance(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// wantIDs reports a test error unless a stream has received the messages with these IDs, and no others with data.
// Time does not advance meanwhile.
func wantIDs(t *testing.T, l *Listener, want ...string) {
	t.Helper()
	synctest.Wait()
	var got []string
	for _, m := range l.received() {
		if m.Data != "" {
			got = append(got, m.ID)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("received %q, want %q", got, want)
	}
}
