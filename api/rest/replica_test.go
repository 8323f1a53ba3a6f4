package rest

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/bind"
	"labledger/db"
	"labledger/internal/pgtest"
)

// The tests replicate nothing: primary and replica are two databases, which differ. Package e2e tests a real standby.

// replicates returns how many bytes a replica lacks.
func replicates(missing int64) func(context.Context, *pgxpool.Conn, string) (int64, error) {
	return func(context.Context, *pgxpool.Conn, string) (int64, error) { return missing, nil }
}

// A replicaServer serves sites from two databases.
type replicaServer struct {
	http.Handler
	primary, standby *pgxpool.Pool
	replica          *Replica
}

func newReplicaServer(t *testing.T) *replicaServer {
	t.Helper()
	type q = *db.Queries
	s := &replicaServer{primary: pgtest.Pool(t), standby: pgtest.Pool(t)}
	pgtest.Exec(t, s.primary, "UPDATE site SET name = 'primary' WHERE id = 1")
	pgtest.Exec(t, s.standby, "UPDATE site SET name = 'replica' WHERE id = 1")
	s.replica = NewReplica(s.standby)
	s.replica.missing = replicates(0)
	server := NewServer(fakeAuthorizer{grantedCheck(t, s.primary)}, s.primary, s.replica, nil)
	s.Handler = withInfo(server.Handler(NewEndpoints([]Route{
		{Method: "GET", Operation: One(q.GetSite), Paths: []string{"/site/{id}"}},
		{Method: "GET", Operation: List(q.ListSites), Paths: []string{"/sites"}},
		{Method: "GET", Operation: List(q.ListSites, Primary()), Paths: []string{"/sites-of-primary"}},
	}, bind.Rules{})))
	return s
}

// wantRow reports a test error unless a request returns the row of the primary, or of the replica.
func (s *replicaServer) wantRow(t *testing.T, target, accept, want string) {
	t.Helper()
	w := send(s, "GET", target, "", "Accept: "+accept)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
		t.Errorf("%s as %s: %d %s; want the row of the %s", target, accept, w.Code, w.Body, want)
	}
}

func (s *replicaServer) wantStatus(t *testing.T, want string) {
	t.Helper()
	if got := s.replica.Status(t.Context(), "0/0"); !strings.HasPrefix(got, want) {
		t.Errorf("status %q, want %q", got, want)
	}
}

// TestReplica: lists come from the replica, single rows from the primary. During a cooldown, which a failure starts,
// lists come from the primary.
func TestReplica(t *testing.T) {
	t.Parallel()
	s := newReplicaServer(t)
	s.wantStatus(t, "ok")
	s.wantRow(t, "/sites?name=replica", MediaTypeJSON, "replica")
	s.wantRow(t, "/sites", MediaTypeCSV, "replica")
	s.wantRow(t, "/site/1", MediaTypeJSON, "primary")
	s.wantRow(t, "/sites-of-primary", MediaTypeJSON, "primary")
	s.wantRow(t, "/sites-of-primary", MediaTypeCSV, "primary")
	s.replica.cooldownUntil.Store(math.MaxInt64)
	s.wantRow(t, "/sites", MediaTypeJSON, "primary")
	s.wantRow(t, "/sites", MediaTypeCSV, "primary")
	s.wantStatus(t, "failed recently")
	if served, skipped := s.replica.Reads(); served != 2 || skipped != 2 {
		t.Errorf("the replica served %d lists and was skipped for %d, want 2 and 2", served, skipped)
	}
	s.standby.Close()
	for _, mediaType := range []string{MediaTypeJSON, MediaTypeCSV} {
		s.replica.cooldownUntil.Store(0)
		s.wantRow(t, "/sites", mediaType, "primary")
		if s.replica.cooldownUntil.Load() == 0 {
			t.Errorf("%s: the failure started no cooldown", mediaType)
		}
	}
}

// TestReplica_lag: a replica that has not replayed the newest changes in time is not read, and tried again soon. A
// database that does not replicate is never read.
func TestReplica_lag(t *testing.T) {
	t.Parallel()
	s := newReplicaServer(t)
	s.replica.missing = replicates(7)
	start := time.Now()
	s.wantRow(t, "/sites", MediaTypeJSON, "primary")
	if until := s.replica.cooldownUntil.Load(); until == 0 ||
		until > time.Now().Add(lagCooldown).UnixNano() || until < start.Add(lagCooldown).UnixNano() {
		t.Errorf("the cooldown of a replica that lags ends at %s", time.Unix(0, until))
	}
	s.wantStatus(t, "lags by 7 bytes")
	if lag, err := s.replica.Lag(t.Context(), "0/0"); err != nil || lag != 7 {
		t.Errorf("lag %d, %v; want 7", lag, err)
	}

	s.replica.cooldownUntil.Store(0)
	looks := int64(3)
	s.replica.missing = func(context.Context, *pgxpool.Conn, string) (int64, error) {
		looks--
		return looks, nil
	}
	s.wantRow(t, "/sites", MediaTypeJSON, "replica")

	s.replica.missing = missingWAL // of a real database, which is no replica
	s.wantRow(t, "/sites", MediaTypeJSON, "primary")
	s.wantStatus(t, "is not a replica")
	if _, err := s.replica.Lag(t.Context(), "0/0"); !errors.Is(err, errNotReplica) {
		t.Errorf("lag of a database that is no replica: %v", err)
	}
}

// TestReplica_errorsOfRequests: an error that the primary would return as well does not put the replica out of use, and
// is not tried again on the primary.
func TestReplica_errorsOfRequests(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		onReplica   string // PL/pgSQL
		wantCode    int
		hasCooldown bool
	}{
		"invalid value":         {`RAISE SQLSTATE '22008'`, http.StatusBadRequest, false},
		"slow statement":        {`RAISE SQLSTATE '57014'`, http.StatusServiceUnavailable, false},
		"conflict with replay":  {`RAISE SQLSTATE '40001'`, http.StatusOK, false},
		"older schema":          {`RAISE SQLSTATE '42P01'`, http.StatusOK, true},
		"read-only transaction": {`RAISE SQLSTATE '25006'`, http.StatusOK, true},
		"stopping server":       {`RAISE SQLSTATE '57P01'`, http.StatusOK, true},
		"broken connection":     {`PERFORM pg_terminate_backend(pg_backend_pid())`, http.StatusOK, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newReplicaServer(t)
			pgtest.Exec(t, s.standby, "CREATE FUNCTION fail() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN "+
				c.onReplica+"; RETURN true; END $$")
			pgtest.Exec(t, s.standby, "ALTER TABLE site RENAME TO stored_site")
			pgtest.Exec(t, s.standby, "CREATE VIEW site AS SELECT * FROM stored_site WHERE fail()")
			w := send(s, "GET", "/sites", "")
			if hasCooldown := s.replica.coolingDown(); w.Code != c.wantCode || hasCooldown != c.hasCooldown {
				t.Errorf("%d %s, cooldown: %t; want %d, %t", w.Code, w.Body, hasCooldown, c.wantCode, c.hasCooldown)
			}
		})
	}
}

// TestReplica_disconnect: a client that disconnects does not put the replica out of use.
func TestReplica_disconnect(t *testing.T) {
	t.Parallel()
	s := newReplicaServer(t)
	tx, err := s.standby.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	pgtest.Exec(t, tx, "LOCK TABLE site IN ACCESS EXCLUSIVE MODE")
	ctx, disconnect := context.WithCancel(t.Context())
	done := make(chan int)
	go func() { done <- sendContext(ctx, s, "GET", "/sites").Code }()
	pgtest.WaitForLockWait(t, s.standby)
	disconnect()
	if code := <-done; code != 499 || s.replica.coolingDown() {
		t.Errorf("status %d, cooldown: %t; want 499 and no cooldown", code, s.replica.coolingDown())
	}
}

// TestReplica_deniedCaller: the primary decides whether a caller may read from the replica.
func TestReplica_deniedCaller(t *testing.T) {
	t.Parallel()
	primary, standby := pgtest.Pool(t), pgtest.Pool(t)
	replica := NewReplica(standby)
	replica.missing = replicates(0)
	server := NewServer(fakeAuthorizer{grantedCheck(t, standby)}, primary, replica, nil) // unknown to the primary
	h := withInfo(server.Handler(NewEndpoints([]Route{
		{Method: "GET", Operation: List((*db.Queries).ListSites), Paths: []string{"/sites"}},
	}, bind.Rules{})))
	for _, mediaType := range rowMediaTypes {
		if w := send(h, "GET", "/sites", "", "Accept: "+mediaType); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", mediaType, w.Code, w.Body)
		}
	}
}

// TestReplica_unreachable: a failed check starts no cooldown.
func TestReplica_unreachable(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	replica := NewReplica(pool)
	pool.Close()
	got := replica.Status(t.Context(), "0/0")
	if _, err := replica.Lag(t.Context(), "0/0"); err == nil {
		t.Error("an unreachable replica has a lag")
	}
	if !strings.HasPrefix(got, "unreachable") || replica.coolingDown() {
		t.Errorf("status %q, cooling down: %t", got, replica.coolingDown())
	}
	if NewReplica(nil) != nil {
		t.Error("there is a replica without a pool")
	}
}
