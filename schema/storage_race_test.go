package schema_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/internal/pgtest"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

// placeRaces are pairs of statements of which the second waits for the first: a then b, and b then a. want is the error
// of the second, or "" for success. rule is what both together violate if neither waits.
var placeRaces = []struct{ name, setup, a, b, wantAB, wantBA, rule string }{
	{
		name:   "one position",
		a:      "INSERT INTO container (description, parent_uuid, position) VALUES ('A', :numbers, '2')",
		b:      "UPDATE container SET parent_uuid = :numbers, position = '2' WHERE uuid = :loose",
		wantAB: "23505 position: 2 of Numbers is taken by A",
		wantBA: "23505 position: 2 of Numbers is taken by Loose",
		rule:   "two in one position",
	},
	{
		name:   "full container",
		setup:  "INSERT INTO container (parent_uuid) VALUES (:rack)",
		a:      "INSERT INTO container (parent_uuid) VALUES (:rack)",
		b:      "UPDATE container SET parent_uuid = :rack WHERE uuid = :loose",
		wantAB: "23505 parent_uuid: is full: Rack holds at most 3 containers",
		wantBA: "23505 parent_uuid: is full: Rack holds at most 3 containers",
		rule:   "more than the capacity",
	},
	{
		name:   "full freezer",
		a:      "INSERT INTO container (freezer_id) VALUES (3)",
		b:      "UPDATE container SET freezer_id = 3 WHERE uuid = :loose",
		wantAB: "23505 freezer_id: is full: Small holds at most 2 containers directly",
		wantBA: "23505 freezer_id: is full: Small holds at most 2 containers directly",
		rule:   "more than the capacity",
	},
	{
		name:   "first capacity of a freezer",
		setup:  "UPDATE freezer SET capacity = NULL WHERE id = 3",
		a:      "INSERT INTO container (freezer_id) VALUES (3)",
		b:      "UPDATE freezer SET capacity = 1 WHERE id = 3",
		wantAB: "23505 capacity: is less than the number of containers that lie directly in the freezer",
		wantBA: "23505 freezer_id: is full: Small holds at most 1 containers directly",
		rule:   "more than the capacity",
	},
	{
		name:   "lower capacity of a freezer",
		a:      "INSERT INTO container (freezer_id) VALUES (3)",
		b:      "UPDATE freezer SET capacity = 1 WHERE id = 3",
		wantAB: "23505 capacity: is less than the number of containers that lie directly in the freezer",
		wantBA: "23505 freezer_id: is full: Small holds at most 1 containers directly",
		rule:   "more than the capacity",
	},
	{
		name:   "first capacity of a container",
		a:      "INSERT INTO container (parent_uuid) VALUES (:drawer), (:drawer)",
		b:      "UPDATE container SET capacity = 1 WHERE uuid = :drawer",
		wantAB: "23505 capacity: is less than the number of containers inside",
		wantBA: "23505 parent_uuid: is full: Drawer holds at most 1 containers",
		rule:   "more than the capacity",
	},
	{
		name:   "smaller grid",
		a:      "INSERT INTO container (description, parent_uuid, position) VALUES ('A', :numbers, '5')",
		b:      "UPDATE container SET rows = 1 WHERE uuid = :numbers",
		wantAB: "23505 rows: would leave no position for A, which is at 5",
		wantBA: "23514 position: must be from 1 to 3",
		rule:   "position outside the grid",
	},
	{
		name:   "blocked position",
		a:      "INSERT INTO container (description, parent_uuid, position) VALUES ('A', :numbers, '5')",
		b:      "UPDATE container SET blocked = '5' WHERE uuid = :numbers",
		wantAB: "23505 blocked: would leave no position for A, which is at 5",
		wantBA: "23514 position: 5 is blocked",
		rule:   "position outside the grid",
	},
	{
		name:   "other scheme",
		a:      "INSERT INTO container (description, parent_uuid, position) VALUES ('A', :numbers, '5')",
		b:      "UPDATE container SET scheme = '1-1' WHERE uuid = :numbers",
		wantBA: "23514 position: must be from 1-1 to 2-3",
		rule:   "position outside the grid",
	},
	{
		name: "moved parent",
		a:    "INSERT INTO container (parent_uuid) VALUES (:drawer)",
		b:    "UPDATE container SET freezer_id = 1 WHERE uuid = :drawer",
		rule: "wrong freezer",
	},
	{
		name:  "moved grandparent",
		setup: "UPDATE container SET parent_uuid = :drawer WHERE uuid = :loose",
		a:     "INSERT INTO container (parent_uuid) VALUES (:loose)",
		b:     "UPDATE container SET freezer_id = 1 WHERE uuid = :drawer",
		rule:  "wrong freezer",
	},
	{
		name:   "cycle",
		a:      "UPDATE container SET parent_uuid = :drawer WHERE uuid = :loose",
		b:      "UPDATE container SET parent_uuid = :loose WHERE uuid = :drawer",
		wantAB: "23514 parent_uuid: must not be the container itself or one inside it",
		wantBA: "23514 parent_uuid: must not be the container itself or one inside it",
		rule:   "cycle",
	},
	{
		name:   "deleted parent",
		a:      "INSERT INTO container (parent_uuid) VALUES (:drawer)",
		b:      "DELETE FROM container WHERE uuid = :drawer",
		wantAB: "23503 container_parent_uuid_fkey",
		wantBA: "23514 parent_uuid: refers to no existing container",
		rule:   "wrong copy",
	},
}

// withoutPlaceLocks makes the functions of places lock nothing, for a negative control.
const withoutPlaceLocks = withoutPlaceConstraints + `;
	DO $$
	DECLARE
		function regprocedure;
	BEGIN
		FOR function IN SELECT oid FROM pg_proc WHERE prosrc ~ 'FOR (NO )?KEY (UPDATE|SHARE);' LOOP
			EXECUTE regexp_replace(pg_get_functiondef(function), 'FOR (NO )?KEY (UPDATE|SHARE);', ';', 'g');
		END LOOP;
	END $$;
	ALTER TABLE container DROP CONSTRAINT container_freezer_id_fkey`

// inRace runs first in a transaction that stays open while second begins. It returns the error of second, and whether
// second waited for the transaction.
func inRace(t *testing.T, url, first, second string) (result string, waited bool) {
	t.Helper()
	observer, holder, other := pgtest.Connect(t, url), pgtest.Connect(t, url), pgtest.Connect(t, url)
	mustExec(t, holder, "BEGIN")
	mustExec(t, holder, first)
	done := make(chan error, 1)
	go func() {
		_, err := other.PgConn().Exec(context.Background(), second).ReadAll()
		done <- err
	}()
	const waiting = `SELECT EXISTS (
		SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`
	pgtest.WaitFor(t, "the second statement", func() bool {
		waited = pgtest.QueryValue[bool](t, observer, waiting)
		return waited || len(done) > 0
	})
	mustExec(t, holder, "COMMIT")
	var pgErr *pgconn.PgError
	err := <-done
	switch {
	case err == nil:
		return "", waited
	case !errors.As(err, &pgErr):
		return err.Error(), waited
	case pgErr.ConstraintName != "":
		return pgErr.Code + " " + pgErr.ConstraintName, waited
	}
	return pgErr.Code + " " + pgErr.ColumnName + ": " + pgErr.Message, waited
}

// TestPlaceRaces: of two transactions that together would violate a place, the second waits for the first and then
// fails with a message, or follows. In the negative control, neither waits, and the place is violated.
func TestPlaceRaces(t *testing.T) {
	t.Parallel()
	for _, c := range placeRaces {
		for _, control := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				for _, order := range []struct{ first, second, want string }{
					{c.a, c.b, c.wantAB}, {c.b, c.a, c.wantBA},
				} {
					url := pgtest.Database(t)
					pgtest.ExecScript(t, url, withUUIDs(storageLab))
					pgtest.ExecScript(t, url, withUUIDs(c.setup))
					want := order.want
					if control {
						pgtest.ExecScript(t, url, withoutPlaceLocks)
						want = ""
					}
					got, waited := inRace(t, url, withUUIDs(order.first), withUUIDs(order.second))
					if got != want || waited == control {
						t.Errorf("control %v: %s\n got  %q, waited %v\n want %q",
							control, order.second, got, waited, want)
					}
					found, err := violations(t.Context(), pgtest.Connect(t, url))
					if err != nil || (found[c.rule] > 0) != control || !control && len(found) > 0 {
						t.Errorf("control %v: %s: violations %v, %v", control, order.second, found, err)
					}
				}
			})
		}
	}
}

// TestPosition_manyConnections: of 200 connections that put a container into one position, one succeeds. The others
// learn which container is there.
func TestPosition_manyConnections(t *testing.T) {
	t.Parallel()
	const connections = 200
	url := pgtest.NewCluster(t).URL() // with exactly as many connections
	if _, _, err := migrate.Up(t.Context(), url, schema.Files); err != nil {
		t.Fatal(err)
	}
	pgtest.ExecScript(t, url, schema.MockData)
	pgtest.ExecScript(t, url, withUUIDs(storageLab))
	conns := make([]*pgx.Conn, connections)
	for i := range conns {
		pgtest.WaitFor(t, "a free connection", func() (connected bool) { // former sessions may still be ending
			var err error
			conns[i], err = pgx.Connect(t.Context(), url)
			return err == nil
		})
		t.Cleanup(func() { _ = conns[i].Close(context.Background()) })
		mustExec(t, conns[i], "SET lock_timeout = '60s'")
	}
	var (
		inserting sync.WaitGroup
		mu        sync.Mutex
		start     = make(chan struct{})
		outcomes  = map[string]int{}
	)
	for _, conn := range conns {
		inserting.Go(func() {
			<-start
			_, err := conn.Exec(context.Background(), withUUIDs(`
				INSERT INTO container (description, parent_uuid, position) VALUES ('Inserted', :numbers, '3')`))
			outcome := "success"
			var pgErr *pgconn.PgError
			if errors.As(err, &pgErr) {
				outcome = strings.Join([]string{pgErr.Code, pgErr.ColumnName, pgErr.Message}, " ")
			} else if err != nil {
				outcome = err.Error()
			}
			mu.Lock()
			outcomes[outcome]++
			mu.Unlock()
		})
	}
	close(start)
	inserting.Wait()
	const taken = "23505 position 3 of Numbers is taken by Inserted"
	if outcomes["success"] != 1 || outcomes[taken] != connections-1 {
		t.Errorf("outcomes %v of %d connections", outcomes, connections)
	}
	const inserted = "SELECT count(*) FROM container WHERE description = 'Inserted'"
	if n := pgtest.QueryValue[int](t, conns[0], inserted); n != 1 {
		t.Errorf("%d containers are in the position, outcomes %v", n, slices.Collect(maps.Keys(outcomes)))
	}
}
