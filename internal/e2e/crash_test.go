package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
	"labledger/internal/rules"
	"labledger/internal/rules/oracle"
)

// These tests kill the server with SIGKILL while it records events. Acknowledged events must be stored, and only once.

var queryInt = pgtest.QueryValue[int]

// ackLog holds the acknowledged events by idempotency key.
type ackLog struct {
	mu      sync.Mutex
	events  map[string]programtest.RecordedEvent
	retries int
}

func (l *ackLog) add(key string, event programtest.RecordedEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events[key] = event
}

func (l *ackLog) addRetry() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retries++
}

func (l *ackLog) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.events)
}

func (l *ackLog) ids() (ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, event := range l.events {
		ids = append(ids, event.EventID)
	}
	return ids
}

// writeEvents records events until ctx is done. It retries each with its idempotency key until it is acknowledged.
func (l *ackLog) writeEvents(ctx context.Context, serverURL *atomic.Pointer[string], writer int) error {
	random := rand.New(rand.NewPCG(uint64(writer), 6))
	for n := 0; ctx.Err() == nil; n++ {
		key := fmt.Sprintf("event %d of writer %d", n, writer)
		body := fmt.Sprintf(`{"type": %q, "amount": "%d.50", "user_id": %d, "time": %d}`,
			[]string{"deposit", "withdraw"}[random.IntN(2)], 1+random.IntN(150), 11+random.IntN(5), n+random.IntN(20))
		for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
			event, err := postEvent(*serverURL.Load(), key, body)
			if err == nil {
				l.add(key, event)
				break
			}
			l.addRetry()
			if time.Since(start) > waitTimeout {
				return fmt.Errorf("%s is not acknowledged: %w", key, err)
			}
		}
	}
	return nil
}

// Eight clients record events, and retry each with its idempotency key until it is acknowledged. Meanwhile the server
// is killed and restarted eight times. Every acknowledged event is stored exactly once.
func TestCrash_keepsAcknowledgedEvents(t *testing.T) {
	t.Parallel()
	cluster := pgtest.NewCluster(t)
	var url atomic.Pointer[string]
	s := startServer(t, "DATABASE_URL="+cluster.URL())
	url.Store(&s.URL)
	conn := pgtest.Connect(t, cluster.URL())

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	acks := &ackLog{events: map[string]programtest.RecordedEvent{}}
	var writers sync.WaitGroup
	for writer := range 8 {
		writers.Go(func() {
			if err := acks.writeEvents(ctx, &url, writer); err != nil {
				t.Error(err)
			}
		})
	}
	random := rand.New(rand.NewPCG(7, 7))
	for range 8 {
		enough := acks.len() + 60 + random.IntN(20) // vary the moment of the kill
		s.WaitFor("acknowledged events", func() bool { return acks.len() > enough })
		s.Kill()
		ids := acks.ids()
		stored := queryInt(t, conn, "SELECT count(*) FROM event WHERE id = ANY ($1::text[]::uuid[])", ids)
		if stored != len(ids) {
			t.Fatalf("%d of %d acknowledged events are stored after a kill", stored, len(ids))
		}
		s = startServer(t, "DATABASE_URL="+cluster.URL())
		url.Store(&s.URL)
	}
	stop()
	writers.Wait()
	t.Logf("%d acknowledged events, %d retries", len(acks.events), acks.retries)
	if acks.retries == 0 {
		t.Error("no request failed, so this test proves nothing")
	}
	t.Run("stored once", func(t *testing.T) { acks.checkStoredOnce(t, conn) })
	t.Run("oracle", func(t *testing.T) { compareWithOracle(t, conn) })
}

// checkStoredOnce checks that the tables have the acknowledged events with their keys and alerts, and no others.
func (l *ackLog) checkStoredOnce(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	for key, event := range l.events {
		n := queryInt(t, conn, `
			SELECT count(*)
			FROM event
			JOIN idempotency k USING (user_id)
			LEFT JOIN alert ON alert.user_id = event.user_id AND event_id = event.id
			WHERE event.id = $1::text::uuid AND k.first_id = event.id AND k.key = $2 AND event.user_id = $3
			AND event.alert_id IS NOT DISTINCT FROM $4::text::uuid AND alert.id IS NOT DISTINCT FROM event.alert_id
			AND event.alert_codes = $5 AND ($4 IS NOT NULL) = $6::boolean`,
			event.EventID, key, event.UserID, event.AlertID, event.AlertCodes, event.Alert)
		if n != 1 {
			t.Errorf("%s: %d rows match the response %+v, want 1", key, n, event)
		}
	}
	for _, table := range []string{"event", "idempotency"} {
		if n := queryInt(t, conn, "SELECT count(*) FROM "+table); n != len(l.events) {
			t.Errorf("table %s has %d rows, want %d, the number of acknowledged events", table, n, len(l.events))
		}
	}
}

// compareWithOracle compares the alerts of all events with the oracle. It assumes the rules of a new database and
// users of medium risk.
func compareWithOracle(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	text := pgtest.QueryValue[string](t, conn, "SELECT rules::text FROM ruleset WHERE id = 1")
	set, err := rules.ParseSet([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	const events = "SELECT user_id, type, amount::text, time, alert_codes FROM event ORDER BY user_id, id"
	rows, err := conn.Query(t.Context(), events)
	if err != nil {
		t.Fatal(err)
	}
	var user, at int64
	var eventType, amount string
	var codes []int32
	histories, recorded := map[int64][]oracle.Entry{}, map[int64][][]int32{}
	if _, err := pgx.ForEachRow(rows, []any{&user, &eventType, &amount, &at, &codes}, func() error {
		e := rules.Event{Time: at}
		e.Type, _ = rules.ParseType(eventType)
		e.Amount, _ = rules.ParseCents(amount)
		histories[user] = append(histories[user], oracle.Entry{Event: e, Rules: set})
		recorded[user] = append(recorded[user], slices.Clone(codes))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	differences, alerts := 0, 0
	for user, history := range histories {
		for i, want := range oracle.Codes(history) {
			if !slices.Equal(want, recorded[user][i]) {
				differences++
			}
			if len(want) > 0 {
				alerts++
			}
		}
	}
	if differences > 0 {
		t.Errorf("%d events have other codes than the oracle", differences)
	}
	if n := queryInt(t, conn, "SELECT count(*) FROM alert"); n != alerts {
		t.Errorf("%d alerts, want %d", n, alerts)
	}
}

// The server is killed after Postgres got the commit and before the client got the response. A retry with the
// idempotency key returns the recorded event. The negative control retries without a key and records a second event.
func TestCrash_retryAfterCommit(t *testing.T) {
	t.Parallel()
	cluster := pgtest.NewCluster(t)
	conn := pgtest.Connect(t, cluster.URL())
	for i, key := range []string{"a key", ""} {
		user := 100 + i
		for !killDuringCommit(t, cluster.URL(), conn, key, user) {
			if user += 10; user > 200 { // a new user, since the attempt may have left a key or a state
				t.Fatal("the lock timeout always ends before the kill")
			}
		}
		countEvents := func() int { return queryInt(t, conn, "SELECT count(*) FROM event WHERE user_id = $1", user) }
		body := fmt.Sprintf(withdrawal, user)
		s := startServer(t, "DATABASE_URL="+cluster.URL())
		first, err := postEvent(s.URL, key, body)
		if err != nil {
			t.Fatal(err)
		}
		second, err := postEvent(s.URL, key, body)
		if key != "" && (err != nil || second.EventID != first.EventID) {
			t.Errorf("%+v, then %+v, %v", first, second, err)
		}
		if n := countEvents(); key != "" && n != 1 || key == "" && n != 3 {
			t.Errorf("key %q: %d events", key, n)
		}
		s.Stop(syscall.SIGTERM)
	}
}

const withdrawal = `{"type": "withdraw", "amount": "200", "user_id": %d, "time": 1}`

// killDuringCommit kills a server whose Postgres holds an event that waits for a lock, then releases the lock. It
// reports whether Postgres stored the event then. It did not if the lock timeout, which is short, ended before the
// kill.
func killDuringCommit(t *testing.T, url string, conn *pgx.Conn, key string, user int) bool {
	t.Helper()
	// Preparing a statement waits for the same lock, so one connection prepares all statements before.
	s := startServer(t, "DATABASE_URL="+url+"&pool_max_conns=1")
	for n := range 3 {
		warmupKey := key
		if key != "" {
			warmupKey = fmt.Sprint(key, " before ", user, " ", n)
		}
		if _, err := postEvent(s.URL, warmupKey, fmt.Sprintf(withdrawal, 99)); err != nil {
			t.Fatal(err)
		}
	}
	killWhileBlocked(t, s, conn, "LOCK TABLE event IN SHARE MODE", func() error { // blocks inserts
		_, err := postEvent(s.URL, key, fmt.Sprintf(withdrawal, user))
		return err
	})
	return queryInt(t, conn, "SELECT count(*) FROM event WHERE user_id = $1", user) == 1
}

// The server is killed while it voids an event: before the commit, and after Postgres got the commit but before the
// client got the response. The void is stored or not, and nothing of it without the rest. A retry stores it, or says
// that it is stored.
func TestCrash_void(t *testing.T) {
	t.Parallel()
	cluster := pgtest.NewCluster(t)
	conn := pgtest.Connect(t, cluster.URL())
	s := startServer(t, "DATABASE_URL="+cluster.URL())
	// With this trigger, a commit with a void waits as long as the test holds the advisory lock.
	pgtest.Exec(t, conn, `
		CREATE FUNCTION wait_in_commit() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END
		$$;
		CREATE CONSTRAINT TRIGGER wait_in_commit AFTER INSERT ON event_void DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW EXECUTE FUNCTION wait_in_commit()`)
	for i, c := range []struct {
		block            string // what the void waits for
		stored, response int
	}{
		{"LOCK TABLE event_void IN SHARE MODE", 0, 200},
		{"SELECT pg_advisory_xact_lock(1)", 1, 409},
	} {
		record := func() programtest.RecordedEvent {
			body := fmt.Sprintf(`{"type": "withdraw", "amount": "1", "user_id": %d, "time": 1}`, 300+i)
			event, err := postEvent(s.URL, "", body)
			if err != nil {
				t.Fatal(err)
			}
			return event
		}
		record()
		voidPath := "/api/v1/events/" + record().EventID + "/void"
		killWhileBlocked(t, s, conn, c.block, func() error {
			_, _, err := programtest.Request("POST", s.URL+voidPath, nil, `{"reason": "wrong"}`)
			return err
		})
		const states = `SELECT count(*) FROM event_void JOIN user_state USING (user_id)
			WHERE user_id = $1 AND last_id = event_void.id`
		if n := queryInt(t, conn, states, 300+i); n != c.stored {
			t.Errorf("%s: %d voids are stored with their state, want %d", c.block, n, c.stored)
		}
		s = startServer(t, "DATABASE_URL="+cluster.URL())
		s.Send("POST", voidPath, `{"reason": "again"}`, c.response)
		if n := queryInt(t, conn, "SELECT count(*) FROM event_void WHERE user_id = $1", 300+i); n != 1 {
			t.Errorf("%s: %d voids, want 1", c.block, n)
		}
		// Rule 30 fires at the third withdrawal in a row.
		if event := record(); event.Alert {
			t.Errorf("%s: the event after the void counts the voided one: %+v", c.block, event)
		}
		if event := record(); !event.Alert {
			t.Errorf("%s: control: the next event does not fire: %+v", c.block, event)
		}
	}
	s.Stop(syscall.SIGTERM)
	programtest.MustRun(t, []string{"DATABASE_URL=" + cluster.URL()}, "", "ledger", "verify")
}

// killWhileBlocked kills a server while a request waits in Postgres for a lock, then releases the lock.
func killWhileBlocked(t *testing.T, s *programtest.Server, conn *pgx.Conn, lock string, request func() error) {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, tx, lock)
	failed := make(chan error)
	go func() { failed <- request() }()
	s.WaitFor("the request to wait for the lock", func() bool {
		return queryInt(t, conn, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == 1
	})
	s.Kill()
	if err := <-failed; err == nil {
		t.Fatal("the client got a response")
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	pgtest.WaitFor(t, "the server's sessions to end", func() bool {
		return queryInt(t, conn, `SELECT count(*) FROM pg_stat_activity
			WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`) == 0
	})
}
