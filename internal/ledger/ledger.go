// Package ledger records events and raises alerts. It records events one at a time or in batches. Package rules
// evaluates each event over the locked state of its user; event, measurements, alert and state are stored in one
// transaction. The package does not know HTTP and does not implement any rule.
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

// Limits of recording.
const (
	maxCommitters   = 2   // concurrent group commits: in benchmarks, two are faster than one and than four
	maxGroup        = 256 // events in one group commit
	maxPending      = 4096
	maxLockWaiters  = 4 // concurrent commits for users whose rows are locked by another transaction
	maxBatches      = 2 // concurrent batches
	maxTransactions = 4 // concurrent calls of RecordTx that hold a connection
	rollbackTimeout = 5 * time.Second
)

// timeouts limit how long recording waits for Postgres. The lock timeouts are values of the setting lock_timeout.
type timeouts struct {
	commit    time.Duration
	firstLock string // of a group
	retryLock string // of a group that holds only one user whose row was locked
	batchLock string // of a batch, which may wait for another batch
}

var defaultTimeouts = timeouts{commit: 5 * time.Second, firstLock: "100ms", retryLock: "2s", batchLock: "10s"}

// ErrQueueFull reports that too many events wait to be recorded.
var ErrQueueFull = errors.New("too many events wait to be recorded")

// Errors of idempotency keys.
var (
	// ErrKeyReused reports that the caller has used the key for a different request.
	ErrKeyReused = errors.New("this idempotency key was used for a different request")
	// ErrInFlight reports that a request with the same key is in progress.
	ErrInFlight = errors.New("a request with this idempotency key is in progress")
)

// A RecordRequest is one event to record.
type RecordRequest struct {
	UserID int64
	Event  rules.Event
	Actor  string
	Key    string   // idempotency key, unique for each actor; "" for none
	Hash   [32]byte // hash of the request that the key identifies

	ContainerUUID *uuid.UUID // container that the user checked out or returned; nil for none
}

// Result is a recorded event.
type Result struct {
	EventID  uuid.UUID
	AlertID  uuid.UUID // uuid.Nil if the event raised no alert
	Codes    []int32   // codes of the rules that fired, ascending
	UserID   int64
	Replayed bool // an earlier request with the same key recorded the event
}

// A Ledger records events. It is safe for concurrent use. It runs no goroutine while there is nothing to record.
type Ledger struct {
	pool          *pgxpool.Pool
	now           func() time.Time
	timeouts      timeouts
	maxPending    int
	lockWaiters   chan struct{}            // semaphore of size maxLockWaiters
	batchSlots    chan struct{}            // semaphore of size maxBatches
	txSlots       chan struct{}            // semaphore of size maxTransactions
	onCommit      func(events, alerts int) // called after each commit
	latestRuleset atomic.Pointer[cachedRuleset]

	mu         sync.Mutex
	pending    map[*pendingEvent]struct{} // all events that are not complete
	queue      []*pendingEvent            // the pending events that are in no group yet
	reserved   map[int64]int              // reservations by user, of groups and batches in progress
	inFlight   map[inFlightKey]struct{}
	committers int
}

type inFlightKey struct{ actor, key string }

// New returns the ledger of a database. onCommit, if not nil, is called after each commit with the number of recorded
// events and alerts. It must not block.
func New(pool *pgxpool.Pool, onCommit func(events, alerts int)) *Ledger {
	if onCommit == nil {
		onCommit = func(int, int) {}
	}
	return &Ledger{
		pool: pool, now: time.Now, timeouts: defaultTimeouts, maxPending: maxPending, onCommit: onCommit,
		lockWaiters: make(chan struct{}, maxLockWaiters), batchSlots: make(chan struct{}, maxBatches),
		txSlots: make(chan struct{}, maxTransactions),
		pending: map[*pendingEvent]struct{}{}, reserved: map[int64]int{}, inFlight: map[inFlightKey]struct{}{},
	}
}

// Record records one event. When it returns without an error, the event and its alert are durable. It returns
// ErrKeyReused, ErrInFlight, ErrQueueFull, an error of the context or an error of the database. After an error of the context or the
// database, the event may still have been recorded.
func (l *Ledger) Record(ctx context.Context, r RecordRequest) (Result, error) {
	releaseKey, err := l.claimKey(r.Actor, r.Key)
	if err != nil {
		return Result{}, err
	}
	defer releaseKey()
	e := &pendingEvent{RecordRequest: r, span: trace.SpanFromContext(ctx), done: make(chan struct{})}
	if err := l.enqueue(e); err != nil {
		return Result{}, err
	}
	select {
	case <-e.done:
	case <-ctx.Done():
		l.cancel(e)
		return Result{}, ctx.Err()
	}
	if e.err == nil && e.prior != nil {
		return l.priorResult(ctx, e.prior)
	}
	return e.result, e.err
}

// Simulate returns what Record would return, and records nothing. The IDs in the result do not exist.
func (l *Ledger) Simulate(ctx context.Context, r RecordRequest) (Result, error) {
	e := &pendingEvent{RecordRequest: r, done: make(chan struct{})}
	err := l.commit(ctx, []*pendingEvent{e}, l.timeouts.retryLock, true, nil)
	if err == nil && e.prior != nil {
		return l.priorResult(ctx, e.prior)
	}
	return e.result, errors.Join(err, e.err)
}

// claimKey marks an idempotency key as in flight until the caller calls releaseKey. It returns ErrInFlight if it
// already is.
func (l *Ledger) claimKey(actor, key string) (releaseKey func(), err error) {
	if key == "" {
		return func() {}, nil
	}
	k := inFlightKey{actor, key}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, claimed := l.inFlight[k]; claimed {
		return nil, ErrInFlight
	}
	l.inFlight[k] = struct{}{}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.inFlight, k)
	}, nil
}

// priorResult reads the event that an earlier request with the same key recorded.
func (l *Ledger) priorResult(ctx context.Context, prior *db.FindKeysRow) (Result, error) {
	rows, err := db.New(l.pool).ListEventsByIdempotencyKey(ctx, db.ListEventsByIdempotencyKeyParams{
		FirstID: prior.FirstID, LastID: prior.LastID, UserID: prior.UserID,
		Caller: prior.Caller, Key: prior.Key, Limit: 1,
	})
	if err != nil {
		return Result{}, err
	}
	if len(rows) == 0 {
		return Result{}, errors.New("ledger: the event of an idempotency key is missing")
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

// DeleteExpiredKeys deletes the idempotency keys that are older than a time, in chunks of 1000. It returns the number
// of deleted keys.
func DeleteExpiredKeys(ctx context.Context, q *db.Queries, before time.Time) (int64, error) {
	const limit = 1000
	for total := int64(0); ; {
		n, err := q.DeleteExpiredKeys(ctx, db.DeleteExpiredKeysParams{Before: before, Limit: limit})
		total += n
		if err != nil || n < limit {
			return total, err
		}
	}
}

// cachedRuleset is the most recently loaded rule set.
type cachedRuleset struct {
	db.GetLatestRulesetRow
	set rules.Set
}

// loadRuleset returns the rule set of a row, from the cache if it is there. A rule set never changes, but a restored
// database may hold a different one with the same ID. That one has a different time.
func (l *Ledger) loadRuleset(ctx context.Context, q *db.Queries, latest db.GetLatestRulesetRow) (rules.Set, error) {
	if cached := l.latestRuleset.Load(); cached != nil && cached.ID == latest.ID && cached.At.Equal(latest.At) {
		return cached.set, nil
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
