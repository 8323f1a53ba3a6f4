package api

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
)

// This file is the live stream: events and alerts as Server-Sent Events, https://html.spec.whatwg.org/multipage/server-sent-events.html.
// Each client reads the ledger at its own speed, page by page, from where it stood; between pages it holds no connection to the database.

// StreamParams are the parameters of the stream.
type StreamParams struct {
	// Only what concerns this user.
	UserID *int64 `json:"user_id"`
	// Only the ones: event or alert.
	Kind *string `json:"kind"`
	// Where to go on, for clients that cannot send the header Last-Event-ID, which counts before this: the id of the last message seen; 0 for all
	// that there is. Without either the stream begins with what comes next.
	LastEventID *string `json:"last_event_id"`
}

const (
	streamPath  = "/api/v1/stream"
	eventStream = "text/event-stream"
	mostStreams = 1000                   // open at once
	heartbeat   = 15 * time.Second       // between signs of life
	endTime     = time.Second            // that a client which does not read may take when the server stops
	retryFirst  = 100 * time.Millisecond // after the database failed
	retryLast   = 5 * time.Second
)

// A stream serves GET /api/v1/stream.
type stream struct {
	hub       *hub
	vigil     *vigil
	binder    *binder
	heartbeat time.Duration
	patience  time.Duration // with a client that does not read
}

// newStream makes the live stream. When ending is closed all its clients are let go; nil never ends.
func newStream(pool *pgxpool.Pool, ending <-chan struct{}) *stream {
	return &stream{
		hub:       newHub(pool, ending, mostStreams),
		vigil:     newVigil(pool),
		binder:    newBinder(reflect.TypeFor[StreamParams](), http.MethodGet, nil),
		heartbeat: heartbeat,
		patience:  streamTime,
	}
}

// wake tells the stream that this process has committed something to the ledger. It never waits.
func (s *stream) wake() { s.hub.wake() }

func (s *stream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.serve(w, r); err != nil {
		writeProblem(w, r, asProblem(err, r.Method, nil))
	}
}

// serve answers an error only while nothing has been sent.
func (s *stream) serve(w http.ResponseWriter, r *http.Request) error {
	params, at, resumed, p := s.bind(r)
	if p != nil {
		return p
	}
	if _, p := negotiate(r, []string{eventStream}); p != nil {
		return p
	}
	watch, err := s.hub.join()
	if err != nil {
		return err
	}
	defer s.hub.leave()
	end, err := s.hub.newest(r.Context())
	switch {
	case err != nil:
		return err
	case !resumed:
		at = end.at
	case at.xid >= end.horizon && at != position{}:
		return refusal([]FieldError{{Field: "Last-Event-ID", Message: "is of no message of this database, which may have been restored from a backup; begin anew with 0"}})
	}
	w.Header().Set("Content-Type", eventStream)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx passes on each message at once
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	c := &streamClient{stream: s, watch: watch, w: w, control: http.NewResponseController(w), params: params, at: at, limit: pageRows}
	letGo := context.AfterFunc(watch.ctx, func() { _ = c.control.SetWriteDeadline(time.Now().Add(endTime)) })
	defer letGo()
	live, stop := s.vigil.over(r.Context(), &exchangeOf(w).who)
	defer stop()
	c.follow(live)
	_ = c.control.SetWriteDeadline(time.Now().Add(endTime)) // for the end of the answer, which a client that reads should see
	return nil
}

// bind reads the parameters and where to go on.
func (s *stream) bind(r *http.Request) (params StreamParams, at position, resumed bool, p *Problem) {
	var found faults
	s.binder.bindQuery(reflect.ValueOf(&params).Elem(), r.URL.RawQuery, &found)
	if params.Kind != nil && !slices.Contains(kinds[1:], *params.Kind) {
		found.add("kind", "must be "+list(kinds[1:]))
	}
	name, last := "last_event_id", params.LastEventID
	if header := strings.Join(r.Header.Values("Last-Event-ID"), ","); header != "" {
		name, last = "Last-Event-ID", &header
	}
	if last != nil {
		var ok bool
		if at, ok = parsePosition(*last); !ok {
			found.add(name, "must be the id of a message of this stream, like 748.1.01890a5d-ac96-774b-bcce-b302099a8057, or 0")
		}
	}
	return params, at, last != nil, refusal(found)
}

// parsePosition reads what String writes.
func parsePosition(text string) (at position, ok bool) {
	if text == "0" {
		return position{}, true
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 || !integer.MatchString(parts[0]) || len(parts[2]) != 36 {
		return position{}, false
	}
	xid, err1 := strconv.ParseUint(parts[0], 10, 63)
	kind := slices.Index([]string{"", "1", "2"}, parts[1])
	id, err2 := uuid.Parse(parts[2])
	return position{int64(xid), int32(kind), id}, err1 == nil && kind > 0 && err2 == nil
}

// A streamClient is one open stream.
type streamClient struct {
	*stream
	watch   *watch
	w       http.ResponseWriter
	control *http.ResponseController
	params  StreamParams
	at      position  // of the last row read, sent or filtered out
	read    time.Time // when that was
	told    position  // last position that the client was told
	wrote   time.Time
	limit   int // rows to read at once
}

// follow sends what comes until the client or the server goes.
func (c *streamClient) follow(gone context.Context) {
	err := c.write([]byte("retry: 2000\nid: " + c.at.String() + "\n\n"))
	c.told, c.read = c.at, time.Now()
	retry := retryFirst
	for err == nil && !c.watch.forgot(c.at, c.read) {
		now := c.watch.current()
		page, failed := c.hub.page(c.watch, now, c.at, c.params.Kind, c.limit)
		switch {
		case failed != nil:
			err = c.wait(gone, nil, retry)
			retry = min(2*retry, retryLast)
			continue
		case page.cut:
			c.limit = len(page.rows) // what does not fit is not read in vain again
		default:
			c.limit = min(2*c.limit, pageRows)
		}
		retry = retryFirst
		if err = c.send(page); err == nil && !page.more() {
			err = c.wait(gone, now.over, 0)
		}
	}
}

// wait waits until the channel is closed or the time, where there is one, is up, and shows a sign of life now and then.
func (c *streamClient) wait(gone context.Context, over <-chan struct{}, most time.Duration) error {
	var up <-chan time.Time
	if most > 0 {
		up = time.After(most)
	}
	beat := time.NewTimer(c.heartbeat - time.Since(c.wrote))
	defer beat.Stop()
	for {
		select {
		case <-gone.Done():
			return gone.Err()
		case <-c.watch.ctx.Done():
			return c.watch.ctx.Err()
		case <-over:
			return nil
		case <-up:
			return nil
		case <-beat.C:
			if err := c.live(); err != nil {
				return err
			}
			beat.Reset(c.heartbeat)
		}
	}
}

// live writes a sign of life. It tells a position that moved over rows which were filtered out, so that they need not be read again.
func (c *streamClient) live() error {
	text := ": still here\n"
	if c.told != c.at {
		text += "id: " + c.at.String() + "\n"
	}
	c.told = c.at
	return c.write([]byte(text + "\n"))
}

// send writes the messages of a page that the client wants.
func (c *streamClient) send(page *streamPage) error {
	c.read = time.Now()
	if len(page.rows) == 0 {
		return nil
	}
	c.at = page.rows[len(page.rows)-1].at
	text := page.text
	if c.params.UserID == nil {
		c.told = c.at
	} else {
		text = nil
		begin := 0
		for _, row := range page.rows {
			if row.user == *c.params.UserID {
				text = append(text, page.text[begin:row.end]...)
				c.told = row.at
			}
			begin = row.end
		}
	}
	switch {
	case len(text) > 0:
		return c.write(text)
	case time.Since(c.wrote) >= c.heartbeat:
		return c.live()
	}
	return nil
}

// write sends text at once, and gives up on a client that does not take it.
func (c *streamClient) write(text []byte) error {
	c.wrote = time.Now()
	_ = c.control.SetWriteDeadline(c.wrote.Add(c.patience)) // not every writer has deadlines, and then none is needed
	if c.watch.ctx.Err() != nil {                           // its deadline was shorter
		return c.watch.ctx.Err()
	}
	if _, err := c.w.Write(text); err != nil {
		return err
	}
	return c.control.Flush()
}
