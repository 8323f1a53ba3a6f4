package ledger

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
)

// recordPast records events in a transaction of its own.
func recordPast(ctx context.Context, pool *pgxpool.Pool, events []PastEvent) (results []Result, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) (err error) {
		results, err = RecordPast(ctx, tx, events)
		return err
	})
	return results, err
}

// pastStream returns random events that arrived a minute apart, the last one an hour ago. Some belong to a container.
func pastStream(n int) []PastEvent {
	first := time.Now().Add(-time.Hour - time.Duration(n)*time.Minute)
	past := make([]PastEvent, n)
	for i, e := range randomStream(11, n, 9) {
		past[i].RecordRequest = RecordRequest{UserID: e.UserID, Event: e.Event, Actor: "ada"}
		past[i].ArrivedAt = first.Add(time.Duration(i) * time.Minute)
		if i%10 == 0 {
			container := uuid.New()
			past[i].ContainerUUID = &container
		}
	}
	return past
}

// TestRecordPast_equalsSingles: the same events have the same results as events that arrive one by one. IDs and
// created_at have the times of arrival.
func TestRecordPast_equalsSingles(t *testing.T) {
	t.Parallel()
	past := pastStream(3*pastPipeline/2 + 1)
	l, singles := newLedger(pgtest.Pool(t)), newLedger(pgtest.Pool(t))
	const accounts = "INSERT INTO account (id, username, risk) VALUES (1, 'a', 'low'), (2, 'b', 'high')"
	pgtest.Exec(t, l.pool, accounts)
	pgtest.Exec(t, singles.pool, accounts)
	results, err := recordPast(t.Context(), l.pool, past)
	if err != nil {
		t.Fatal(err)
	}
	b := &Batch{}
	for _, e := range past {
		b.Events = append(b.Events, UserEvent{e.UserID, e.Event})
		mustRecord(t, singles, e.RecordRequest)
	}
	requireRecorded(t, l.pool, b, results)
	requireEqual(t, ledgerText(t, l.pool), ledgerText(t, singles.pool))
	auditLedger(t, l.pool).requireClean(t)
	requireVerified(t, l)
	for i, r := range results {
		arrived := past[i].ArrivedAt
		if r.EventID.Version() != 7 || uuidTime(r.EventID).Sub(arrived).Abs() > time.Millisecond {
			t.Fatalf("event %d has ID %s of %v, want the time %v", i, r.EventID, uuidTime(r.EventID), arrived)
		}
		var createdAt time.Time
		var container *uuid.UUID
		row := l.pool.QueryRow(t.Context(), "SELECT created_at, container_uuid FROM event WHERE id = $1", r.EventID)
		if err := row.Scan(&createdAt, &container); err != nil {
			t.Fatal(err)
		}
		if want := past[i].ContainerUUID; !createdAt.Equal(arrived.Truncate(time.Microsecond)) ||
			(want == nil) != (container == nil) || want != nil && *want != *container {
			t.Fatalf("event %d has created_at %v and container %v, want %v and %v", i, createdAt, container, arrived, want)
		}
	}
	mustRecord(t, l, RecordRequest{UserID: 1, Event: deposit(1, 1), Actor: "ada"}) // the ledger goes on
	auditLedger(t, l.pool).requireClean(t)
}

func TestRecordPast_rejects(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	withKey := pastStream(2)
	withKey[1].Key = "k"
	if _, err := recordPast(t.Context(), l.pool, withKey); err == nil {
		t.Error("an event with an idempotency key is recorded")
	}
	backwards := pastStream(2)
	slices.Reverse(backwards)
	if _, err := recordPast(t.Context(), l.pool, backwards); err == nil {
		t.Error("events whose times of arrival descend are recorded")
	}
	requireRows(t, l.pool, 0, 0)
	mustRecord(t, l, RecordRequest{UserID: 1, Event: deposit(1, 1), Actor: "ada"})
	late := pastStream(2)
	late[1].UserID = 1
	if _, err := recordPast(t.Context(), l.pool, late); err == nil {
		t.Error("an event before an event that arrived later is recorded")
	}
	if n := countRows(t, l.pool, "event"); n != 1 {
		t.Errorf("%d events are stored, want 1", n)
	}
}
