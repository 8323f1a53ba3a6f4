package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"labledger/internal/pgtest"
	"labledger/internal/rules"
	"labledger/internal/rules/oracle"
)

// The tests of this file kill the server with SIGKILL while events come in. What it has acknowledged must be there, and once.

// acknowledgement is the answer to an event.
type acknowledgement struct {
	EventID    string  `json:"event_id"`
	AlertID    *string `json:"alert_id"`
	Alert      bool    `json:"alert"`
	AlertCodes []int32 `json:"alert_codes"`
	UserID     int64   `json:"user_id"`
}

// submit posts an event once, with a key unless that is empty.
func submit(url, key, body string) (a acknowledgement, err error) {
	header := http.Header{"Content-Type": {"application/json"}}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	status, answer, err := exchange(http.MethodPost, url+"/api/v1/events", header, body)
	if err != nil {
		return a, err
	}
	if status != http.StatusCreated {
		return a, fmt.Errorf("status %d: %s", status, answer)
	}
	return a, json.Unmarshal([]byte(answer), &a)
}

// connect is a connection to the database of a cluster.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the cluster goes next
	return conn
}

func number(t *testing.T, conn *pgx.Conn, sql string, args ...any) (n int) {
	t.Helper()
	if err := conn.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// TestServerKilled kills the server again and again while eight writers send events, each again with its key until it is acknowledged.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	cluster := pgtest.NewCluster(t)
	var at atomic.Pointer[string]
	s := start(t, "DATABASE_URL="+cluster.URL())
	at.Store(&s.url)
	conn := connect(t, cluster.URL())

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var mu sync.Mutex
	acknowledged := map[string]acknowledgement{}
	retries := 0
	var writers sync.WaitGroup
	for writer := range 8 {
		writers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(writer), 6))
			for n := 0; ctx.Err() == nil; n++ {
				key := fmt.Sprintf("event %d of writer %d", n, writer)
				body := fmt.Sprintf(`{"type": %q, "amount": "%d.50", "user_id": %d, "time": %d}`, []string{"deposit", "withdraw"}[random.IntN(2)], 1+random.IntN(150), 11+random.IntN(5), n+random.IntN(20))
				for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
					r, err := submit(*at.Load(), key, body)
					if err == nil {
						mu.Lock()
						acknowledged[key] = r
						mu.Unlock()
						break
					}
					mu.Lock()
					retries++
					mu.Unlock()
					if time.Since(began) > patience {
						t.Errorf("%s is not acknowledged: %v", key, err)
						return
					}
				}
			}
		})
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acknowledged)
	}
	random := rand.New(rand.NewPCG(7, 7))
	for range 8 {
		enough := count() + 60
		s.await("events to be acknowledged", func() bool { return count() > enough })
		time.Sleep(time.Duration(random.IntN(10)) * time.Millisecond)
		s.signal(syscall.SIGKILL)
		s.code()
		mu.Lock()
		var ids []string
		for _, r := range acknowledged {
			ids = append(ids, r.EventID)
		}
		mu.Unlock()
		if n := number(t, conn, "SELECT count(*) FROM event WHERE id = ANY ($1::text[]::uuid[])", ids); n != len(ids) {
			t.Fatalf("%d of %d acknowledged events are there after a kill", n, len(ids))
		}
		s = start(t, "DATABASE_URL="+cluster.URL())
		at.Store(&s.url)
	}
	stop()
	writers.Wait()
	t.Logf("%d events were acknowledged, after %d tries that failed", len(acknowledged), retries)
	if retries == 0 {
		t.Error("no try failed: this test shows nothing")
	}
	for key, r := range acknowledged {
		n := number(t, conn, `SELECT count(*) FROM event JOIN idempotency k USING (user_id) LEFT JOIN alert ON alert.user_id = event.user_id AND event_id = event.id
			WHERE event.id = $1::text::uuid AND k.first_id = event.id AND k.key = $2 AND event.user_id = $3 AND event.alert_id IS NOT DISTINCT FROM $4::text::uuid
			AND alert.id IS NOT DISTINCT FROM event.alert_id AND event.alert_codes = $5 AND ($4 IS NOT NULL) = $6::boolean`, r.EventID, key, r.UserID, r.AlertID, r.AlertCodes, r.Alert)
		if n != 1 {
			t.Errorf("%s was answered by %+v and is there %d times", key, r, n)
		}
	}
	for _, table := range []string{"event", "idempotency"} {
		if n := number(t, conn, "SELECT count(*) FROM "+table); n != len(acknowledged) {
			t.Errorf("table %s has %d rows, %d events were acknowledged", table, n, len(acknowledged))
		}
	}
	askOracle(t, conn)
}

// askOracle holds each recorded event against the oracle. The rules are those that a new database has, all users of medium risk.
func askOracle(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	var text string
	if err := conn.QueryRow(t.Context(), "SELECT rules::text FROM ruleset WHERE id = 1").Scan(&text); err != nil {
		t.Fatal(err)
	}
	set, err := rules.ParseSet([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(t.Context(), "SELECT user_id, type, amount::text, time, alert_codes FROM event ORDER BY user_id, id")
	if err != nil {
		t.Fatal(err)
	}
	var user, at int64
	var kind, amount string
	var codes []int32
	histories, all := map[int64][]oracle.Entry{}, map[int64][][]int32{}
	if _, err := pgx.ForEachRow(rows, []any{&user, &kind, &amount, &at, &codes}, func() error {
		e := rules.Event{Time: at}
		e.Type, _ = rules.ParseType(kind)
		e.Amount, _ = rules.ParseCents(amount)
		histories[user] = append(histories[user], oracle.Entry{Event: e, Rules: set})
		all[user] = append(all[user], slices.Clone(codes))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	wrong, alerts := 0, 0
	for user, history := range histories {
		for i, want := range oracle.Codes(history) {
			if !slices.Equal(want, all[user][i]) {
				wrong++
			}
			if len(want) > 0 {
				alerts++
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d events have other codes than the oracle says", wrong)
	}
	if n := number(t, conn, "SELECT count(*) FROM alert"); n != alerts {
		t.Errorf("%d alerts, not %d", n, alerts)
	}
}

// TestKilledBeforeTheAnswer kills the server when Postgres has everything, the commit too, and the client has nothing. The repetition with the
// key answers what was recorded; without one, as the negative control, there are two events.
func TestKilledBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	cluster := pgtest.NewCluster(t)
	conn := connect(t, cluster.URL())
	for i, key := range []string{"a key", ""} {
		user := 100 + i
		for !killedWhileItWaits(t, cluster.URL(), conn, key, user) { // it had given up waiting before it was killed
			if user += 10; user > 200 {
				t.Fatal("no event ever waits for long enough")
			}
		}
		events := func() int { return number(t, conn, "SELECT count(*) FROM event WHERE user_id = $1", user) }
		body := fmt.Sprintf(withdrawal, user)
		s := start(t, "DATABASE_URL="+cluster.URL())
		first, err := submit(s.url, key, body)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := submit(s.url, key, body); key != "" && (err != nil || again.EventID != first.EventID) {
			t.Errorf("%+v, and again %+v, %v", first, again, err)
		}
		if n := events(); key != "" && n != 1 || key == "" && n != 3 {
			t.Errorf("key %q: %d events", key, n)
		}
		s.stop(syscall.SIGTERM)
	}
}

const withdrawal = `{"type": "withdraw", "amount": "200", "user_id": %d, "time": 1}`

// killedWhileItWaits kills a server whose Postgres holds an event that waits for a lock, and then lets the lock go. It reports whether the event
// was stored then; it was not if it had given up waiting, which it does soon.
func killedWhileItWaits(t *testing.T, url string, conn *pgx.Conn, key string, user int) bool {
	t.Helper()
	s := start(t, "DATABASE_URL="+url+"&pool_max_conns=1") // statements are prepared for each connection
	for n := range 3 {                                     // the statements are prepared, which waits for the same lock
		warm := key
		if key != "" {
			warm = fmt.Sprint(key, " before ", user, " ", n)
		}
		if _, err := submit(s.url, warm, fmt.Sprintf(withdrawal, 99)); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE event IN SHARE MODE"); err != nil { // the lock that inserts wait for
		t.Fatal(err)
	}
	failed := make(chan error)
	go func() {
		_, err := submit(s.url, key, fmt.Sprintf(withdrawal, user))
		failed <- err
	}()
	waiting := func() bool {
		return number(t, conn, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == 1
	}
	s.await("the event to wait", waiting)
	s.signal(syscall.SIGKILL)
	s.code()
	if err := <-failed; err == nil {
		t.Fatal("it was answered")
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if number(t, conn, "SELECT count(*) FROM event WHERE user_id = $1", user) == 1 {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}
