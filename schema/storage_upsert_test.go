package schema_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"labledger/db"
	"labledger/internal/pgtest"
)

// pausingIndex is an index whose expression waits for an advisory lock in a session with the setting test.pauses. The
// unique keys of the UUID come after it: Postgres inserts into the indexes in the order in which they were created.
const pausingIndex = `
	CREATE FUNCTION pause(uuid) RETURNS uuid LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN
		IF current_setting('test.pauses', true) = 'on' THEN
			PERFORM pg_catalog.pg_advisory_lock_shared(1);
			PERFORM pg_catalog.pg_advisory_unlock_shared(1);
		END IF;
		RETURN $1;
	END $$;
	ALTER TABLE container
		DROP CONSTRAINT container_parent_uuid_fkey,
		DROP CONSTRAINT container_uuid_unique CASCADE,
		DROP CONSTRAINT container_place_unique;
	CREATE INDEX container_pause_idx ON container (pause(uuid));
	ALTER TABLE container
		ADD CONSTRAINT container_uuid_unique UNIQUE (uuid),
		ADD CONSTRAINT container_place_unique UNIQUE (uuid, freezer_id, depth, layout)`

// withoutAdvisoryLocks hides the function of Postgres behind one that does nothing, for a negative control.
const withoutAdvisoryLocks = `
	CREATE FUNCTION public.pg_advisory_xact_lock(bigint) RETURNS void LANGUAGE sql VOLATILE AS 'SELECT'`

// TestUpsertContainer_concurrently: of two requests that create the same container, the second changes it. Without the
// lock of the UUID, the first of them to start fails.
func TestUpsertContainer_concurrently(t *testing.T) {
	t.Parallel()
	for _, control := range []bool{false, true} {
		url := pgtest.Database(t)
		pgtest.ExecScript(t, url, pausingIndex)
		if control {
			pgtest.ExecScript(t, url, withoutAdvisoryLocks)
		}
		holder, observer := pgtest.Connect(t, url), pgtest.Connect(t, url)
		mustExec(t, holder, "SELECT pg_advisory_lock(1)")
		upsert := func(pauses, description string) <-chan error {
			conn, done := pgtest.Connect(t, url), make(chan error, 1)
			mustExec(t, conn, "SET search_path = public, pg_catalog")
			mustExec(t, conn, "SELECT set_config('test.pauses', $1, false)", pauses)
			go func() { done <- upsertContainer(conn, description) }()
			return done
		}
		waiting := func() int {
			return pgtest.QueryValue[int](t, observer, `SELECT count(*) FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		}
		first := upsert("on", "first")
		pgtest.WaitFor(t, "the first request to pause", func() bool { return waiting() == 1 })
		second := upsert("off", "second")
		pgtest.WaitFor(t, "the second request", func() bool { return waiting() == 2 || control && len(second) > 0 })
		mustExec(t, holder, "SELECT pg_advisory_unlock(1)")
		result := fmt.Sprint(<-first, ", ", <-second)
		want := "<nil>, <nil>"
		if control {
			want = `ERROR: duplicate key value violates unique constraint "container_place_unique" ` +
				`(SQLSTATE 23505), <nil>`
		}
		if result != want {
			t.Errorf("control %v: %s, want %s", control, result, want)
		}
		if got := queryStrings(t, observer, "SELECT description FROM container"); len(got) != 1 || got[0] != "second" {
			t.Errorf("control %v: containers %v, want the second", control, got)
		}
	}
}

// upsertContainer creates or replaces the container with a fixed UUID.
func upsertContainer(conn *pgx.Conn, description string) error {
	_, err := db.New(conn).UpsertContainer(context.Background(), db.UpsertContainerParams{
		Uuid:        uuid.MustParse("00000000-0000-4000-8000-000000000001"),
		Description: &description,
		FreezerID:   new(int64(1)),
	})
	return err
}
