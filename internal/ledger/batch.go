package ledger

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/rules"
)

// This file records many events of one request: the same steps as a pass, with COPY, in one transaction. All users are locked first, in the
// order of their numbers, so that no two transactions ever wait for each other; then few of their states are in memory at once.

// Bounds of a batch.
const (
	MaxBatch     = 1_000_000 // events
	chunkSize    = 20_000    // events that are judged and copied at once, or users who are locked
	batchTimeout = 10 * time.Minute
)

// ErrBusy says that as many batches as may run at once are running.
var ErrBusy = errors.New("too many batches are under way")

// A Batch is many events of one request. Events of a user are recorded in the order in which they stand there.
type Batch struct {
	Events []UserEvent // at most MaxBatch
	Actor  string
	Key    string // Idempotency-Key of the actor; "" for none
	Hash   [32]byte
}

// A UserEvent is an event and its user.
type UserEvent struct {
	UserID int64
	rules.Event
}

// BatchResult are what a batch recorded, event by event.
type BatchResult struct {
	Replayed bool // it was recorded before, under the same key
	ledger   *Ledger
	prior    *db.FindKeysRow
	batch    *Batch
	keyUser  int64 // least of the users: the key is kept with it
	firstID  uuid.UUID
	codes    []uint8 // by event: bit i says that the i-th rule of the set fired
	set      rules.Set
}

// ForEach calls answer for every event in the order of the request. Its error ends it.
func (a *BatchResult) ForEach(ctx context.Context, answer func(Result) error) error {
	switch {
	case a.prior != nil:
		return a.forEachPrior(ctx, answer)
	case a.batch == nil: // of no events
		return nil
	}
	for i := range a.batch.Events {
		r := Result{EventID: a.eventID(i), UserID: a.batch.Events[i].UserID}
		if a.codes[i] != 0 {
			r.AlertID = a.alertID(i)
			for bit, rule := range a.set {
				if a.codes[i]&(1<<bit) != 0 {
					r.Codes = append(r.Codes, rule.Code)
				}
			}
		}
		if err := answer(r); err != nil {
			return err
		}
	}
	return nil
}

// forEachPrior reads what the first request with the key recorded.
func (a *BatchResult) forEachPrior(ctx context.Context, answer func(Result) error) error {
	const page = 5000
	after := uuid.Nil
	for {
		rows, err := db.New(a.ledger.pool).ListEventsByIdempotencyKey(ctx, db.ListEventsByIdempotencyKeyParams{
			FirstID: a.prior.FirstID, LastID: a.prior.LastID, UserID: a.prior.UserID, Caller: a.prior.Caller, Key: a.prior.Key, After: after, Limit: page,
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := answer(resultFromRow(row)); err != nil {
				return err
			}
			after = row.ID
		}
		if len(rows) < page {
			return nil
		}
	}
}

// Ids of a batch: its events' are consecutive, in the order of the request; those of the alerts follow in the same order.
func (a *BatchResult) eventID(i int) uuid.UUID { return addUUID(a.firstID, uint64(i)) }
func (a *BatchResult) alertID(i int) uuid.UUID {
	return addUUID(a.firstID, uint64(len(a.batch.Events)+i))
}

// RecordAll records a batch, all or nothing; dry says: do everything, keep nothing. Errors: as of Record, and ErrBusy.
func (l *Ledger) RecordAll(ctx context.Context, b *Batch, dry bool) (*BatchResult, error) {
	select {
	case l.batchSlots <- struct{}{}:
		defer func() { <-l.batchSlots }()
	default:
		return nil, ErrBusy
	}
	land, err := l.claimKey(b.Actor, b.Key)
	if err != nil {
		return nil, err
	}
	defer land()
	if len(b.Events) == 0 {
		return &BatchResult{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	order := sortByUser(b.Events)
	ids := distinctUsers(b.Events, order)
	if err := l.reserveUsers(ctx, ids); err != nil {
		return nil, err
	}
	defer l.unreserve(ids)
	a := &BatchResult{ledger: l, batch: b, codes: make([]uint8, len(b.Events))}
	if err := a.record(ctx, order, ids, dry); err != nil {
		return nil, err
	}
	if !dry && !a.Replayed {
		l.onCommit(len(b.Events), a.alertCount())
	}
	return a, nil
}

// alertCount counts those that the batch raised.
func (a *BatchResult) alertCount() (n int) {
	for _, codes := range a.codes {
		if codes != 0 {
			n++
		}
	}
	return n
}

// sortByUser are the numbers of the events, sorted by user, and by their order for each.
func sortByUser(events []UserEvent) []int32 {
	order := make([]int32, len(events))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(i, j int32) int { return cmp.Compare(events[i].UserID, events[j].UserID) })
	return order
}

func distinctUsers(events []UserEvent, order []int32) (ids []int64) {
	for _, i := range order {
		if id := events[i].UserID; len(ids) == 0 || ids[len(ids)-1] != id {
			ids = append(ids, id)
		}
	}
	return ids
}

// record runs the whole transaction.
func (a *BatchResult) record(ctx context.Context, order []int32, ids []int64, dry bool) error {
	conn, err := a.ledger.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	defer rollback(conn)
	p := &group{now: a.ledger.now().UTC().Truncate(time.Microsecond)}
	if done, err := a.begin(ctx, conn); done || err != nil {
		return err
	}
	q := db.New(conn)
	if err := a.lockUsers(ctx, q, p, ids); err != nil {
		return err
	}
	var current *userState // of the last user of the chunk before
	for len(order) > 0 {
		n := min(chunkSize, len(order))
		part := order[:n]
		order = order[n:]
		if current, err = a.loadChunk(ctx, q, p, part, current); err != nil {
			return err
		}
		judged := a.newEventReader(p, part)
		if _, err := db.New(copyDBTX{conn: conn.Conn(), lines: judged}).CopyEvents(ctx, nil); err != nil {
			return err
		}
		if len(judged.alerts) > 0 {
			if _, err := db.New(copyDBTX{conn: conn.Conn(), lines: bytes.NewReader(judged.alerts)}).CopyAlerts(ctx, nil); err != nil {
				return err
			}
		}
		if err := q.SaveStates(ctx, p.statesFor(distinctUsers(a.batch.Events, part))); err != nil {
			return err
		}
	}
	return a.commit(ctx, conn, p, dry)
}

// begin opens the transaction and looks for the key. done says that the batch was recorded before.
func (a *BatchResult) begin(ctx context.Context, conn *pgxpool.Conn) (done bool, err error) {
	var found []db.FindKeysRow
	trip := &pipeline{}
	trip.exec("begin isolation level read committed")
	trip.add(func(q *db.Queries) error {
		return q.SetLockTimeout(ctx, db.SetLockTimeoutParams{LockTimeout: batchLockTimeout})
	})
	if a.batch.Key != "" {
		key := db.FindKeysParams{Callers: []string{a.batch.Actor}, Keys: []string{a.batch.Key}}
		trip.add(func(q *db.Queries) error { return q.LockKeys(ctx, db.LockKeysParams(key)) })
		trip.add(func(q *db.Queries) (err error) { found, err = q.FindKeys(ctx, key); return err })
	}
	if err := trip.run(ctx, conn); err != nil {
		return false, err
	}
	c := &pendingEvent{RecordRequest: RecordRequest{Actor: a.batch.Actor, Key: a.batch.Key, Hash: a.batch.Hash}}
	if c.matchKey(found) {
		a.prior, a.Replayed = c.prior, true
		return true, c.err
	}
	return false, nil
}

// lockUsers locks all users, and then reads the rules and chooses the ids: nobody else records events of these users from now on, and so the
// batch's ids are greater than any that they have.
func (a *BatchResult) lockUsers(ctx context.Context, q *db.Queries, p *group, ids []int64) error {
	a.keyUser, a.firstID = ids[0], newID(p.now)
	for part := range slices.Chunk(ids, chunkSize) {
		last, err := q.LockUsers(ctx, db.LockUsersParams{UserIds: part})
		if err != nil {
			return err
		}
		if last != nil && !uuidAfter(a.firstID, *last) {
			a.firstID = newID(uuidTime(*last).Add(time.Millisecond))
		}
	}
	latest, err := q.GetLatestRuleset(ctx)
	if err != nil {
		return err
	}
	p.rulesetID = latest.ID
	p.set, err = a.ledger.loadRuleset(ctx, q, latest)
	a.set = p.set
	return err
}

// loadChunk loads the users of a part. The first may be the last one of the part before, whose state is here already.
func (a *BatchResult) loadChunk(ctx context.Context, q *db.Queries, p *group, part []int32, last *userState) (*userState, error) {
	ids := distinctUsers(a.batch.Events, part)
	rest := ids
	states := make(map[int64]*userState, len(ids))
	if s := p.states[ids[0]]; s != nil {
		states[ids[0]], rest = last, ids[1:]
	}
	p.states = states
	rows, err := q.LockStates(ctx, db.LockStatesParams{UserIds: rest}) // they are locked already
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		s, err := parseState(row)
		if err != nil {
			return nil, err
		}
		if err := extendWindow(ctx, q, row.UserID, &s.state, p.set.LongestWindow()); err != nil {
			return nil, err
		}
		states[row.UserID] = s
	}
	return states[ids[len(ids)-1]], nil
}

// codeBits are codes as a set of bits, by their places in the rule set.
func codeBits(set rules.Set, codes []int32) (b uint8) {
	for i, rule := range set {
		if slices.Contains(codes, rule.Code) {
			b |= 1 << i
		}
	}
	return b
}

// commit keeps the key and commits, or rolls back.
func (a *BatchResult) commit(ctx context.Context, conn *pgxpool.Conn, p *group, dry bool) error {
	trip := &pipeline{}
	if a.batch.Key != "" {
		trip.add(func(q *db.Queries) error {
			return q.SaveKeys(ctx, db.SaveKeysParams{
				UserIds: []int64{a.keyUser}, Callers: []string{a.batch.Actor}, Keys: []string{a.batch.Key}, RequestHashes: [][]byte{a.batch.Hash[:]},
				FirstIds: []uuid.UUID{a.firstID}, LastIds: []uuid.UUID{a.eventID(len(a.batch.Events) - 1)}, CreatedAt: p.now,
			})
		})
	}
	if dry {
		trip.exec("rollback")
	} else {
		trip.exec("commit")
	}
	return trip.run(ctx, conn)
}
