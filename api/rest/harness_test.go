package rest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/bind"
	"labledger/db"
	"labledger/internal/pgtest"
)

// A fakeAuthorizer returns a fixed check, or none: then every caller is an admin.
type fakeAuthorizer struct{ check *Check }

func (a fakeAuthorizer) Authorize(_ *http.Request, info *Info, _ Role) (*Check, error) {
	if a.check == nil {
		info.Caller = Caller{Username: "tester", Role: Admin, AccountID: NoAccount}
	}
	return a.check, nil
}

// deniedCheck is the check of a session that does not exist.
func deniedCheck() *Check {
	session := uuid.New()
	return &Check{
		Caller: Caller{AccountID: 1, SessionID: session},
		Run: func(ctx context.Context, q *db.Queries, requestID *string) (Caller, error) {
			_, err := q.AuthorizeSession(ctx, db.AuthorizeSessionParams{
				SessionID: session, AccountID: 1, RequiredRole: Viewer.String(), RequestID: requestID,
			})
			return Caller{}, err
		},
	}
}

// grantedCheck returns the check of a new session of an admin.
func grantedCheck(t *testing.T, pool *pgxpool.Pool) *Check {
	t.Helper()
	return sessionCheck(t, pool, "ada")
}

// sessionCheck returns the check of a session of a new admin.
func sessionCheck(t *testing.T, pool *pgxpool.Pool, username string) *Check {
	t.Helper()
	account := pgtest.QueryValue[int64](t, pool,
		"INSERT INTO account (username, role) VALUES ($1, 'admin') RETURNING id", username)
	session := pgtest.QueryValue[uuid.UUID](t, pool,
		"INSERT INTO session (account_id, expires_at) VALUES ($1, now() + interval '1 day') RETURNING id", account)
	known := Caller{AccountID: account, SessionID: session}
	return &Check{
		Caller: known,
		Run: func(ctx context.Context, q *db.Queries, requestID *string) (Caller, error) {
			row, err := q.AuthorizeSession(ctx, db.AuthorizeSessionParams{
				SessionID: session, AccountID: account, RequiredRole: Viewer.String(), RequestID: requestID,
			})
			caller := known
			caller.Username, caller.Role = row.Username, ParseRole(row.Role)
			return caller, err
		},
	}
}

// newTestHandler serves a table of routes on the database of pool. check may be nil.
func newTestHandler(pool *pgxpool.Pool, check *Check, table ...Route) http.Handler {
	server := NewServer(fakeAuthorizer{check}, pool, nil, nil)
	return withInfo(server.Handler(NewEndpoints(table, bind.Rules{})))
}

// withInfo returns a handler that does what the adapter needs of the middleware.
func withInfo(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(WithInfo(r.Context(), &Info{ID: "test"})))
	})
}

// send sends a request with a JSON body, or without a body if it is empty.
// Header lines have the form "Name: value".
func send(h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// sendContext sends a request without a body, whose client disconnects when ctx is done.
func sendContext(ctx context.Context, h http.Handler, method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, method, target, nil))
	return w
}

// panicOf returns the value with which f panics, or nil.
func panicOf(f func()) (recovered any) {
	defer func() { recovered = recover() }()
	f()
	return nil
}

// echo is a function whose result is its parameters.
func echo[In any](_ context.Context, c *Call, in In) (In, error) { return in, c.Errors.Err() }
