package ledger

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
	"labledger/internal/rules"
)

// Queries that format the ledger as text, without IDs and times of arrival.
const (
	eventsSQL = `SELECT format('%s %s %s at %s as of %s: %s by %s finds %s fires %s', user_id, type, amount, time,
		effective_time, risk, ruleset_id, facts, alert_codes) FROM event ORDER BY user_id, id`
	alertsSQL = `SELECT format('%s %s at %s: %s by %s since %s %s', user_id, alert_codes, time, risk, ruleset_id,
		reasons, state) FROM alert ORDER BY user_id, id`
	statesSQL = `SELECT format('%s %s %s', user_id, risk, state) FROM user_state ORDER BY user_id`
)

func ledgerText(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	return slices.Concat(pgtest.QueryColumn(t, pool, eventsSQL), pgtest.QueryColumn(t, pool, alertsSQL),
		pgtest.QueryColumn(t, pool, statesSQL))
}

// requireEqual fails the test unless both texts are equal.
func requireEqual(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got %d rows, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("row %d:\ngot  %s\nwant %s", i, got[i], want[i])
		}
	}
}

// batchResults returns all results of a batch.
func batchResults(t *testing.T, a *BatchResult) (results []Result) {
	t.Helper()
	err := a.ForEach(context.Background(), func(r Result) error { results = append(results, r); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// requireRecorded compares the results of a batch with its events and with the ledger.
func requireRecorded(t *testing.T, pool *pgxpool.Pool, b *Batch, results []Result) {
	t.Helper()
	if len(results) != len(b.Events) {
		t.Fatalf("got %d results for %d events", len(results), len(b.Events))
	}
	recorded := map[uuid.UUID]eventRow{}
	for _, e := range readEvents(t, pool) {
		recorded[e.id] = e
	}
	last := map[int64]uuid.UUID{}
	for i, r := range results {
		e := recorded[r.EventID]
		alert := uuid.Nil
		if e.alertID != nil {
			alert = *e.alertID
		}
		if r.UserID != b.Events[i].UserID || e.user != r.UserID || e.event != b.Events[i].Event ||
			!slices.Equal(e.codes, r.Codes) || alert != r.AlertID {
			t.Fatalf("event %d: sent %+v, result %+v, recorded %+v", i, b.Events[i], r, e)
		}
		if !uuidAfter(r.EventID, last[r.UserID]) {
			t.Fatalf("event %d of user %d is out of order", i, r.UserID)
		}
		last[r.UserID] = r.EventID
	}
}

// TestBatch_equalsSingles records the same stream one by one, as a batch, and mixed, with changes of risks and rules.
func TestBatch_equalsSingles(t *testing.T) {
	t.Parallel()
	stream := randomStream(7, scaled(3000), 12)
	single := func(t *testing.T, l *Ledger, events []UserEvent) {
		for _, e := range events {
			mustRecord(t, l, RecordRequest{UserID: e.UserID, Event: e.Event, Actor: "me"})
		}
	}
	batch := func(t *testing.T, l *Ledger, events []UserEvent) {
		b := &Batch{Events: events, Actor: "me"}
		a, err := l.RecordAll(t.Context(), b, false)
		if err != nil {
			t.Fatal(err)
		}
		requireRecorded(t, l.pool, b, batchResults(t, a))
	}
	third := len(stream) / 3
	var want []string
	for i, record := range []func(*testing.T, *Ledger, []UserEvent){
		single,
		batch,
		func(t *testing.T, l *Ledger, events []UserEvent) {
			batch(t, l, events[:third/3])
			single(t, l, events[third/3:third/2])
			batch(t, l, events[third/2:])
		},
	} {
		pool := pgtest.Pool(t)
		l := newLedger(pool)
		pgtest.Exec(t, pool,
			"INSERT INTO account (id, username, risk) VALUES (1, 'a', 'low'), (2, 'b', 'high'), (3, 'c', NULL)")
		record(t, l, stream[:third])
		pgtest.Exec(t, pool,
			`UPDATE rule SET window_seconds = window_seconds * 3, "limit" = "limit" + 1 WHERE code IN (123, 500)`)
		record(t, l, stream[third:2*third])
		pgtest.Exec(t, pool, "UPDATE account SET risk = 'high' WHERE id IN (1, 3)")
		pgtest.Exec(t, pool, `UPDATE rule SET window_seconds = 5, applies_to = 'any' WHERE code = 123`)
		record(t, l, stream[2*third:])
		auditLedger(t, pool).requireClean(t)
		if got := ledgerText(t, pool); i == 0 {
			want = got
		} else {
			requireEqual(t, got, want)
		}
	}
}

// TestBatch_severalChunks compares batches of more than one chunk with the evaluator: one user, more users than a chunk
// has events, and users with events on both sides of a chunk boundary.
func TestBatch_severalChunks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		events, users int
	}{
		{"one user", 2*chunkSize + 1, 1},
		{"30000 users", 40_000, 30_000},
		{"7 users", chunkSize + 1, 7},
		{"exactly one chunk", chunkSize, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			pool := pgtest.Pool(t)
			l := newLedger(pool)
			b := &Batch{Events: randomStream(uint64(c.users), c.events, int64(c.users)), Actor: "me"}
			a, err := l.RecordAll(t.Context(), b, false)
			if err != nil {
				t.Fatal(err)
			}
			requireRecorded(t, pool, b, batchResults(t, a))
			requireEvaluated(t, pool, b.Events)
		})
	}
}

// requireEvaluated compares the events and states of a ledger with the evaluator. The rules have never changed.
func requireEvaluated(t *testing.T, pool *pgxpool.Pool, events []UserEvent) {
	t.Helper()
	set := readRulesets(t, pool)[1]
	states := map[int64]*rules.State{}
	want, got := map[int64][]string{}, map[int64][]string{}
	for _, e := range events {
		if states[e.UserID] == nil {
			states[e.UserID] = &rules.State{}
		}
		d := rules.Step(states[e.UserID], e.Event, set, rules.Medium, set.LongestWindow())
		want[e.UserID] = append(want[e.UserID],
			fmt.Sprintf("%d %s %d", d.EffectiveTime, rules.AppendMeasurements(nil, d.Measurements), d.Codes))
	}
	forEachRow(t, pool, "SELECT user_id, effective_time, facts::text, alert_codes FROM event ORDER BY user_id, id",
		func(scan func(...any) error) error {
			var user, effective int64
			var facts string
			var codes []int32
			err := scan(&user, &effective, &facts, &codes)
			got[user] = append(got[user], fmt.Sprintf("%d %s %d", effective, withoutSpaces(facts), codes))
			return err
		})
	for user := range want {
		requireEqual(t, got[user], want[user])
	}
	requireStates(t, pool, states)
	if n := pgtest.QueryValue[int](t, pool, `SELECT count(*) FROM user_state JOIN (
		SELECT user_id, max(id::text)::uuid AS newest
		FROM (SELECT user_id, id FROM event UNION ALL SELECT user_id, id FROM alert) AS a
		GROUP BY user_id) AS b USING (user_id)
		WHERE last_id IS DISTINCT FROM newest`); n != 0 {
		t.Errorf("%d users have a last_id that is not their greatest ID", n)
	}
}

// requireStates compares the stored states of users.
func requireStates(t *testing.T, pool *pgxpool.Pool, want map[int64]*rules.State) {
	t.Helper()
	n := 0
	forEachRow(t, pool, "SELECT user_id, state::text FROM user_state", func(scan func(...any) error) error {
		var user int64
		var state string
		if err := scan(&user, &state); err != nil {
			return err
		}
		n++
		if stored, err := rules.ParseState([]byte(state)); err != nil || !stored.Equal(want[user]) {
			t.Fatalf("user %d has state %s, want %s (%v)", user, state, want[user].Append(nil), err)
		}
		return nil
	})
	if n != len(want) {
		t.Errorf("got %d states, want %d", n, len(want))
	}
}

func withoutSpaces(s string) string {
	return string(slices.DeleteFunc([]byte(s), func(c byte) bool { return c == ' ' }))
}

// TestBatch_followsGreaterIDs records a batch for users whose last IDs lie in the future, each at a different time.
func TestBatch_followsGreaterIDs(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	now := l.now
	for user := range int64(4) {
		l.now = func() time.Time { return now().Add(time.Duration(user+1) * time.Hour) }
		mustRecord(t, l, RecordRequest{UserID: user, Event: withdrawal(200, 1), Actor: "me"})
	}
	l.now = now
	b := &Batch{Actor: "me"}
	for i := range 40 {
		b.Events = append(b.Events, UserEvent{int64(i % 8), withdrawal(200, int64(i))})
	}
	a, err := l.RecordAll(t.Context(), b, false)
	if err != nil {
		t.Fatal(err)
	}
	requireRecorded(t, pool, b, batchResults(t, a))
	auditLedger(t, pool).requireClean(t)
	if n := pgtest.QueryValue[int](t, pool, "SELECT count(*) FROM event"); n != 44 {
		t.Errorf("got %d events, want 44", n)
	}
}

// TestBatch_followsManyGreaterIDs does the same for more users. Two instances with different clocks produce such IDs.
func TestBatch_followsManyGreaterIDs(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	now := l.now
	b := &Batch{Actor: "me"}
	for user := range int64(10) {
		l.now = func() time.Time { return now().Add(time.Duration(user+1) * time.Second) }
		mustRecord(t, l, RecordRequest{UserID: user, Event: withdrawal(200, 1), Actor: "me"})
		b.Events = append(b.Events, UserEvent{user, withdrawal(200, 2)})
	}
	l.now = now
	if _, err := l.RecordAll(t.Context(), b, false); err != nil {
		t.Error("batch for ten users whose last IDs have ten different times:", err)
	}
}

func TestBatch_empty(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	defer func() {
		if p := recover(); p != nil {
			t.Error("RecordAll panics for an empty batch:", p)
		}
	}()
	a, err := l.RecordAll(t.Context(), &Batch{Actor: "me"}, false)
	if err == nil {
		if all := batchResults(t, a); len(all) != 0 {
			t.Error("results of an empty batch:", all)
		}
	}
}

// TestBatch_dryRun checks that a dry run stores nothing and returns the results of the real run.
func TestBatch_dryRun(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	b := &Batch{Events: randomStream(5, 500, 5), Actor: "me", Key: "k"}
	before := ledgerText(t, pool)
	dryRun, err := l.RecordAll(t.Context(), b, true)
	if err != nil {
		t.Fatal(err)
	}
	requireEqual(t, ledgerText(t, pool), before)
	if n := pgtest.QueryValue[int](t, pool, "SELECT count(*) FROM idempotency"); n != 0 {
		t.Error("the dry run stored its idempotency key")
	}
	recorded, err := l.RecordAll(t.Context(), b, false)
	if err != nil {
		t.Fatal(err)
	}
	first, second := batchResults(t, dryRun), batchResults(t, recorded)
	for i := range second {
		if !slices.Equal(first[i].Codes, second[i].Codes) ||
			(first[i].AlertID == uuid.Nil) != (second[i].AlertID == uuid.Nil) ||
			second[i].Replayed {
			t.Fatalf("event %d: dry run %+v, recorded %+v", i, first[i], second[i])
		}
	}
}

// TestBatch_isAtomic interrupts a batch halfway: once by its context, while it waits to store its alerts, and once by a
// database error in its second chunk.
func TestBatch_isAtomic(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	l := newLedger(pool)
	b := &Batch{Events: randomStream(9, chunkSize+500, 500), Actor: "me", Key: "k"}
	conn := pgtest.Connect(t, pool.Config().ConnConfig.ConnString())
	pgtest.Exec(t, conn, "begin")
	pgtest.Exec(t, conn, "LOCK TABLE alert IN SHARE MODE")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := l.RecordAll(ctx, b, false)
		done <- err
	}()
	pgtest.WaitForLockWait(t, pool)
	cancel()
	if err := <-done; err == nil {
		t.Error("the cancelled batch returned no error")
	}
	pgtest.Exec(t, conn, "rollback")
	invalid := &Batch{Events: slices.Clone(b.Events), Actor: "me", Key: "k"}
	invalid.Events[7] = UserEvent{UserID: 1 << 40} // the last user; the database rejects an amount of 0
	if _, err := l.RecordAll(t.Context(), invalid, false); sqlstate(err) != "23514" {
		t.Error("a batch with an amount of 0 returned", err)
	}
	waitIdle(t, l)
	const sql = `SELECT (SELECT count(*) FROM event) + (SELECT count(*) FROM alert)
		+ (SELECT count(*) FROM user_state) + (SELECT count(*) FROM idempotency)`
	if n := pgtest.QueryValue[int](t, pool, sql); n != 0 {
		t.Errorf("failed batches left %d rows", n)
	}
}
