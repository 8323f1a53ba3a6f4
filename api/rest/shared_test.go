package rest

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"labledger/api/bind"
	"labledger/db"
	"labledger/internal/pgtest"
)

// headerAuthorizer chooses the check by the header Caller.
type headerAuthorizer map[string]*Check

func (a headerAuthorizer) Authorize(r *http.Request, _ *Info, _ Role) (*Check, error) {
	return a[r.Header.Get("Caller")], nil
}

// TestCanSharePage: only short pages share round trips, and of few statements: clients cannot make a connection prepare
// any number of them.
func TestCanSharePage(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	table := []Route{
		{Method: http.MethodGet, Role: Viewer, Operation: List((*db.Queries).ListSites), Paths: []string{"/api/v1/sites"}},
		{Method: http.MethodGet, Role: Viewer, Operation: One((*db.Queries).GetSite), Paths: []string{"/api/v1/sites/{id}"}},
	}
	endpoint := NewEndpoints(table, bind.Rules{})[0]
	endpoint.server = NewServer(fakeAuthorizer{}, pool, nil, nil)
	for query, want := range map[string]bool{
		"": true, "limit=10": true, "limit=100": true, "limit=10&after=3": true, "limit=10&before=3": true,
		"limit=11": false, "limit=1000": false, "offset=100000": false, "count=exact": false, "format=csv&limit=10": false,
		"sort=-id": false, "name=x": false, "q=x": false, "fields=name": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/sites?"+query, nil)
		r = r.WithContext(WithInfo(r.Context(), &Info{}))
		c := &Call{Endpoint: endpoint, Info: InfoOf(r), Request: r, Header: http.Header{}}
		l := endpoint.Operation.(*list)
		request, err := l.bind(c)
		if err != nil {
			t.Errorf("%q: %v", query, err)
			continue
		}
		if got := request.mediaType == MediaTypeJSON && c.canSharePage(l, request); got != want {
			t.Errorf("%q: %t, want %t", query, got, want)
		}
	}
}

// TestSharedRead_checks: each caller of a shared round trip is checked, also one whose equal request is under way.
func TestSharedRead_checks(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	ada := grantedCheck(t, pool)
	callers := headerAuthorizer{"ada": ada, "eve": deniedCheck(), "ben": sessionCheck(t, pool, "ben")}
	server := NewServer(callers, pool, nil, nil)
	h := withInfo(server.Handler(NewEndpoints([]Route{
		{Method: http.MethodGet, Role: Viewer, Operation: One((*db.Queries).GetSite), Paths: []string{"/api/v1/sites/{id}"}},
		{Method: http.MethodGet, Role: Viewer, Operation: List((*db.Queries).ListSites), Paths: []string{"/api/v1/sites"}},
	}, bind.Rules{})))
	const one, page = "/api/v1/sites/1", "/api/v1/sites?limit=10"
	locker := pgtest.Connect(t, pool.Config().ConnString())
	pgtest.Exec(t, locker, "BEGIN")
	pgtest.Exec(t, locker, "LOCK TABLE site")
	var group sync.WaitGroup
	read := func(caller, path string) *httptest.ResponseRecorder {
		w := new(httptest.ResponseRecorder)
		group.Go(func() { *w = *send(h, http.MethodGet, path, "", "Caller: "+caller) })
		return w
	}
	read("ada", one)
	const blocked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
	for started := 1; ; started++ {
		pgtest.WaitFor(t, "a round trip to begin", func() bool {
			return pgtest.QueryValue[int](t, pool, blocked) == started || server.sharer.Waiting() > 0
		})
		if server.sharer.Waiting() > 0 {
			break // the last one
		}
		read("ada", one)
	}
	pgtest.Exec(t, pool, "DELETE FROM session WHERE id = $1", ada.Caller.SessionID)
	waiting := server.sharer.Waiting()
	want := map[*httptest.ResponseRecorder]int{}
	for _, path := range []string{one, page} {
		want[read("ada", path)] = http.StatusUnauthorized
		want[read("eve", path)] = http.StatusUnauthorized
		want[read("ben", path)] = http.StatusOK
	}
	pgtest.WaitFor(t, "all reads to wait", func() bool { return server.sharer.Waiting() == waiting+6 })
	pgtest.Exec(t, locker, "COMMIT")
	group.Wait()
	for w, status := range want {
		if w.Code != status {
			t.Errorf("status %d, want %d: %s", w.Code, status, w.Body)
		}
	}
}
