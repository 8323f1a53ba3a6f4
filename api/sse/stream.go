// Package sse serves the live stream of events and alerts as Server-Sent Events:
// https://html.spec.whatwg.org/multipage/server-sent-events.html. Each client reads the ledger at its own speed, page
// by page, from its own position. Between pages it holds no database connection. The package knows neither the rules of
// events nor how they are recorded.
package sse

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/bind"
	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/db"
)

// Params are the parameters of the stream.
type Params struct {
	// Only messages about this user.
	UserID *int64 `json:"user_id"`
	// Only messages of this kind: event or alert.
	Kind *string `json:"kind"`
	// Position to resume from, for clients that cannot send Last-Event-ID: the ID of the last message seen, or 0 to
	// start from the oldest message. The Last-Event-ID header takes precedence. Without either, only new messages are
	// sent.
	LastEventID *string `json:"last_event_id"`
}

const (
	mediaTypeEventStream = "text/event-stream"
	maxStreams           = 1000 // open at once
	maxAccountStreams    = 100  // open at once for one account
	heartbeatInterval    = 15 * time.Second
	writeTimeout         = 30 * time.Second
	closeTimeout         = time.Second            // for the last write to a client
	minRetryDelay        = 100 * time.Millisecond // after a database error
	maxRetryDelay        = 5 * time.Second
)

// Doc documents the stream.
var Doc = rest.Doc{
	Queries:  []any{(*db.Queries).ListStream, (*db.Queries).GetStreamPosition},
	Problems: []int{http.StatusTooManyRequests},
}

// A Handler serves GET /api/v1/stream.
type Handler struct {
	hub               *hub
	announcer         *announcer
	quota             *rest.Quota
	sessions          *sessionWatcher
	plan              *bind.Plan
	heartbeatInterval time.Duration
	writeTimeout      time.Duration // of one write; a client that does not read is disconnected
}

// New returns the handler of the live stream. Closing shutdown ends all streams; nil never ends them. rules validate
// the parameters.
func New(pool *pgxpool.Pool, shutdown <-chan struct{}, rules bind.Rules) *Handler {
	return newHandler(newLedger(pool), db.New(pool), shutdown, rules)
}

func newHandler(src source, creds credentials, shutdown <-chan struct{}, rules bind.Rules) *Handler {
	return &Handler{
		hub:               newHub(src, shutdown),
		announcer:         &announcer{send: src.notify},
		quota:             rest.NewQuota("streams", maxStreams, maxAccountStreams),
		sessions:          newSessionWatcher(creds),
		plan:              bind.New(reflect.TypeFor[Params](), http.MethodGet, nil, bind.Options{Rules: rules}),
		heartbeatInterval: heartbeatInterval,
		writeTimeout:      writeTimeout,
	}
}

// Wake announces that this process has committed to the ledger. It never blocks.
func (h *Handler) Wake() {
	h.hub.wake()
	h.announcer.announce()
}

// Open returns the number of open streams.
func (h *Handler) Open() int { return h.quota.InUse() }

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h.serve(w, r); err != nil {
		rest.WriteProblem(w, r, problem.From(err, r.Method, nil))
	}
}

// serve returns an error only before the first byte of the response.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) error {
	params, pos, resume, err := h.bind(r)
	if err != nil {
		return err
	}
	if _, err := rest.Negotiate(r, mediaTypeEventStream); err != nil {
		return err
	}
	release, err := h.quota.Acquire(&rest.InfoOf(r).Caller)
	if err != nil {
		return err
	}
	defer release()
	poller, err := h.hub.join()
	if err != nil {
		return err
	}
	defer h.hub.leave()
	end, err := h.hub.source.fetchEnd(r.Context())
	switch {
	case err != nil:
		return err
	case !resume:
		pos = end.pos
	case pos.xid >= end.horizon && pos != position{}:
		return problem.BadRequest(problem.FieldError{
			Field:   "Last-Event-ID",
			Message: "is an unknown position (the database may have been restored); restart from 0",
		})
	}
	w.Header().Set("Content-Type", mediaTypeEventStream)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // disables buffering in nginx
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	sub := &subscriber{
		Handler: h,
		poller:  poller,
		w:       w,
		control: http.NewResponseController(w),
		params:  params,
		pos:     pos,
		limit:   pageRows,
	}
	shortenDeadline := func() { _ = sub.control.SetWriteDeadline(time.Now().Add(closeTimeout)) }
	cancelShorten := context.AfterFunc(poller.ctx, shortenDeadline)
	defer cancelShorten()
	watched, stop := h.sessions.watch(r.Context(), &rest.InfoOf(r).Caller)
	defer stop()
	sub.run(watched)
	shortenDeadline() // leaves net/http time to write the end of the response
	return nil
}

// bind parses the parameters and the position to resume from.
func (h *Handler) bind(r *http.Request) (params Params, pos position, resume bool, err error) {
	var errs problem.FieldErrors
	h.plan.Query(&params, r.URL.RawQuery, &errs)
	if params.Kind != nil && !slices.Contains(messageTypes[1:], *params.Kind) {
		errs.Add("kind", "must be "+problem.JoinOr(messageTypes[1:]))
	}
	name, last := "last_event_id", params.LastEventID
	if header := strings.Join(r.Header.Values("Last-Event-ID"), ","); header != "" {
		name, last = "Last-Event-ID", &header
	}
	if last != nil {
		var ok bool
		if pos, ok = parsePosition(*last); !ok {
			errs.Add(name, "must be the ID of a message of this stream, "+
				"such as 748.1.01890a5d-ac96-774b-bcce-b302099a8057, or 0")
		}
	}
	return params, pos, last != nil, errs.Err()
}

// A subscriber is one open stream.
type subscriber struct {
	*Handler
	poller    *poller
	w         http.ResponseWriter
	control   *http.ResponseController
	params    Params
	pos       position  // of the last row read, whether sent or filtered out
	lastRead  time.Time // time of the last read
	sentPos   position  // last position sent to the client
	lastWrite time.Time
	limit     int // rows per page
}

// run sends messages until the client disconnects, ctx is done or the server shuts down.
func (s *subscriber) run(ctx context.Context) {
	err := s.write([]byte("retry: 2000\nid: " + s.pos.String() + "\n\n"))
	s.sentPos, s.lastRead = s.pos, time.Now()
	retry := minRetryDelay
	for err == nil && !s.poller.wasRestored(s.pos, s.lastRead) {
		epoch := s.poller.currentEpoch()
		page, readErr := s.hub.pageAfter(s.poller, epoch, s.pos, s.params.Kind, s.limit)
		switch {
		case readErr != nil:
			err = s.wait(ctx, nil, retry)
			retry = min(2*retry, maxRetryDelay)
			continue
		case page.truncated:
			s.limit = len(page.rows) // do not read rows that will not fit
		default:
			s.limit = min(2*s.limit, pageRows)
		}
		retry = minRetryDelay
		if err = s.sendPage(page); err == nil && !page.more() {
			err = s.wait(ctx, epoch.done, 0)
		}
	}
}

// wait blocks until changed is closed or the timeout, if positive, expires. Meanwhile it sends heartbeats.
func (s *subscriber) wait(ctx context.Context, changed <-chan struct{}, timeout time.Duration) error {
	var expired <-chan time.Time
	if timeout > 0 {
		expired = time.After(timeout)
	}
	heartbeat := time.NewTimer(s.heartbeatInterval - time.Since(s.lastWrite))
	defer heartbeat.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.poller.ctx.Done():
			return s.poller.ctx.Err()
		case <-changed:
			return nil
		case <-expired:
			return nil
		case <-heartbeat.C:
			if err := s.writeHeartbeat(); err != nil {
				return err
			}
			heartbeat.Reset(s.heartbeatInterval)
		}
	}
}

// writeHeartbeat writes a heartbeat. It includes the position if that moved past rows that were filtered out, so that a
// resumed stream does not read them again.
func (s *subscriber) writeHeartbeat() error {
	text := ": heartbeat\n"
	if s.sentPos != s.pos {
		text += "id: " + s.pos.String() + "\n"
	}
	s.sentPos = s.pos
	return s.write([]byte(text + "\n"))
}

// sendPage writes the messages of a page that match the client's user_id.
func (s *subscriber) sendPage(page *streamPage) error {
	s.lastRead = time.Now()
	if len(page.rows) == 0 {
		return nil
	}
	s.pos = page.rows[len(page.rows)-1].pos
	text := page.text
	if s.params.UserID == nil {
		s.sentPos = s.pos
	} else {
		text = nil
		start := 0
		for _, row := range page.rows {
			if row.userID == *s.params.UserID {
				text = append(text, page.text[start:row.end]...)
				s.sentPos = row.pos
			}
			start = row.end
		}
	}
	switch {
	case len(text) > 0:
		return s.write(text)
	case time.Since(s.lastWrite) >= s.heartbeatInterval:
		return s.writeHeartbeat()
	}
	return nil
}

// write sends text immediately. It fails after writeTimeout if the client does not read.
func (s *subscriber) write(text []byte) error {
	s.lastWrite = time.Now()
	// Not every ResponseWriter supports deadlines, and then none are needed.
	_ = s.control.SetWriteDeadline(s.lastWrite.Add(s.writeTimeout))
	if s.poller.ctx.Err() != nil { // the deadline set above may replace the shorter closeTimeout
		return s.poller.ctx.Err()
	}
	if _, err := s.w.Write(text); err != nil {
		return err
	}
	return s.control.Flush()
}
