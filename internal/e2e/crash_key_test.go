package e2e

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

// The server is killed while it executes a write with an idempotency key: before the response is stored for the key,
// and after Postgres got the commit but before the client got the response. After a retry with the key on a new server,
// there is one effect in all. A second retry gets the same response, byte for byte. The negative control has no key.
func TestCrash_retryOfWrite(t *testing.T) {
	t.Parallel()
	cluster := pgtest.NewCluster(t)
	conn := pgtest.Connect(t, cluster.URL())
	s := startServer(t, "DATABASE_URL="+cluster.URL())
	site := "/api/v1/sites/" + idOf(t, s.Send("POST", "/api/v1/sites", `{"name": "first"}`, 201))
	freezer := "/api/v1/freezers/" + idOf(t, s.Send("POST", "/api/v1/freezers", `{"name": "x", "site_id": 1}`, 201))
	event, err := postEvent(s.URL, "", `{"type": "deposit", "amount": 1, "user_id": 7, "time": 1}`)
	if err != nil {
		t.Fatal(err)
	}
	// With these triggers, a commit waits as long as the test holds the advisory lock.
	pgtest.Exec(t, conn, `
		CREATE FUNCTION wait_in_commit() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END
		$$;
		CREATE CONSTRAINT TRIGGER wait_in_commit AFTER INSERT ON idempotency_key DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW EXECUTE FUNCTION wait_in_commit();
		CREATE CONSTRAINT TRIGGER wait_in_commit AFTER INSERT ON site DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW WHEN (NEW.name = 'control') EXECUTE FUNCTION wait_in_commit()`)
	const inCommit = "SELECT pg_advisory_xact_lock(1)"
	const effects = `SELECT (SELECT count(*) FROM change) + (SELECT count(*) FROM event_void)`
	for _, c := range []struct {
		name, method, path, contentType, body string
		block                                 string // what the request waits for
		changes                               int    // recorded by one execution
	}{
		{"patch", "PATCH", site, "application/json", `{"contact": "x"}`, inCommit, 1},
		{"create", "POST", "/api/v1/sites", "application/json", `{"name": "new"}`, inCommit, 1},
		{"import", "POST", "/api/v1/freezers", "text/csv", "name,site_id\na,1\nb,1\n", inCommit, 2},
		{"delete", "DELETE", freezer, "application/json", "", inCommit, 1},
		{"void", "POST", "/api/v1/events/" + event.EventID + "/void", "application/json", `{"reason": "x"}`, inCommit, 1},
		{
			"before", "POST", "/api/v1/sites", "application/json", `{"name": "before"}`,
			"LOCK TABLE idempotency_key IN SHARE MODE", 1,
		},
		{"", "POST", "/api/v1/sites", "application/json", `{"name": "control"}`, inCommit, 2},
	} {
		header := http.Header{"Content-Type": {c.contentType}}
		if c.name != "" {
			header.Set("Idempotency-Key", c.name)
		}
		before := queryInt(t, conn, effects)
		killWhileBlocked(t, s, conn, c.block, func() error {
			_, _, err := programtest.Request(c.method, s.URL+c.path, header, c.body)
			return err
		})
		stored := queryInt(t, conn, effects) - before
		if c.block == inCommit && stored == 0 {
			t.Errorf("%s: the transaction was not committed, so this test proves nothing", c.name)
		}
		s = startServer(t, "DATABASE_URL="+cluster.URL())
		status, retried, err := programtest.Request(c.method, s.URL+c.path, header, c.body)
		if err != nil || status/100 != 2 {
			t.Errorf("%s: retry: %d %s, %v", c.name, status, retried, err)
		}
		if n := queryInt(t, conn, effects) - before; n != c.changes {
			t.Errorf("%s: %d changes after the retry, want %d", c.name, n, c.changes)
		}
		if c.name == "" {
			continue
		}
		saved := pgtest.QueryValue[string](t, conn,
			"SELECT convert_from(body, 'UTF8') FROM idempotency_key WHERE key = $1", c.name)
		again, second, err := programtest.Request(c.method, s.URL+c.path, header, c.body)
		if err != nil || again != status || second != retried || saved != retried {
			t.Errorf("%s: second retry: %d %s, %v; want %d %s; stored: %s",
				c.name, again, second, err, status, retried, saved)
		}
	}
	s.Stop(syscall.SIGTERM)
}

// idOf returns the ID of a row in JSON, which begins with it.
func idOf(t *testing.T, row string) string {
	t.Helper()
	id, _, found := strings.Cut(strings.TrimPrefix(row, `{"id":`), ",")
	if !found {
		t.Fatalf("no ID in %s", row)
	}
	return id
}
