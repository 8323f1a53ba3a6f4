package rest

import (
	"math"
	"net/http"
	"strings"
	"testing"

	"labledger/api/bind"
	"labledger/db"
	"labledger/internal/pgtest"
)

// TestReplica: lists come from the replica, single rows from the primary. During a cooldown, which a failure starts,
// lists come from the primary.
func TestReplica(t *testing.T) {
	t.Parallel()
	type q = *db.Queries
	primary, standby := pgtest.Pool(t), pgtest.Pool(t) // two databases, which differ
	pgtest.Exec(t, primary, "UPDATE site SET name = 'primary' WHERE id = 1")
	pgtest.Exec(t, standby, "UPDATE site SET name = 'replica' WHERE id = 1")
	replica := NewReplica(standby)
	server := NewServer(fakeAuthorizer{grantedCheck(t, primary)}, primary, replica)
	h := withInfo(server.Handler(NewEndpoints([]Route{
		{Method: "GET", Operation: One(q.GetSite), Paths: []string{"/site/{id}"}},
		{Method: "GET", Operation: List(q.ListSites), Paths: []string{"/sites"}},
	}, bind.Rules{})))
	check := func(target, accept, want string) {
		t.Helper()
		w := send(h, "GET", target, "", "Accept: "+accept)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s as %s: %d %s; want the row of the %s", target, accept, w.Code, w.Body, want)
		}
	}
	if got := replica.Status(t.Context()); got != "ok" {
		t.Errorf("status %q, want ok", got)
	}
	check("/sites?name=replica", MediaTypeJSON, "replica")
	check("/sites", MediaTypeCSV, "replica")
	check("/site/1", MediaTypeJSON, "primary")
	replica.cooldownUntil.Store(math.MaxInt64)
	check("/sites", MediaTypeJSON, "primary")
	check("/sites", MediaTypeCSV, "primary")
	if got := replica.Status(t.Context()); !strings.HasPrefix(got, "failed recently") {
		t.Errorf("status %q during a cooldown", got)
	}
	standby.Close()
	for _, mediaType := range []string{MediaTypeJSON, MediaTypeCSV} {
		replica.cooldownUntil.Store(0)
		check("/sites", mediaType, "primary")
		if replica.cooldownUntil.Load() == 0 {
			t.Errorf("%s: the failure started no cooldown", mediaType)
		}
	}
}

// TestReplica_deniedCaller: the primary decides whether a caller may read from the replica.
func TestReplica_deniedCaller(t *testing.T) {
	t.Parallel()
	primary, standby := pgtest.Pool(t), pgtest.Pool(t)
	server := NewServer(fakeAuthorizer{grantedCheck(t, standby)}, primary, NewReplica(standby)) // unknown to the primary
	h := withInfo(server.Handler(NewEndpoints([]Route{
		{Method: "GET", Operation: List((*db.Queries).ListSites), Paths: []string{"/sites"}},
	}, bind.Rules{})))
	for _, mediaType := range rowMediaTypes {
		if w := send(h, "GET", "/sites", "", "Accept: "+mediaType); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", mediaType, w.Code, w.Body)
		}
	}
}

// TestReplica_unreachable: without a cooldown the status is that of a ping.
func TestReplica_unreachable(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	replica := NewReplica(pool)
	pool.Close()
	if got := replica.Status(t.Context()); !strings.HasPrefix(got, "unreachable") || replica.coolingDown() {
		t.Errorf("status %q, cooling down: %t", got, replica.coolingDown())
	}
	if NewReplica(nil) != nil {
		t.Error("there is a replica without a pool")
	}
}
