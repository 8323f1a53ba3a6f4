package sse

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/dbtx"
)

// This file is the part of the live stream that all clients share. One hub polls the database for all of them, and
// clients at the same position share pages.

// Bounds of the stream.
const (
	pageRows     = 200       // rows per page
	pageBytes    = 128 << 10 // a page ends with the row that exceeds this; bounds the memory of a client
	sharedPages  = 4         // pages kept per epoch
	pollInterval = 500 * time.Millisecond
)

// pollBackoff are the delays between polls after a commit. A row becomes visible to the stream only when all older
// transactions have ended. The first delay also bounds the polling rate.
var pollBackoff = []time.Duration{5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, pollInterval}

// A position is the place of a row in the stream. The zero position is before all rows.
type position struct {
	xid  int64
	kind int32 // index into messageTypes
	id   uuid.UUID
}

// messageTypes are the SSE event types of messages, indexed by position.kind.
var messageTypes = []string{"", "event", "alert"}

func (p position) String() string {
	if p == (position{}) {
		return "0"
	}
	return strconv.FormatInt(p.xid, 10) + "." + strconv.Itoa(int(p.kind)) + "." + p.id.String()
}

// A hub wakes the clients of the stream when there are new rows. It polls only while there are clients.
type hub struct {
	pool       *pgxpool.Pool
	shutdown   <-chan struct{}
	maxClients int
	wakeups    chan struct{} // signals a commit of this process
	readSlots  chan struct{} // limits the connections that read pages

	mu      sync.Mutex
	clients int
	poller  *poller // nil without clients
}

// A poller polls the database from the first client to the last. It stops with its context.
type poller struct {
	ctx  context.Context
	stop context.CancelFunc

	mu          sync.Mutex
	epoch       *epoch
	horizon     int64     // result of the last successful poll
	horizonTime time.Time // start of that poll
}

// An epoch is a period without new rows. Clients share the pages read in it.
type epoch struct {
	done  chan struct{} // closed when new rows are visible
	mu    sync.Mutex
	pages []*streamPage
}

func newHub(pool *pgxpool.Pool, shutdown <-chan struct{}, maxClients int) *hub {
	return &hub{
		pool: pool, shutdown: shutdown, maxClients: maxClients,
		wakeups:   make(chan struct{}, 1),
		readSlots: make(chan struct{}, max(1, pool.Config().MaxConns/4)),
	}
}

// wake announces a commit. It never blocks.
func (h *hub) wake() {
	select {
	case h.wakeups <- struct{}{}:
	default: // a wakeup is already pending
	}
}

// join adds a client, which must call leave.
func (h *hub) join() (*poller, error) {
	select {
	case <-h.shutdown:
		return nil, problem.Unavailable("The server is shutting down. Try again.", nil)
	default:
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clients == h.maxClients {
		return nil, problem.Unavailable("Too many streams are open. Try again later.", nil)
	}
	h.clients++
	if h.poller == nil {
		ctx, stop := context.WithCancel(context.Background())
		h.poller = &poller{ctx: ctx, stop: stop, epoch: &epoch{done: make(chan struct{})}}
		go h.run(h.poller)
	}
	return h.poller, nil
}

func (h *hub) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clients--; h.clients == 0 {
		h.poller.stop()
		h.poller = nil
	}
}

// run polls until the poller stops: soon after each commit of this process, and every pollInterval for commits of other
// instances.
func (h *hub) run(poller *poller) {
	defer poller.stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var lastPos position // zero, so the first poll always starts a new epoch: clients may have read before it
	var lastPoll time.Time
	for step := 0; ; {
		select {
		case <-poller.ctx.Done():
			return
		case <-h.shutdown:
			return
		case <-h.wakeups:
			step = 0
			timer.Reset(max(0, pollBackoff[0]-time.Since(lastPoll)))
		case <-timer.C:
			lastPoll = time.Now()
			end, err := h.poll(poller)
			if err == nil && end.pos != lastPos {
				lastPos = end.pos
				poller.advance()
			}
			timer.Reset(pollBackoff[step])
			step = min(step+1, len(pollBackoff)-1)
		}
	}
}

// poll reads the end of the stream once.
func (h *hub) poll(poller *poller) (streamEnd, error) {
	start := time.Now()
	end, err := h.fetchEnd(poller.ctx)
	if err != nil {
		return streamEnd{}, err
	}
	poller.mu.Lock()
	defer poller.mu.Unlock()
	poller.horizon, poller.horizonTime = end.horizon, start
	return end, nil
}

// fetchEnd returns the current end of the stream.
func (h *hub) fetchEnd(ctx context.Context) (end streamEnd, err error) {
	ctx, cancel := context.WithTimeout(ctx, rest.StatementTimeout)
	defer cancel()
	conn, err := rest.Acquire(ctx, h.pool)
	if err != nil {
		return streamEnd{}, err
	}
	defer conn.Release()
	_, err = db.New(dbtx.Raw(conn, &end, pgx.QueryExecModeCacheDescribe)).GetStreamPosition(ctx)
	return end, err
}

// A streamEnd is the end of the stream.
type streamEnd struct {
	pos     position
	horizon int64 // all positions of this database have a lower xid
}

func (e *streamEnd) WriteRow(_ []pgconn.FieldDescription, values [][]byte) (err error) {
	if e.pos, err = scanPosition(values); err == nil {
		e.horizon, err = strconv.ParseInt(string(values[3]), 10, 64)
	}
	return err
}

// scanPosition parses the first three columns of a row.
func scanPosition(values [][]byte) (pos position, err error) {
	xid, err1 := strconv.ParseInt(string(values[0]), 10, 64)
	kind, err2 := strconv.ParseInt(string(values[1]), 10, 32)
	id, err3 := uuid.ParseBytes(values[2])
	return position{xid, int32(kind), id}, errors.Join(err1, err2, err3)
}

// currentEpoch returns the current epoch. A page that is read after this call is at least as new.
func (p *poller) currentEpoch() *epoch {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.epoch
}

// advance starts a new epoch and wakes the clients that wait for the end of the old one.
func (p *poller) advance() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.epoch.done)
	p.epoch = &epoch{done: make(chan struct{})}
}

// wasRestored reports whether the database was replaced by an older copy: the client has read a row at pos that a later
// poll no longer reaches.
func (p *poller) wasRestored(pos position, lastRead time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.horizonTime.After(lastRead) && pos.xid >= p.horizon
}

// A streamPage is a part of the stream. It is shared, so it must not change once ready is closed.
type streamPage struct {
	after     position
	kind      *string
	ready     chan struct{} // closed when the page is read or err is set
	err       error
	text      []byte
	rows      []streamRow
	limit     int  // maximum number of rows
	truncated bool // text reached pageBytes
}

// more reports whether the next page may already have rows.
func (p *streamPage) more() bool { return p.truncated || len(p.rows) == p.limit }

// A streamRow is one message of a page.
type streamRow struct {
	pos    position
	userID int64
	end    int // end of the message in the page's text
}

// pageAfter returns the page after a position. It reads the page, or waits for the client that is already reading it.
func (h *hub) pageAfter(poller *poller, epoch *epoch, after position, kind *string, limit int) (*streamPage, error) {
	p, isReader := epoch.pageFor(after, kind, limit)
	if isReader {
		p.err = h.read(poller.ctx, p)
		if p.err != nil {
			epoch.discard(p)
		}
		close(p.ready)
		return p, p.err
	}
	select {
	case <-p.ready:
		return p, p.err
	case <-poller.ctx.Done():
		return nil, poller.ctx.Err()
	}
}

// pageFor returns the page of this epoch after a position. If isReader is true, the caller must read the page.
func (e *epoch) pageFor(after position, kind *string, limit int) (p *streamPage, isReader bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.pages {
		if p.after == after && reflect.DeepEqual(p.kind, kind) {
			return p, false
		}
	}
	p = &streamPage{after: after, kind: kind, limit: limit, ready: make(chan struct{})}
	if len(e.pages) == sharedPages {
		e.pages = slices.Delete(e.pages, 0, 1)
	}
	e.pages = append(e.pages, p)
	return p, true
}

// discard removes a page that could not be read.
func (e *epoch) discard(p *streamPage) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pages = slices.DeleteFunc(e.pages, func(other *streamPage) bool { return other == p })
}

// read fills a page from the database.
func (h *hub) read(ctx context.Context, p *streamPage) error {
	ctx, cancel := context.WithTimeout(ctx, rest.StatementTimeout)
	defer cancel()
	select {
	case h.readSlots <- struct{}{}:
		defer func() { <-h.readSlots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	conn, err := rest.Acquire(ctx, h.pool)
	if err != nil {
		return err
	}
	defer conn.Release()
	// Planned for each execution: a plan cached while the ledger was small would scan all of it.
	_, err = db.New(dbtx.Raw(conn, p, pgx.QueryExecModeCacheDescribe)).ListStream(ctx, db.ListStreamParams{
		AfterXid:  p.after.xid,
		AfterKind: p.after.kind,
		AfterID:   p.after.id,
		Kind:      p.kind,
		Limit:     int64(p.limit),
	})
	if errors.Is(err, errPageFull) {
		err = nil
	}
	return err
}

// errPageFull stops reading a page that has reached pageBytes.
var errPageFull = errors.New("page full")

// messageColumns are the indexes of the ListStream columns in a message, by kind: the columns that the lists of events
// and alerts show.
var messageColumns = [][]int{
	1: columnIndexes(reflect.TypeFor[db.ListStreamRow](), reflect.TypeFor[db.ListEventsRow]()),
	2: columnIndexes(reflect.TypeFor[db.ListStreamRow](), reflect.TypeFor[db.ListAlertsRow]()),
}

// columnIndexes returns the indexes in whole of the columns of part. It panics if a column is missing.
func columnIndexes(whole, part reflect.Type) []int {
	columns := rest.ColumnsOf(whole)
	var indexes []int
	for _, name := range rest.ColumnsOf(part) {
		i := slices.Index(columns, name)
		if i < 0 {
			panic("sse: " + whole.Name() + " lacks the column " + name)
		}
		indexes = append(indexes, i)
	}
	return indexes
}

// WriteRow appends a row to the page as a message.
func (p *streamPage) WriteRow(columns []pgconn.FieldDescription, values [][]byte) error {
	pos, err := scanPosition(values)
	if err != nil {
		return err
	}
	userID, err := strconv.ParseInt(string(values[3]), 10, 64)
	if err != nil {
		return err
	}
	names := make([]pgconn.FieldDescription, 0, len(columns))
	cells := make([][]byte, 0, len(values))
	for _, i := range messageColumns[pos.kind] {
		names, cells = append(names, columns[i]), append(cells, values[i])
	}
	p.text = append(p.text, "id: "...)
	p.text = append(append(p.text, bytes.Join(values[:3], []byte("."))...), '\n')
	p.text = append(append(append(p.text, "event: "...), messageTypes[pos.kind]...), '\n')
	p.text = append(p.text, "data: "...)
	p.text = append(rest.AppendRow(p.text, names, cells), "\n\n"...)
	p.rows = append(p.rows, streamRow{pos, userID, len(p.text)})
	if len(p.text) >= pageBytes {
		p.truncated = true
		return errPageFull
	}
	return nil
}
