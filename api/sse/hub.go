package sse

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"time"

	"labledger/api/problem"
)

// This file is the part of the live stream that all clients share. One hub polls the database for all of them, and
// clients at the same position share pages.

// Bounds of the hub.
const (
	sharedPages  = 4 // pages kept per epoch
	pollInterval = 500 * time.Millisecond
)

// pollBackoff are the delays between polls after a commit. A row becomes visible to the stream only when all older
// transactions have ended. The first delay also bounds the polling rate.
var pollBackoff = []time.Duration{5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, pollInterval}

// A hub wakes the clients of the stream when there are new rows. It polls only while there are clients.
type hub struct {
	source   source
	shutdown <-chan struct{}
	wakeups  chan struct{}   // signals a commit
	backoff  []time.Duration // pollBackoff

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

func newHub(src source, shutdown <-chan struct{}) *hub {
	return &hub{source: src, shutdown: shutdown, wakeups: make(chan struct{}, 1), backoff: pollBackoff}
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
		return nil, problem.Unavailable(problem.ServerUnavailable, "The server is shutting down. Try again.", nil)
	default:
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clients++
	if h.poller == nil {
		ctx, stop := context.WithCancel(context.Background())
		h.poller = &poller{ctx: ctx, stop: stop, epoch: &epoch{done: make(chan struct{})}}
		go h.run(h.poller)
		go h.source.listen(ctx, h.wake)
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

// run polls until the poller stops: soon after each commit, and every pollInterval for commits of other instances of
// which no notification arrives.
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
			timer.Reset(max(0, h.backoff[0]-time.Since(lastPoll)))
		case <-timer.C:
			lastPoll = time.Now()
			end, err := h.poll(poller)
			if err == nil && end.pos != lastPos {
				lastPos = end.pos
				poller.advance()
			}
			timer.Reset(h.backoff[step])
			step = min(step+1, len(h.backoff)-1)
		}
	}
}

// poll reads the end of the stream once.
func (h *hub) poll(poller *poller) (streamEnd, error) {
	start := time.Now()
	end, err := h.source.fetchEnd(poller.ctx)
	if err != nil {
		return streamEnd{}, err
	}
	poller.mu.Lock()
	defer poller.mu.Unlock()
	poller.horizon, poller.horizonTime = end.horizon, start
	return end, nil
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

// pageAfter returns the page after a position. It reads the page, or waits for the client that is already reading it.
func (h *hub) pageAfter(poller *poller, epoch *epoch, after position, kind *string, limit int) (*streamPage, error) {
	p, isReader := epoch.pageFor(after, kind, limit)
	if isReader {
		p.err = h.source.readPage(poller.ctx, p)
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
