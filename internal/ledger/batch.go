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
	"labledger/internal/dbtx"
	"labledger/internal/rules"
)

// This file records a batch in one transaction. It evaluates events like a group commit, and stores them with COPY. It
// first locks all users in ascending order, so that two transactions never deadlock. It then loads the states of one
// chunk at a time, to bound memory.

// Limits of a batch.
const (
	MaxBatch     = 1_000_000 // events
	chunkSize    = 20_000    // events evaluated and copied at a time; users locked at a time
	batchTimeout = 10 * time.Minute
)

// ErrBusy reports that the maximum number of batches is in progress.
var ErrBusy = errors.New("too many batches are in progress")

// A Batch is many events in one request. The events of each user are recorded in the order of the batch.
type Batch struct {
	Events []UserEvent // at most MaxBatch
	Actor  string
	Key    string // idempotency key, unique for each actor; "" for none
	Hash   [32]byte
}

// A UserEvent is an event and its user.
type UserEvent struct {
	UserID int64
	rules.Event
}

// BatchResult holds the results of a recorded batch.
type BatchResult struct {
	Replayed bool // an earlier request with the same key recorded the batch
	ledger   *Ledger
	prior    *db.FindKeysRow
	batch    *Batch
	keyUser  int64 // smallest user ID of the batch: the idempotency key is stored under it
	firstID  uuid.UUID
	codes    []uint8 // by event: bit i is set if the i-th rule of the set fired
	set      rules.Set
}

// ForEach calls do with the result of each event in the order of the batch. It stops at the first error and returns it.
func (br *BatchResult) ForEach(ctx context.Context, do func(Result) error) error {
	switch {
	case br.prior != nil:
		return br.forEachPrior(ctx, do)
	case br.batch == nil: // an empty batch
		return nil
	}
	for i := range br.batch.Events {
		r := Result{EventID: br.eventID(i), UserID: br.batch.Events[i].UserID}
		if br.codes[i] != 0 {
			r.AlertID = br.alertID(i)
			for bit, rule := range br.set {
				if br.codes[i]&(1<<bit) != 0 {
					r.Codes = append(r.Codes, rule.Code)
				}
			}
		}
		if err := do(r); err != nil {
			return err
		}
	}
	return nil
}

// forEachPrior reads the events that an earlier request with the same key recorded.
func (br *BatchResult) forEachPrior(ctx context.Context, do func(Result) error) error {
	const limit = 5000
	after := uuid.Nil
	for {
		rows, err := db.New(br.ledger.pool).ListEventsByIdempotencyKey(ctx, db.ListEventsByIdempotencyKeyParams{
			FirstID: br.prior.FirstID, LastID: br.prior.LastID, UserID: br.prior.UserID,
			Caller: br.prior.Caller, Key: br.prior.Key, After: after, Limit: limit,
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := do(resultFromRow(row)); err != nil {
				return err
			}
			after = row.ID
		}
		if len(rows) < limit {
			return nil
		}
	}
}

// The event IDs of a batch are consecutive, in the order of the batch. The alert IDs follow them in the same order.
func (br *BatchResult) eventID(i int) uuid.UUID { return addUUID(br.firstID, uint64(i)) }
func (br *BatchResult) alertID(i int) uuid.UUID {
	return addUUID(br.firstID, uint64(len(br.batch.Events)+i))
}

// RecordAll records all events of a batch or none. A dry run does everything and then rolls back.
// It returns the same errors as Record, and ErrBusy.
func (l *Ledger) RecordAll(ctx context.Context, b *Batch, dryRun bool) (*BatchResult, error) {
	select {
	case l.batchSlots <- struct{}{}:
		defer func() { <-l.batchSlots }()
	default:
		return nil, ErrBusy
	}
	releaseKey, err := l.claimKey(b.Actor, b.Key)
	if err != nil {
		return nil, err
	}
	defer releaseKey()
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
	br := &BatchResult{ledger: l, batch: b, codes: make([]uint8, len(b.Events))}
	if err := br.record(ctx, order, ids, dryRun); err != nil {
		return nil, err
	}
	if !dryRun && !br.Replayed {
		l.onCommit(len(b.Events), br.alertCount())
	}
	return br, nil
}

// alertCount returns the number of alerts that the batch raised.
func (br *BatchResult) alertCount() (n int) {
	for _, codes := range br.codes {
		if codes != 0 {
			n++
		}
	}
	return n
}

// sortByUser returns the indexes of the events, sorted by user. The events of each user stay in order.
func sortByUser(events []UserEvent) []int32 {
	order := make([]int32, len(events))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(i, j int32) int { return cmp.Compare(events[i].UserID, events[j].UserID) })
	return order
}

// distinctUsers returns the users of the events at the indexes of order, ascending.
func distinctUsers(events []UserEvent, order []int32) (ids []int64) {
	for _, i := range order {
		if id := events[i].UserID; len(ids) == 0 || ids[len(ids)-1] != id {
			ids = append(ids, id)
		}
	}
	return ids
}

// record runs the transaction.
func (br *BatchResult) record(ctx context.Context, order []int32, ids []int64, dryRun bool) error {
	conn, err := br.ledger.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	defer rollback(conn)
	g := &group{now: br.ledger.now().UTC().Truncate(time.Microsecond)}
	if repeated, err := br.begin(ctx, conn); repeated || err != nil {
		return err
	}
	q := db.New(conn)
	if err := br.lockUsers(ctx, q, g, ids); err != nil {
		return err
	}
	var last *userState // state of the last user of the previous chunk
	for len(order) > 0 {
		n := min(chunkSize, len(order))
		chunk := order[:n]
		order = order[n:]
		if last, err = br.loadChunk(ctx, conn, g, chunk, last); err != nil {
			return err
		}
		events := br.newEventReader(g, chunk)
		if _, err := db.New(copyDBTX{conn: conn.Conn(), lines: events}).CopyEvents(ctx, nil); err != nil {
			return err
		}
		if len(events.alerts) > 0 {
			alerts := bytes.NewReader(events.alerts)
			if _, err := db.New(copyDBTX{conn: conn.Conn(), lines: alerts}).CopyAlerts(ctx, nil); err != nil {
				return err
			}
		}
		if err := q.SaveStates(ctx, g.statesFor(distinctUsers(br.batch.Events, chunk))); err != nil {
			return err
		}
	}
	return br.commit(ctx, conn, g, dryRun)
}

// begin opens the transaction and looks up the idempotency key. It returns true if an earlier request recorded the
// batch.
func (br *BatchResult) begin(ctx context.Context, conn *pgxpool.Conn) (repeated bool, err error) {
	var used []db.FindKeysRow
	p := &dbtx.Pipeline{}
	p.Exec(beginStatement)
	p.Add(func(q *db.Queries) error {
		return q.SetLockTimeout(ctx, db.SetLockTimeoutParams{LockTimeout: br.ledger.timeouts.batchLock})
	})
	if br.batch.Key != "" {
		key := db.FindKeysParams{Callers: []string{br.batch.Actor}, Keys: []string{br.batch.Key}}
		p.Add(func(q *db.Queries) error { return q.LockKeys(ctx, db.LockKeysParams(key)) })
		addFindKeys(ctx, p, key, &used)
	}
	if err := p.Run(ctx, conn); err != nil {
		return false, err
	}
	e := &pendingEvent{RecordRequest: RecordRequest{Actor: br.batch.Actor, Key: br.batch.Key, Hash: br.batch.Hash}}
	if e.matchKey(used) {
		br.prior, br.Replayed = e.prior, true
		return true, e.err
	}
	return false, nil
}

// lockUsers locks all users, reads the rules and chooses the IDs. After the locks no other transaction records events
// of these users, so the IDs of the batch are greater than all earlier ones.
func (br *BatchResult) lockUsers(ctx context.Context, q *db.Queries, g *group, ids []int64) error {
	br.keyUser, br.firstID = ids[0], newID(g.now)
	for chunk := range slices.Chunk(ids, chunkSize) {
		if err := q.LockUsers(ctx, db.LockUsersParams{UserIds: chunk}); err != nil {
			return err
		}
		last, err := q.GetLastID(ctx, db.GetLastIDParams{UserIds: chunk})
		if err != nil {
			return err
		}
		if last != nil && !uuidAfter(br.firstID, *last) {
			br.firstID = newID(uuidTime(*last).Add(time.Millisecond))
		}
	}
	latest, err := q.GetLatestRuleset(ctx)
	if err != nil {
		return err
	}
	g.rulesetID = latest.ID
	g.set, err = br.ledger.loadRuleset(ctx, q, latest)
	br.set = g.set
	return err
}

// loadChunk loads the states of the users of a chunk and returns the state of the last one. If the first user is also
// the last one of the previous chunk, loadChunk uses that state, last.
func (br *BatchResult) loadChunk(
	ctx context.Context, conn *pgxpool.Conn, g *group, chunk []int32, last *userState,
) (*userState, error) {
	ids := distinctUsers(br.batch.Events, chunk)
	missing := ids
	states := make(map[int64]*userState, len(ids))
	if s := g.states[ids[0]]; s != nil {
		states[ids[0]], missing = last, ids[1:]
	}
	g.states = states
	rows, err := db.New(conn).ListLockedStates(ctx, db.ListLockedStatesParams{UserIds: missing})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if states[row.UserID], err = parseState(row); err != nil {
			return nil, err
		}
	}
	if err := extendWindows(ctx, conn, states, g.set.LongestWindow()); err != nil {
		return nil, err
	}
	return states[ids[len(ids)-1]], nil
}

// codeBits returns the codes as a bit set: bit i stands for the i-th rule of the set.
func codeBits(set rules.Set, codes []int32) (bits uint8) {
	for i, rule := range set {
		if slices.Contains(codes, rule.Code) {
			bits |= 1 << i
		}
	}
	return bits
}

// commit saves the idempotency key and commits, or rolls back after a dry run.
func (br *BatchResult) commit(ctx context.Context, conn *pgxpool.Conn, g *group, dryRun bool) error {
	p := &dbtx.Pipeline{}
	if br.batch.Key != "" {
		p.Add(func(q *db.Queries) error {
			return q.SaveKeys(ctx, db.SaveKeysParams{
				UserIds: []int64{br.keyUser}, Callers: []string{br.batch.Actor}, Keys: []string{br.batch.Key},
				RequestHashes: [][]byte{br.batch.Hash[:]}, FirstIds: []uuid.UUID{br.firstID},
				LastIds: []uuid.UUID{br.eventID(len(br.batch.Events) - 1)}, CreatedAt: g.now,
			})
		})
	}
	if dryRun {
		p.Exec("rollback")
	} else {
		p.Exec("commit")
	}
	return p.Run(ctx, conn)
}
