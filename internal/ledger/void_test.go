package ledger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	diff "github.com/google/go-cmp/cmp"

	"labledger/internal/pgtest"
	"labledger/internal/rules"
)

// requireVerified fails the test unless the whole ledger follows from its events and voids, and a replay agrees.
func requireVerified(t *testing.T, l *Ledger) {
	t.Helper()
	summary, err := l.Verify(t.Context(), nil, func(d Difference) { t.Errorf("%+v", d) })
	if err != nil || summary.Differences != 0 {
		t.Errorf("verify: %+v, %v", summary, err)
	}
	replay, err := l.Replay(t.Context(), ReplayRequest{})
	if err != nil || replay.Added+replay.Removed != 0 {
		t.Errorf("replay: %+v, %v", replay, err)
	}
}

func mustVoid(t *testing.T, l *Ledger, event uuid.UUID) Void {
	t.Helper()
	v, err := l.Void(t.Context(), VoidRequest{EventID: event, Reason: "wrong clock", Actor: "ada", RequestID: "r"}, false)
	if err != nil {
		t.Fatal("void:", err)
	}
	return v
}

// TestVoid_wrongClock voids an event with a time in milliseconds. All later events were in its window and fired. After
// the void they do not fire any more, and their alerts are marked.
func TestVoid_wrongClock(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	enableOnly(t, l.pool, 500)
	record := func(time int64) Result {
		return mustRecord(t, l, RecordRequest{UserID: 1, Event: deposit(1, time)})
	}
	record(1700000000)
	wrong := record(1700000001000)
	var fired []uuid.UUID
	for i := range int64(12) {
		if r := record(1700000100 + 100*i); len(r.Codes) > 0 {
			fired = append(fired, r.EventID)
		}
	}
	if len(fired) < 5 {
		t.Fatalf("%d events fired after the wrong one; the test proves nothing", len(fired))
	}
	v := mustVoid(t, l, wrong.EventID)
	if !slices.Equal(v.Alerts, fired) {
		t.Errorf("marked the alerts of %v, want %v", v.Alerts, fired)
	}
	if n := pgtest.QueryValue[int](t, l.pool, "SELECT count(*) FROM alert WHERE void_id = $1", v.ID); n != len(fired) {
		t.Errorf("%d alerts are marked, want %d", n, len(fired))
	}
	if r := record(1700001500); len(r.Codes) > 0 {
		t.Errorf("%v fires after the void", r.Codes)
	}
	requireVerified(t, l)
}

// TestVoid_rejects checks unknown and voided events, and a dry run.
func TestVoid_rejects(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	r := mustRecord(t, l, RecordRequest{UserID: 1, Event: withdrawal(1000, 5)})
	request := VoidRequest{EventID: r.EventID, Reason: "x", Actor: "ada"}
	if v, err := l.Void(t.Context(), request, true); err != nil || !slices.Equal(v.Alerts, []uuid.UUID{r.EventID}) {
		t.Errorf("dry run: %+v, %v", v, err)
	}
	if n := countRows(t, l.pool, "event_void"); n != 0 {
		t.Errorf("a dry run stored %d voids", n)
	}
	mustVoid(t, l, r.EventID)
	if _, err := l.Void(t.Context(), request, false); !errors.Is(err, ErrVoided) {
		t.Errorf("a second void: %v", err)
	}
	if _, err := l.Void(t.Context(), VoidRequest{EventID: uuid.New()}, false); !errors.Is(err, ErrNoEvent) {
		t.Errorf("an unknown event: %v", err)
	}
	requireVerified(t, l)
}

// readVoids returns the IDs of the voids by event.
func readVoids(t *testing.T, pool *pgxpool.Pool) map[uuid.UUID]uuid.UUID {
	t.Helper()
	voids := map[uuid.UUID]uuid.UUID{}
	forEachRow(t, pool, "SELECT event_id, id FROM event_void", func(scan func(...any) error) error {
		var event, void uuid.UUID
		err := scan(&event, &void)
		voids[event] = void
		return err
	})
	return voids
}

// oracleCodesWithoutVoided returns the oracle's codes for each event, computed from the events of the user up to it
// without those that were voided before it.
func oracleCodesWithoutVoided(
	t *testing.T, pool *pgxpool.Pool, events []eventRow, override func(*rules.Rule),
) (codes [][]int32) {
	t.Helper()
	voids := readVoids(t, pool)
	before := func(e, other eventRow) bool { // reports whether e was voided before the other event
		void, voided := voids[e.id]
		return voided && uuidAfter(other.id, void)
	}
	for i := 0; i < len(events); {
		of := slices.IndexFunc(events, func(e eventRow) bool { return e.user == events[i].user })
		end := i + 1 // of the events with the same history
		for ; end < len(events) && events[end].user == events[i].user; end++ {
			changed := func(e eventRow) bool { return before(e, events[end]) != before(e, events[i]) }
			if slices.ContainsFunc(events[of:end], changed) {
				break
			}
		}
		history := slices.DeleteFunc(slices.Clone(events[of:end]), func(e eventRow) bool { return before(e, events[i]) })
		all := oracleCodes(t, pool, history, override)
		codes = append(codes, all[len(all)-(end-i):]...)
		i = end
	}
	return codes
}

// requireOracleAgrees fails the test unless each event fired what the oracle computes. It returns the number of events
// that would have fired other codes without the voids.
func requireOracleAgrees(t *testing.T, l *Ledger) (changed int) {
	t.Helper()
	events := readEvents(t, l.pool)
	want, withVoided := oracleCodesWithoutVoided(t, l.pool, events, keepRule), oracleCodes(t, l.pool, events, keepRule)
	for i, e := range events {
		if !slices.Equal(want[i], e.codes) {
			t.Errorf("event %s of user %d fired %d, want %d", e.id, e.user, e.codes, want[i])
		}
		if !slices.Equal(want[i], withVoided[i]) {
			changed++
		}
	}
	return changed
}

// requireReplaysAgree compares replays of changed rules with the oracle. Voided events do not count.
func requireReplaysAgree(t *testing.T, l *Ledger) {
	t.Helper()
	events, voids := readEvents(t, l.pool), readVoids(t, l.pool)
	for _, c := range candidates() {
		if !slices.Contains([]string{"none", "run", "longest window", "many"}, c.name) {
			continue
		}
		var counted []eventRow
		var codes [][]int32
		for i, want := range oracleCodesWithoutVoided(t, l.pool, events, c.override) {
			if _, voided := voids[events[i].id]; !voided {
				counted, codes = append(counted, events[i]), append(codes, want)
			}
		}
		r := ReplayRequest{Changes: c.request}
		if d := diff.Diff(expectedReplay(counted, codes, r), mustReplay(t, l, r), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("replay of %s (-want +got):\n%s", c.name, d)
		}
	}
}

// requireMarksAgree compares the marks of the alerts with the oracle. An alert is marked by the void of its event, or
// by the first void after which the oracle computes no codes for its event.
func requireMarksAgree(t *testing.T, l *Ledger) {
	t.Helper()
	events, voids := readEvents(t, l.pool), readVoids(t, l.pool)
	want, got := map[uuid.UUID]uuid.UUID{}, map[uuid.UUID]uuid.UUID{} // voids by event
	mark := func(e eventRow, void uuid.UUID) {
		if earlier, marked := want[e.id]; len(e.codes) > 0 && (!marked || uuidAfter(earlier, void)) {
			want[e.id] = void
		}
	}
	for _, wrong := range events {
		void, voided := voids[wrong.id]
		if !voided {
			continue
		}
		var history []eventRow
		for _, e := range events {
			if e.user != wrong.user || uuidAfter(e.id, void) {
				continue
			}
			if v, voided := voids[e.id]; voided && !uuidAfter(v, void) {
				mark(e, void)
			} else {
				history = append(history, e)
			}
		}
		for i, codes := range oracleCodes(t, l.pool, history, keepRule) {
			if len(codes) == 0 {
				mark(history[i], void)
			}
		}
	}
	const marks = "SELECT event_id, void_id FROM alert WHERE void_id IS NOT NULL"
	forEachRow(t, l.pool, marks, func(scan func(...any) error) error {
		var event, void uuid.UUID
		err := scan(&event, &void)
		got[event] = void
		return err
	})
	if d := diff.Diff(want, got); d != "" {
		t.Errorf("voids of alerts by event (-want +got):\n%s", d)
	}
	later := 0
	for event, void := range want {
		if voids[event] != void {
			later++
		}
	}
	if later < 5 {
		t.Errorf("the voids of other events mark %d alerts; the test proves little", later)
	}
}

// TestVoid_random voids random events between single events, batches and changes of the rules.
func TestVoid_random(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	random := rand.New(rand.NewPCG(7, 7))
	for i, events := range slices.Collect(slices.Chunk(randomStream(7, 600, 3), 10)) {
		if random.IntN(3) == 0 {
			events[0].Time += 10_000 // a wrong clock
		}
		if i%2 == 0 {
			for _, e := range events {
				mustRecord(t, l, RecordRequest{UserID: e.UserID, Event: e.Event, Actor: "test"})
			}
		} else if _, err := l.RecordAll(t.Context(), &Batch{Events: events, Actor: "test"}, false); err != nil {
			t.Fatal(err)
		}
		for range random.IntN(3) {
			const pick = `SELECT id FROM event WHERE id NOT IN (SELECT event_id FROM event_void)
				ORDER BY time DESC, id OFFSET $1 LIMIT 1`
			// Most often one of the latest times, which come from wrong clocks: later alerts depend on them.
			offset := random.IntN(1 + random.IntN(min(40, 8*(i+1))))
			mustVoid(t, l, pgtest.QueryValue[uuid.UUID](t, l.pool, pick, offset))
		}
		if i%3 == 0 {
			changeRules(t, l.pool, random)
		}
	}
	for _, e := range randomStream(8, 60, 3) { // with the states after the last voids
		mustRecord(t, l, RecordRequest{UserID: e.UserID, Event: e.Event, Actor: "test"})
	}
	if changed := requireOracleAgrees(t, l); changed < 5 {
		t.Errorf("the voids changed what %d events fired; the test proves little", changed)
	}
	requireMarksAgree(t, l)
	requireReplaysAgree(t, l)
	requireVerified(t, l)
}

// TestVoid_callsOnCommit: a void calls onCommit once, when its row is visible, and reports no recorded alerts. A dry
// run and a rejected void do not.
func TestVoid_callsOnCommit(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	var calls []string
	l := New(pool, func(events, alerts int) {
		calls = append(calls, fmt.Sprint(events, " ", alerts, " ", countRows(t, pool, "event_void")))
	})
	l.timeouts = patient
	wrong := mustRecord(t, l, RecordRequest{UserID: 1, Event: withdrawal(1000, 5000)})
	waitIdle(t, l)
	request := VoidRequest{EventID: wrong.EventID, Reason: "x", Actor: "ada"}
	for _, dryRun := range []bool{true, false, false} {
		_, _ = l.Void(t.Context(), request, dryRun) // the last one is rejected
	}
	if want := []string{"1 1 0", "0 0 1"}; !slices.Equal(calls, want) {
		t.Errorf("onCommit calls: %q, want %q", calls, want)
	}
}

// TestVoid_concurrentEvents voids an event while events of the user wait for the same lock, and before. In both orders
// the ledger follows from its events and voids.
func TestVoid_concurrentEvents(t *testing.T) {
	t.Parallel()
	for _, voidFirst := range []bool{true, false} {
		one, two := twoInstances(t)
		wrong := mustRecord(t, one, RecordRequest{UserID: 1, Event: withdrawal(1000, 5000)})
		unlock := lockUsers(t, one.pool, 1)
		void, event := make(chan error, 1), make(chan error, 1)
		startVoid := func() {
			_, err := one.Void(t.Context(), VoidRequest{EventID: wrong.EventID, Reason: "x", Actor: "ada"}, false)
			void <- err
		}
		two.timeouts.firstLock = "1min"
		startEvent := func() {
			_, err := two.Record(t.Context(), RecordRequest{UserID: 1, Event: withdrawal(1, 5001)})
			event <- err
		}
		starts := []func(){startEvent, startVoid}
		if voidFirst {
			slices.Reverse(starts)
		}
		for i, start := range starts {
			go start()
			pgtest.WaitFor(t, "waiting sessions", func() bool { return countLockWaiters(t, one.pool) == i+1 })
		}
		unlock()
		if err := errors.Join(<-void, <-event); err != nil {
			t.Fatal(err)
		}
		const after = "SELECT (SELECT max(id::text) FROM event) > (SELECT max(id::text) FROM event_void)"
		if isAfter := pgtest.QueryValue[bool](t, one.pool, after); isAfter != voidFirst {
			t.Errorf("void first: %v; the event is after the void: %v", voidFirst, isAfter)
		}
		requireVerified(t, one)
	}
}

// TestVoid_damage: verify finds an alert that is not marked, and a state that was not rebuilt. Rebuild repairs the
// state.
func TestVoid_damage(t *testing.T) {
	t.Parallel()
	l := newLedger(pgtest.Pool(t))
	wrong := mustRecord(t, l, RecordRequest{UserID: 1, Event: withdrawal(1000, 5000)})
	before := pgtest.QueryValue[string](t, l.pool, "SELECT state::text FROM user_state")
	mustVoid(t, l, wrong.EventID)
	for _, sql := range []string{
		"ALTER TABLE alert DISABLE TRIGGER set_alert_version", "UPDATE alert SET void_id = NULL",
		"ALTER TABLE alert ENABLE TRIGGER set_alert_version",
	} {
		pgtest.Exec(t, l.pool, sql)
	}
	pgtest.Exec(t, l.pool, "UPDATE user_state SET state = $1", before)
	var found []string
	report := func(d Difference) { found = append(found, fmt.Sprint(d.What, " ", d.Repaired)) }
	if _, err := l.Rebuild(t.Context(), nil, report); err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if want := []string{"alert void false", "state true"}; !slices.Equal(found, want) {
		t.Errorf("rebuild reports %q, want %q", found, want)
	}
}
