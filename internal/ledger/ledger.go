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
	maxWorkers = 2   // passes at once: two beat one and four
	maxPass    = 256 // events in a pass
	maxPatient = 4   // passes at once of users whom somebody else has locked
	maxBatches = 2   // batches at once
	passTime   = 5 * time.Second
	lockShort  = "100ms" // how long a pass waits for a user
	lockLong   = "2s"    // how long a pass waits that is of one locked user
	lockBatch  = "10s"   // how long a batch waits, for another one perhaps
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
	pool    *pgxpool.Pool
	now     func() time.Time
	patient chan struct{}
	batches chan struct{}
	told    func(events, alerts int) // called after each commit
	latest  atomic.Pointer[parsed]

	mu      sync.Mutex
	calls   map[*call]struct{} // all that are not done
	waiting []*call            // those of them that no pass has taken yet
	busy    map[int64]int      // users whose state some pass of this process holds
	flight  map[flight]struct{}
	workers int
}

type flight struct{ actor, key string }

// New returns the ledger of a database. recorded, if not nil, is called after each commit, with how many events and alerts it recorded, and must
// not block.
func New(pool *pgxpool.Pool, recorded func(events, alerts int)) *Ledger {
	if recorded == nil {
		recorded = func(int, int) {}
	}
	return &Ledger{
		pool: pool, now: time.Now, told: recorded,
		patient: make(chan struct{}, maxPatient), batches: make(chan struct{}, maxBatches),
		calls: map[*call]struct{}{}, busy: map[int64]int{}, flight: map[flight]struct{}{},
	}
}

// Record records one event. When it returns without error, the event and its alert are durable.
// Errors: ErrKeyReused, ErrInFlight, the context's, the database's. After the latter two the event may still have been recorded.
func (l *Ledger) Record(ctx context.Context, r RecordRequest) (Result, error) {
	land, err := l.takeOff(r.Actor, r.Key)
	if err != nil {
		return Result{}, err
	}
	defer land()
	c := &call{RecordRequest: r, span: trace.SpanFromContext(ctx), done: make(chan struct{})}
	l.enqueue(c)
	select {
	case <-c.done:
	case <-ctx.Done():
		l.leave(c)
		return Result{}, ctx.Err()
	}
	if c.err == nil && c.prior != nil {
		return l.recordedBefore(ctx, c.prior)
	}
	return c.recorded, c.err
}

// Simulate answers what Record would have answered, and records nothing. The ids are of no event.
func (l *Ledger) Simulate(ctx context.Context, r RecordRequest) (Result, error) {
	c := &call{RecordRequest: r, done: make(chan struct{})}
	err := l.pass(ctx, []*call{c}, lockLong, true)
	if err == nil && c.prior != nil {
		return l.recordedBefore(ctx, c.prior)
	}
	return c.recorded, errors.Join(err, c.err)
}

// takeOff marks a key as under way, until land is called.
func (l *Ledger) takeOff(actor, key string) (land func(), err error) {
	if key == "" {
		return func() {}, nil
	}
	f := flight{actor, key}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, twin := l.flight[f]; twin {
		return nil, ErrInFlight
	}
	l.flight[f] = struct{}{}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.flight, f)
	}, nil
}

// recordedBefore reads what a request with the same key has recorded.
func (l *Ledger) recordedBefore(ctx context.Context, prior *db.FindKeysRow) (Result, error) {
	rows, err := db.New(l.pool).ListEventsByIdempotencyKey(ctx, db.ListEventsByIdempotencyKeyParams{
		FirstID: prior.FirstID, LastID: prior.LastID, UserID: prior.UserID, Caller: prior.Caller, Key: prior.Key, Limit: 1,
	})
	if err != nil {
		return Result{}, err
	}
	if len(rows) == 0 {
		return Result{}, errors.New("ledger: an idempotency key speaks of an event that is not there")
	}
	return asRecorded(rows[0]), nil
}

func asRecorded(row db.ListEventsByIdempotencyKeyRow) Result {
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

// parsed is the rule set that was read last.
type parsed struct {
	db.GetLatestRulesetRow
	set rules.Set
}

// ruleset reads a rule set, or finds that it is the one that was read last. A set stays as it is; a database that was restored may have
// another one under the same number, of another time.
func (l *Ledger) ruleset(ctx context.Context, q *db.Queries, latest db.GetLatestRulesetRow) (rules.Set, error) {
	if last := l.latest.Load(); last != nil && last.ID == latest.ID && last.At.Equal(latest.At) {
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
	l.latest.Store(&parsed{latest, set})
	return set, nil
}
