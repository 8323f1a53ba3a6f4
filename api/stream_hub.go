package api

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
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
)

// This file is the part of the live stream that its clients share: one hub asks the database for all of them whether there is anything new,
// and what is read for one of them serves the others that stand at the same place.

// Bounds of the stream.
const (
	pageRows     = 200       // read at once
	pageBytes    = 128 << 10 // of messages kept at once, and the last one; with pageRows it bounds the memory of a client
	sharedPages  = 4         // kept for others to read
	pollInterval = 500 * time.Millisecond
)

// pollBackoff lie between the looks at the database after a commit: a row shows only once all transactions older than its own have ended.
// The first one also bounds how often the hub looks at all.
var pollBackoff = []time.Duration{5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, pollInterval}

// A position is a place in the stream, that of a row; zero is before all rows.
type position struct {
	xid  int64
	kind int32 // index into kinds
	id   uuid.UUID
}

// messageTypes are what the messages of the stream are called, by the number in their position.
var messageTypes = []string{"", "event", "alert"}

func (p position) String() string {
	if p == (position{}) {
		return "0"
	}
	return strconv.FormatInt(p.xid, 10) + "." + strconv.Itoa(int(p.kind)) + "." + p.id.String()
}

// A hub wakes the clients of the stream. It works only while there are any.
type hub struct {
	pool       *pgxpool.Pool
	shutdown   <-chan struct{}
	maxClients int           // clients at once
	wakeups    chan struct{} // something was committed
	readSlots  chan struct{} // connections that may be in use for pages at once

	mu      sync.Mutex
	clients int
	poller  *poller // nil without clients
}

// A poller is the hub's work from the first client to the last. It ends with its context.
type poller struct {
	ctx  context.Context
	stop context.CancelFunc

	mu       sync.Mutex
	epoch    *epoch
	lastPoll time.Time // before the last look at the database
	horizon  int64     // that it found
}

// A epoch lasts until something new shows: all that is read in one is shared by its clients.
type epoch struct {
	done  chan struct{} // closed when something new shows
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

// wake says that something was committed. It never waits.
func (h *hub) wake() {
	select {
	case h.wakeups <- struct{}{}:
	default: // one is on its way
	}
}

// join adds a client, which must leave.
func (h *hub) join() (*poller, error) {
	select {
	case <-h.shutdown:
		return nil, unavailable("The server is stopping. Try again.", nil)
	default:
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clients == h.maxClients {
		return nil, unavailable("Too many streams are open. Try again when one of them has ended.", nil)
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

// run looks for news until the watch ends: soon after each commit of this process, and now and then for those of others.
func (h *hub) run(poller *poller) {
	defer poller.stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var lastPos position // the first look finds something new in any ledger: clients may have read before it
	for step := 0; ; {
		select {
		case <-poller.ctx.Done():
			return
		case <-h.shutdown:
			return
		case <-h.wakeups:
			step = 0
			timer.Reset(max(0, pollBackoff[0]-time.Since(poller.lastPoll)))
		case <-timer.C:
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

// poll asks the database once.
func (h *hub) poll(poller *poller) (streamEnd, error) {
	start := time.Now()
	end, err := h.fetchEnd(poller.ctx)
	poller.mu.Lock()
	defer poller.mu.Unlock()
	poller.lastPoll = start
	if err == nil {
		poller.horizon = end.horizon
	}
	return end, err
}

// fetchEnd is where the stream ends now.
func (h *hub) fetchEnd(ctx context.Context) (end streamEnd, err error) {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	conn, err := acquire(ctx, h.pool)
	if err != nil {
		return streamEnd{}, err
	}
	defer conn.Release()
	_, err = db.New(readDBTX(conn, true, &end)).GetStreamPosition(ctx)
	return end, err
}

// A streamEnd is the end of the stream, and what no position of this database reaches.
type streamEnd struct {
	pos     position
	horizon int64
}

func (e *streamEnd) row(_ []pgconn.FieldDescription, values [][]byte) (err error) {
	if e.pos, err = scanPosition(values); err == nil {
		e.horizon, err = strconv.ParseInt(string(values[3]), 10, 64)
	}
	return err
}

// scanPosition reads the first three columns of a row.
func scanPosition(values [][]byte) (pos position, err error) {
	xid, err1 := strconv.ParseInt(string(values[0]), 10, 64)
	kind, err2 := strconv.ParseInt(string(values[1]), 10, 32)
	id, err3 := uuid.ParseBytes(values[2])
	return position{xid, int32(kind), id}, errors.Join(err1, err2, err3)
}

// currentEpoch is the generation of now. What a client reads after this call is at least as new.
func (p *poller) currentEpoch() *epoch {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.epoch
}

// advance begins a new generation and wakes whoever waits for the end of the old one.
func (p *poller) advance() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.epoch.done)
	p.epoch = &epoch{done: make(chan struct{})}
}

// wasRestored tells that the database has lost what a client has read since: it was exchanged for an older one.
func (p *poller) wasRestored(pos position, lastRead time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lastPoll.After(lastRead) && pos.xid >= p.horizon
}

// A streamPage is a piece of the stream. Whoever shares it must not change it.
type streamPage struct {
	after     position
	kind      *string
	ready     chan struct{} // closed when it is read, or err is set
	err       error
	text      []byte
	rows      []streamRow
	limit     int  // of rows
	truncated bool // at pageBytes
}

// more tells whether the next page may have rows already.
func (p *streamPage) more() bool { return p.truncated || len(p.rows) == p.limit }

// A streamRow is one message of a page.
type streamRow struct {
	pos    position
	userID int64
	end    int // of its message in the page's text
}

// pageAfter reads what follows a position, or waits for somebody who is reading it already.
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

// pageFor finds a page of this generation, or says that it is the caller's to read.
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

// discard takes a page back that could not be read.
func (e *epoch) discard(p *streamPage) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pages = slices.DeleteFunc(e.pages, func(other *streamPage) bool { return other == p })
}

func (h *hub) read(ctx context.Context, p *streamPage) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	select {
	case h.readSlots <- struct{}{}:
		defer func() { <-h.readSlots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	conn, err := acquire(ctx, h.pool)
	if err != nil {
		return err
	}
	defer conn.Release()
	// Planned each time: a plan that was made while the ledger was small would read all of it, again and again.
	_, err = db.New(readDBTX(conn, true, p)).ListStream(ctx, db.ListStreamParams{
		AfterXid: p.after.xid, AfterKind: p.after.kind, AfterID: p.after.id, Kind: p.kind, Limit: int64(p.limit),
	})
	if errors.Is(err, errPageFull) {
		err = nil
	}
	return err
}

// errPageFull ends the reading of a page.
var errPageFull = errors.New("page full")

// messageColumns are the columns of ListStream that a message of a kind shows: those that the lists of events and alerts show.
var messageColumns = [][]int{
	1: columnIndexes(reflect.TypeFor[db.ListStreamRow](), reflect.TypeFor[db.ListEventsRow]()),
	2: columnIndexes(reflect.TypeFor[db.ListStreamRow](), reflect.TypeFor[db.ListAlertsRow]()),
}

// columnIndexes tells where the columns of part are in whole. It panics when one is missing.
func columnIndexes(whole, part reflect.Type) []int {
	columns := columnsOf(whole)
	var positions []int
	for _, name := range columnsOf(part) {
		i := slices.Index(columns, name)
		if i < 0 {
			panic("api: the stream lacks the column " + name)
		}
		positions = append(positions, i)
	}
	return positions
}

// row appends a row as a message.
func (p *streamPage) row(columns []pgconn.FieldDescription, values [][]byte) error {
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
	p.text = append(appendRow(p.text, names, cells), "\n\n"...)
	p.rows = append(p.rows, streamRow{pos, userID, len(p.text)})
	if len(p.text) >= pageBytes {
		p.truncated = true
		return errPageFull
	}
	return nil
}
