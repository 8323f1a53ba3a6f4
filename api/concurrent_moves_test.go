package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// This file tests moves, and other writes of places, that meet other transactions.

// TestMove_concurrent: concurrent moves into one box get different positions, the first ones of the box. If it becomes
// full, the other moves are rejected.
func TestMove_concurrent(t *testing.T) {
	t.Parallel()
	s := newMovableStorage(t)
	s.add("B1", "freezer_id = 1; rows = 2; columns = 4; blocked = A3")
	const tubes, room = 10, 7
	for i := range tubes {
		s.add(fmt.Sprint("T", i), "freezer_id = 1")
	}
	statuses := make([]int, tubes)
	var group sync.WaitGroup
	for i := range tubes {
		group.Go(func() {
			statuses[i] = apitest.Do(s, "POST", "/api/v1/moves", moveBody("B1", "rows", fmt.Sprint("T", i))).Code
		})
	}
	group.Wait()
	slices.Sort(statuses)
	want := slices.Concat(slices.Repeat([]int{200}, room), slices.Repeat([]int{409}, tubes-room))
	if !slices.Equal(statuses, want) {
		t.Errorf("statuses %v, want %v", statuses, want)
	}
	const positions = `SELECT string_agg(position, ' ' ORDER BY position_row, position_column) FROM container
		WHERE parent_uuid IS NOT NULL`
	if got, want := pgtest.QueryValue[string](t, s.pool, positions), "A1 A2 A4 B1 B2 B3 B4"; got != want {
		t.Errorf("taken positions: %s, want %s", got, want)
	}
}

// TestPosition_manyWriters: of many concurrent writers of one position, exactly one succeeds. The others get a conflict
// that names what it has put there.
func TestPosition_manyWriters(t *testing.T) {
	t.Parallel()
	s := newMovableStorage(t)
	s.add("B1", "freezer_id = 1; rows = 10; columns = 10")
	const writers = 200
	responses := make([]*httptest.ResponseRecorder, writers)
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			body := fmt.Sprintf(`{"description": "Tube %d", "parent_uuid": %q, "position": "B4"}`, i, nameUUID("B1"))
			responses[i] = apitest.Do(s, "POST", "/api/v1/containers", body)
		})
	}
	group.Wait()
	created := slices.IndexFunc(responses, func(w *httptest.ResponseRecorder) bool { return w.Code == http.StatusCreated })
	if created < 0 {
		t.Fatalf("no writer succeeded: %d %s", responses[0].Code, responses[0].Body)
	}
	conflict := fmt.Sprintf("B4 of B1 is taken by Tube %d", created)
	for i, w := range responses {
		if i != created && (w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), conflict)) {
			t.Errorf("writer %d: %d %s, want 409 %q", i, w.Code, w.Body, conflict)
		}
	}
}

// TestMove_waitsForTarget: a move that waits for another transaction sees what that one put into the target.
func TestMove_waitsForTarget(t *testing.T) {
	t.Parallel()
	s := newMovableStorage(t)
	s.add("B1", "freezer_id = 1; rows = 1; columns = 2")
	s.add("T1", "freezer_id = 1")
	s.add("T2", "freezer_id = 1")
	tx, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, tx, "UPDATE container SET parent_uuid = $1, position = 'A1' WHERE uuid = $2",
		nameUUID("B1"), nameUUID("T1"))
	done := make(chan *httptest.ResponseRecorder, 1)
	go func() { done <- apitest.Do(s, "POST", "/api/v1/moves", moveBody("B1", "rows", "T2")) }()
	pgtest.WaitForLockWait(t, s.pool)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w := <-done; w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got, want := s.places("T%"), "T1=B1 A1 T2=B1 A2"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestMove_lockOrder: a move locks containers in the order of their UUIDs, whatever their order in the request. So two
// moves do not deadlock.
func TestMove_lockOrder(t *testing.T) {
	t.Parallel()
	s := newMovableStorage(t)
	s.add("B1", "freezer_id = 1; rows = 2; columns = 5")
	var lines []string
	for i := range 9 {
		s.add(fmt.Sprint("T", i+1), "freezer_id = 1")
		lines = append(lines, fmt.Sprint("T", 9-i))
	}
	release := lockRow(t, s.pool, "SELECT FROM container WHERE description = 'T5' FOR UPDATE")
	done := make(chan *httptest.ResponseRecorder, 1)
	go func() { done <- apitest.Do(s, "POST", "/api/v1/moves", moveBody("B1", "rows", lines...)) }()
	pgtest.WaitForLockWait(t, s.pool)
	const unlocked = `SELECT string_agg(description, ' ' ORDER BY description)
		FROM (SELECT description FROM container FOR UPDATE SKIP LOCKED) AS unlocked`
	if got, want := pgtest.QueryValue[string](t, s.pool, unlocked), "T6 T7 T8 T9"; got != want {
		t.Errorf("not locked: %s, want %s", got, want)
	}
	release()
	if w := <-done; w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestMove_oppositeOrders: concurrent moves of the same containers to two boxes are done one after the other.
func TestMove_oppositeOrders(t *testing.T) {
	t.Parallel()
	s := newMovableStorage(t)
	s.add("B1", "freezer_id = 1; rows = 2; columns = 4")
	s.add("B2", "freezer_id = 1; rows = 2; columns = 4")
	names := []string{"T1", "T2", "T3", "T4"}
	for _, name := range names {
		s.add(name, "freezer_id = 1")
	}
	backward := slices.Clone(names)
	slices.Reverse(backward)
	var group sync.WaitGroup
	for target, lines := range map[string][]string{"B1": names, "B2": backward} {
		group.Go(func() {
			for range 20 {
				w := apitest.Do(s, "POST", "/api/v1/moves", moveBody(target, "rows", lines...))
				if w.Code != http.StatusOK {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			}
		})
	}
	group.Wait()
	const boxes = "SELECT count(DISTINCT parent_uuid) FROM container WHERE description LIKE 'T%'"
	if n := pgtest.QueryValue[int](t, s.pool, boxes); n != 1 {
		t.Errorf("the tubes lie in %d boxes: a move was done in part", n)
	}
}
