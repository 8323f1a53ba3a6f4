// Package ledger records events and raises alerts: it takes events in, one by one or many at once, judges each by package rules over the
// locked state of its user, and keeps event, facts, alert and state in one transaction. It must not know HTTP, nor how a rule is reckoned.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/trace"

	"labledger/db"
	"labledger/internal/rules"
)

// Bounds of the intake.
const (
	maxCommitters    = 2   // passes at once: two beat one and four
	maxGroup         = 256 // events in a pass
	maxLockWaiters   = 4   // passes at once of users whom somebody else has locked
	maxBatches       = 2   // batches at once
	commitTimeout    = 5 * time.Second
	firstLockTimeout = "100ms" // how long a pass waits for a user
	retryLockTimeout = "2s"    // how long a pass waits that is of one locked user
	batchLockTimeout = "10s"   // how long a batch waits, for another one perhaps
)

// What is wrong with an idempotency key.
var (
	// ErrKeyReused says that the caller used the key for another request.
	ErrKeyReused = errors.New("this Idempotency-Key was used for another request")
	// ErrInFlight says that a request with the same key is being worked on.
	ErrInFlight = errors.New("a request with this Idempotency-Key is under way")
)

// A RecordRequest is one event to be recorded.
type RecordRequest struct {
	UserID int64
	Event  rules.Event
	Actor  string
	Key    string   // Idempotency-Key of the actor; "" for none
	Hash   [32]byte // of what the key stands for
}

// Result is an event as it was recorded.
type Result struct {
	EventID  uuid.UUID
	AlertID  uuid.UUID // uuid.Nil when it raised none
	Codes    []int32   // of the rules that fired, ascending
	UserID   int64
	Replayed bool // it was recorded before, under the same key
}

// A Ledger takes events in. It is safe for use by many goroutines. It runs no goroutine while nothing is to be recorded.
type Ledger struct {
	pool          *pgxpool.Pool
	now           func() time.Time
	lockWaiters   chan struct{}
	batchSlots    chan struct{}
	onCommit      func(events, alerts int) // called after each commit
	latestRuleset atomic.Pointer[cachedRuleset]

	mu         sync.Mutex
	pending    map[*pendingEvent]struct{} // all that are not done
	queue      []*pendingEvent            // those of them that no pass has taken yet
	reserved   map[int64]int              // users whose state some pass of this process holds
	inFlight   map[inFlightKey]struct{}
	committers int
}

type inFlightKey struct{ actor, key string }

// New returns the ledger of a database. recorded, if not nil, is called after each commit, with how many events and alerts it recorded, and must
// not block.
func New(pool *pgxpool.Pool, recorded func(events, alerts int)) *Ledger {
	if recorded == nil {
		recorded = func(int, int) {}
	}
	return &Ledger{
		pool: pool, now: time.Now, onCommit: recorded,
		lockWaiters: make(chan struct{}, maxLockWaiters), batchSlots: make(chan struct{}, maxBatches),
		pending: map[*pendingEvent]struct{}{}, reserved: map[int64]int{}, inFlight: map[inFlightKey]struct{}{},
	}
}

// Record records one event. When it returns without error, the event and its alert are durable.
// Errors: ErrKeyReused, ErrInFlight, the context's, the database's. After the latter two the event may still have been recorded.
func (l *Ledger) Record(ctx context.Context, r RecordRequest) (Result, error) {
	land, err := l.claimKey(r.Actor, r.Key)
	if err != nil {
		return Result{}, err
	}
	defer land()
	c := &pendingEvent{RecordRequest: r, span: trace.SpanFromContext(ctx), done: make(chan struct{})}
	l.enqueue(c)
	select {
	case <-c.done:
	case <-ctx.Done():
		l.cancel(c)
		return Result{}, ctx.Err()
	}
	if c.err == nil && c.prior != nil {
		return l.priorResult(ctx, c.prior)
	}
	return c.result, c.err
}

// Simulate answers what Record would have answered, and records nothing. The ids are of no event.
func (l *Ledger) Simulate(ctx context.Context, r RecordRequest) (Result, error) {
	c := &pendingEvent{RecordRequest: r, done: make(chan struct{})}
	err := l.commit(ctx, []*pendingEvent{c}, retryLockTimeout, true)
	if err == nil && c.prior != nil {
		return l.priorResult(ctx, c.prior)
	}
	return c.result, errors.Join(err, c.err)
}

// claimKey marks a key as under way, until land is called.
func (l *Ledger) claimKey(actor, key string) (land func(), err error) {
	if key == "" {
		return func() {}, nil
	}
	f := inFlightKey{actor, key}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, twin := l.inFlight[f]; twin {
		return nil, ErrInFlight
	}
	l.inFlight[f] = struct{}{}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.inFlight, f)
	}, nil
}

// priorResult reads what a request with the same key has recorded.
func (l *Ledger) priorResult(ctx context.Context, prior *db.FindKeysRow) (Result, error) {
	rows, err := db.New(l.pool).ListEventsByIdempotencyKey(ctx, db.ListEventsByIdempotencyKeyParams{
		FirstID: prior.FirstID, LastID: prior.LastID, UserID: prior.UserID, Caller: prior.Caller, Key: prior.Key, Limit: 1,
	})
	if err != nil {
		return Result{}, err
	}
	if len(rows) == 0 {
		return Result{}, errors.New("ledger: an idempotency key speaks of an event that is not there")
	}
	return resultFromRow(rows[0]), nil
}

func resultFromRow(row db.ListEventsByIdempotencyKeyRow) Result {
	r := Result{EventID: row.ID, Codes: row.AlertCodes, UserID: row.UserID, Replayed: true}
	if row.AlertID != nil {
		r.AlertID = *row.AlertID
	}
	return r
}

// DeleteExpiredKeys deletes idempotency keys that are older than age, a thousand at a time, and returns how many.
func (l *Ledger) DeleteExpiredKeys(ctx context.Context, age time.Duration) (int64, error) {
	const atOnce = 1000
	before := l.now().Add(-age)
	for total := int64(0); ; {
		n, err := db.New(l.pool).DeleteExpiredKeys(ctx, db.DeleteExpiredKeysParams{Before: before, Limit: atOnce})
		total += n
		if err != nil || n < atOnce {
			return total, err
		}
	}
}

// cachedRuleset is the rule set that was read last.
type cachedRuleset struct {
	db.GetLatestRulesetRow
	set rules.Set
}

// loadRuleset reads a rule set, or finds that it is the one that was read last. A set stays as it is; a database that was restored may have
// another one under the same number, of another time.
func (l *Ledger) loadRuleset(ctx context.Context, q *db.Queries, latest db.GetLatestRulesetRow) (rules.Set, error) {
	if last := l.latestRuleset.Load(); last != nil && last.ID == latest.ID && last.At.Equal(latest.At) {
		return last.set, nil
	}
	text, err := q.GetRuleset(ctx, db.GetRulesetParams{ID: latest.ID})
	if err != nil {
		return nil, err
	}
	set, err := rules.ParseSet(text)
	if err != nil {
		return nil, fmt.Errorf("ledger: rule set %d: %w", latest.ID, err)
	}
	l.latestRuleset.Store(&cachedRuleset{latest, set})
	return set, nil
}
