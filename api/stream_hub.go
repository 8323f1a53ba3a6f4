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
	pageRows    = 200       // read at once
	pageBytes   = 128 << 10 // of messages kept at once, and the last one; with pageRows it bounds the memory of a client
	sharedPages = 4         // kept for others to read
	pollPause   = 500 * time.Millisecond
)

// pauses lie between the looks at the database after a commit: a row shows only once all transactions older than its own have ended.
// The first one also bounds how often the hub looks at all.
var pauses = []time.Duration{5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, pollPause}

// A position is a place in the stream, that of a row; zero is before all rows.
type position struct {
	xid  int64
	kind int32 // index into kinds
	id   uuid.UUID
}

// kinds are what the messages of the stream are called, by the number in their position.
var kinds = []string{"", "event", "alert"}

func (p position) String() string {
	if p == (position{}) {
		return "0"
	}
	return strconv.FormatInt(p.xid, 10) + "." + strconv.Itoa(int(p.kind)) + "." + p.id.String()
}

// A hub wakes the clients of the stream. It works only while there are any.
type hub struct {
	pool   *pgxpool.Pool
	ending <-chan struct{}
	most   int           // clients at once
	signal chan struct{} // something was committed
	slots  chan struct{} // connections that may be in use for pages at once

	mu      sync.Mutex
	clients int
	watch   *watch // nil without clients
}

// A watch is the hub's work from the first client to the last. It ends with its context.
type watch struct {
	ctx  context.Context
	stop context.CancelFunc

	mu      sync.Mutex
	now     *generation
	looked  time.Time // before the last look at the database
	horizon int64     // that it found
}

// A generation lasts until something new shows: all that is read in one is shared by its clients.
type generation struct {
	over  chan struct{} // closed when something new shows
	mu    sync.Mutex
	pages []*streamPage
}

func newHub(pool *pgxpool.Pool, ending <-chan struct{}, most int) *hub {
	return &hub{
		pool: pool, ending: ending, most: most,
		signal: make(chan struct{}, 1),
		slots:  make(chan struct{}, max(1, pool.Config().MaxConns/4)),
	}
}

// wake says that something was committed. It never waits.
func (h *hub) wake() {
	select {
	case h.signal <- struct{}{}:
	default: // one is on its way
	}
}

// join adds a client, which must leave.
func (h *hub) join() (*watch, error) {
	select {
	case <-h.ending:
		return nil, unavailable("The server is stopping. Try again.", nil)
	default:
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clients == h.most {
		return nil, unavailable("Too many streams are open. Try again when one of them has ended.", nil)
	}
	h.clients++
	if h.watch == nil {
		ctx, stop := context.WithCancel(context.Background())
		h.watch = &watch{ctx: ctx, stop: stop, now: &generation{over: make(chan struct{})}}
		go h.run(h.watch)
	}
	return h.watch, nil
}

func (h *hub) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clients--; h.clients == 0 {
		h.watch.stop()
		h.watch = nil
	}
}

// run looks for news until the watch ends: soon after each commit of this process, and now and then for those of others.
func (h *hub) run(w *watch) {
	defer w.stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var newest position // the first look finds something new in any ledger: clients may have read before it
	for step := 0; ; {
		select {
		case <-w.ctx.Done():
			return
		case <-h.ending:
			return
		case <-h.signal:
			step = 0
			timer.Reset(max(0, pauses[0]-time.Since(w.looked)))
		case <-timer.C:
			found, err := h.look(w)
			if err == nil && found.at != newest {
				newest = found.at
				w.renew()
			}
			timer.Reset(pauses[step])
			step = min(step+1, len(pauses)-1)
		}
	}
}

// look asks the database once.
func (h *hub) look(w *watch) (spot, error) {
	began := time.Now()
	found, err := h.newest(w.ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked = began
	if err == nil {
		w.horizon = found.horizon
	}
	return found, err
}

// newest is where the stream ends now.
func (h *hub) newest(ctx context.Context) (found spot, err error) {
	ctx, cancel := context.WithTimeout(ctx, statementTime)
	defer cancel()
	conn, err := acquire(ctx, h.pool)
	if err != nil {
		return spot{}, err
	}
	defer conn.Release()
	_, err = db.New(reading(conn, true, &found)).GetStreamPosition(ctx)
	return found, err
}

// A spot is the end of the stream, and what no position of this database reaches.
type spot struct {
	at      position
	horizon int64
}

func (s *spot) row(_ []pgconn.FieldDescription, values [][]byte) (err error) {
	if s.at, err = positionOf(values); err == nil {
		s.horizon, err = strconv.ParseInt(string(values[3]), 10, 64)
	}
	return err
}

// positionOf reads the first three columns of a row.
func positionOf(values [][]byte) (at position, err error) {
	xid, err1 := strconv.ParseInt(string(values[0]), 10, 64)
	kind, err2 := strconv.ParseInt(string(values[1]), 10, 32)
	id, err3 := uuid.ParseBytes(values[2])
	return position{xid, int32(kind), id}, errors.Join(err1, err2, err3)
}

// current is the generation of now. What a client reads after this call is at least as new.
func (w *watch) current() *generation {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// renew begins a new generation and wakes whoever waits for the end of the old one.
func (w *watch) renew() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.now.over)
	w.now = &generation{over: make(chan struct{})}
}

// forgot tells that the database has lost what a client has read since: it was exchanged for an older one.
func (w *watch) forgot(at position, read time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.looked.After(read) && at.xid >= w.horizon
}

// A streamPage is a piece of the stream. Whoever shares it must not change it.
type streamPage struct {
	from  position
	kind  *string
	ready chan struct{} // closed when it is read, or err is set
	err   error
	text  []byte
	rows  []streamRow
	limit int  // of rows
	cut   bool // at pageBytes
}

// more tells whether the next page may have rows already.
func (p *streamPage) more() bool { return p.cut || len(p.rows) == p.limit }

// A streamRow is one message of a page.
type streamRow struct {
	at   position
	user int64
	end  int // of its message in the page's text
}

// page reads what follows a position, or waits for somebody who is reading it already.
func (h *hub) page(w *watch, g *generation, from position, kind *string, limit int) (*streamPage, error) {
	p, mine := g.page(from, kind, limit)
	if mine {
		p.err = h.read(w.ctx, p)
		if p.err != nil {
			g.drop(p)
		}
		close(p.ready)
		return p, p.err
	}
	select {
	case <-p.ready:
		return p, p.err
	case <-w.ctx.Done():
		return nil, w.ctx.Err()
	}
}

// page finds a page of this generation, or says that it is the caller's to read.
func (g *generation) page(from position, kind *string, limit int) (p *streamPage, mine bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.pages {
		if p.from == from && reflect.DeepEqual(p.kind, kind) {
			return p, false
		}
	}
	p = &streamPage{from: from, kind: kind, limit: limit, ready: make(chan struct{})}
	if len(g.pages) == sharedPages {
		g.pages = slices.Delete(g.pages, 0, 1)
	}
	g.pages = append(g.pages, p)
	return p, true
}

// drop takes a page back that could not be read.
func (g *generation) drop(p *streamPage) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pages = slices.DeleteFunc(g.pages, func(q *streamPage) bool { return q == p })
}

func (h *hub) read(ctx context.Context, p *streamPage) error {
	ctx, cancel := context.WithTimeout(ctx, statementTime)
	defer cancel()
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	conn, err := acquire(ctx, h.pool)
	if err != nil {
		return err
	}
	defer conn.Release()
	// Planned each time: a plan that was made while the ledger was small would read all of it, again and again.
	_, err = db.New(reading(conn, true, p)).ListStream(ctx, db.ListStreamParams{
		AfterXid: p.from.xid, AfterKind: p.from.kind, AfterID: p.from.id, Kind: p.kind, Limit: int64(p.limit),
	})
	if errors.Is(err, errPageFull) {
		err = nil
	}
	return err
}

// errPageFull ends the reading of a page.
var errPageFull = errors.New("page full")

// shown are the columns of ListStream that a message of a kind shows: those that the lists of events and alerts show.
var shown = [][]int{
	1: indexes(reflect.TypeFor[db.ListStreamRow](), reflect.TypeFor[db.ListEventsRow]()),
	2: indexes(reflect.TypeFor[db.ListStreamRow](), reflect.TypeFor[db.ListAlertsRow]()),
}

// indexes tells where the columns of part are in whole. It panics when one is missing.
func indexes(whole, part reflect.Type) []int {
	all := columnsOf(whole)
	var found []int
	for _, name := range columnsOf(part) {
		i := slices.Index(all, name)
		if i < 0 {
			panic("api: the stream lacks the column " + name)
		}
		found = append(found, i)
	}
	return found
}

// row appends a row as a message.
func (p *streamPage) row(columns []pgconn.FieldDescription, values [][]byte) error {
	at, err := positionOf(values)
	if err != nil {
		return err
	}
	user, err := strconv.ParseInt(string(values[3]), 10, 64)
	if err != nil {
		return err
	}
	names := make([]pgconn.FieldDescription, 0, len(columns))
	cells := make([][]byte, 0, len(values))
	for _, i := range shown[at.kind] {
		names, cells = append(names, columns[i]), append(cells, values[i])
	}
	p.text = append(p.text, "id: "...)
	p.text = append(append(p.text, bytes.Join(values[:3], []byte("."))...), '\n')
	p.text = append(append(append(p.text, "event: "...), kinds[at.kind]...), '\n')
	p.text = append(p.text, "data: "...)
	p.text = append(appendRow(p.text, names, cells), "\n\n"...)
	p.rows = append(p.rows, streamRow{at, user, len(p.text)})
	if len(p.text) >= pageBytes {
		p.cut = true
		return errPageFull
	}
	return nil
}
