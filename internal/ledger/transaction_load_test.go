package ledger

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"labledger/db"
	"labledger/internal/pgtest"
	"labledger/internal/rules"
)

// This file records transactions concurrently with each other, with single events and with batches.

// txEvents returns how many events TestRecordTx_agreesWithOracle records through RecordTx: 2,000, or the number in the
// environment variable TX_EVENTS. Set TX_EVENTS=10000 after a change of locks or of the evaluation.
func txEvents(t *testing.T) int64 {
	t.Helper()
	text := os.Getenv("TX_EVENTS")
	if text == "" {
		return int64(scaled(2000))
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const custodyUsers = 12

// randomCustody returns the events of a check-out, a return, a transfer, or a return and a check-out of one user.
func randomCustody(random *rand.Rand, n int) []RecordRequest {
	container := uuid.NewSHA1(uuid.Nil, []byte{byte(random.IntN(50))})
	request := func(user int64, eventType rules.Type) RecordRequest {
		r := RecordRequest{UserID: user, Event: randomEvent(random, n), Actor: "custody", ContainerUUID: &container}
		r.Event.Type = eventType
		if random.IntN(2) == 0 {
			r.Event.Amount = 100 // of a container without a quantity
		}
		return r
	}
	from, to := 1+random.Int64N(custodyUsers), 1+random.Int64N(custodyUsers)
	switch random.IntN(4) {
	case 0:
		return []RecordRequest{request(to, rules.Withdraw)}
	case 1:
		return []RecordRequest{request(from, rules.Deposit)}
	case 2:
		to = from
	}
	return []RecordRequest{request(from, rules.Deposit), request(to, rules.Withdraw)}
}

// A custodyLoad records random events concurrently.
type custodyLoad struct {
	ledgers  []*Ledger
	total    int64        // events to record in transactions
	started  atomic.Int64 // events of transactions, also of those that are rolled back
	recorded atomic.Int64 // acknowledged events of all kinds
}

// recordCustody records transactions until the total is reached. One in eight is a dry run or fails.
func (c *custodyLoad) recordCustody(t *testing.T, worker int) {
	random := rand.New(rand.NewPCG(uint64(worker), 25))
	l := c.ledgers[worker%len(c.ledgers)]
	for c.started.Load() < c.total {
		n := int(c.started.Load())
		request := withSites(randomCustody(random, n)...)
		dryRun, fails := random.IntN(16) == 0, random.IntN(16) == 0
		if fails {
			request.End = func(ctx context.Context, q *db.Queries, results []Result) error {
				return errors.Join(createSites(ctx, q, results), errCaller)
			}
		}
		results, err := l.RecordTx(context.Background(), request, dryRun)
		if fails != errors.Is(err, errCaller) || !fails && err != nil {
			t.Errorf("transaction of %d events: %v", len(request.Events), err)
			return
		}
		if !fails && !dryRun {
			c.started.Add(int64(len(results)))
			c.recorded.Add(int64(len(results)))
		}
	}
}

// recordOthers records single events and batches until the total is reached.
func (c *custodyLoad) recordOthers(t *testing.T, worker int) {
	random := rand.New(rand.NewPCG(uint64(worker), 26))
	l := c.ledgers[worker%len(c.ledgers)]
	for c.started.Load() < c.total {
		n := int(c.started.Load())
		if random.IntN(30) == 0 {
			b := &Batch{Events: randomStream(random.Uint64(), 50, custodyUsers), Actor: "batch"}
			switch _, err := l.RecordAll(context.Background(), b, false); {
			case err == nil:
				c.recorded.Add(int64(len(b.Events)))
			case !errors.Is(err, ErrBusy):
				t.Error("batch:", err)
				return
			}
		}
		r := RecordRequest{UserID: 1 + random.Int64N(custodyUsers), Event: randomEvent(random, n), Actor: "single"}
		if _, err := l.Record(context.Background(), r); err != nil {
			t.Error("single event:", err)
			return
		}
		c.recorded.Add(1)
	}
}

// TestRecordTx_agreesWithOracle records transactions at two instances, while both record single events and batches of
// the same users and the rules change. The oracle, a replay and the verification agree with the ledger. The negative
// controls are TestNaiveIntake_missesAlerts and TestRecordTx_seesEarlierTransaction.
func TestRecordTx_agreesWithOracle(t *testing.T) {
	t.Parallel()
	one, two := twoInstances(t)
	load := &custodyLoad{ledgers: []*Ledger{one, two}, total: txEvents(t)}
	concurrently(11, func(i int) {
		switch {
		case i < 6:
			load.recordCustody(t, i)
		case i < 10:
			load.recordOthers(t, i)
		default:
			random := rand.New(rand.NewPCG(1, 27))
			for part := range int64(20) {
				for load.started.Load() < part*load.total/20 && !t.Failed() {
					pgtest.Exec(t, one.pool, "SELECT pg_sleep(0.001)")
				}
				changeRules(t, one.pool, random)
			}
		}
	})
	waitIdle(t, one, two)
	result := auditLedger(t, one.pool)
	result.requireClean(t)
	requireAscendingRulesets(t, one.pool)
	requireOracleAgrees(t, one)
	requireReplaysAgree(t, one)
	requireVerified(t, one)
	if n := countOrphans(t, one.pool); n != 0 {
		t.Errorf("%d events or sites are alone", n)
	}
	if recorded := int(load.recorded.Load()); result.events != recorded {
		t.Errorf("%d events are stored, %d were acknowledged", result.events, recorded)
	}
	const query = "SELECT count(*) FROM event WHERE container_uuid IS NOT NULL AND alert_id IS NOT NULL"
	alerts := pgtest.QueryValue[int](t, one.pool, query)
	t.Logf("%d events, %d in transactions, %d of them with alerts", result.events, load.started.Load(), alerts)
	if alerts == 0 {
		t.Error("control: no event of a container has an alert")
	}
	requireNoDeadlock(t, one.pool, two.pool)
}

// TestRecordTx_seesEarlierTransaction: the third withdrawal waits for the lock of the user while the second is not yet
// committed, and fires rule 30. As the negative control, an implementation without locks misses it.
func TestRecordTx_seesEarlierTransaction(t *testing.T) {
	t.Parallel()
	one, two := twoInstances(t)
	two.timeouts.firstLock = "1min" // so that the first attempt gets the lock
	mustRecord(t, one, RecordRequest{UserID: 1, Event: withdrawal(1, 1)})
	third := make(chan []Result, 1)
	second := withSites(checkOut(1, 1))
	second.End = func(ctx context.Context, q *db.Queries, results []Result) error {
		go func() {
			results, err := two.RecordTx(context.Background(), withSites(checkOut(1, 1)), false)
			if err != nil {
				t.Error(err)
			}
			third <- results
		}()
		pgtest.WaitForLockWait(t, one.pool)
		return createSites(ctx, q, results)
	}
	if _, err := one.RecordTx(t.Context(), second, false); err != nil {
		t.Fatal(err)
	}
	if results := <-third; len(results) != 1 || len(results[0].Codes) != 1 || results[0].Codes[0] != 30 {
		t.Errorf("the third withdrawal returned %+v, want code 30", results)
	}
	auditLedger(t, one.pool).requireClean(t)

	control := pgtest.Pool(t)
	alone := func() {}
	r := checkOut(1, 1)
	recordBetween := func() {
		if err := recordNaively(control, r, alone); err != nil {
			t.Error(err)
		}
	}
	if err := errors.Join(recordNaively(control, r, alone), recordNaively(control, r, recordBetween)); err != nil {
		t.Fatal(err)
	}
	if result := auditLedger(t, control); result.missed != 1 {
		t.Errorf("control: %d codes are missed, want 1; the test proves nothing", result.missed)
	}
}
