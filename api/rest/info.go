package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"labledger/api/problem"
	"labledger/db"
)

// Info is what is known about a request. The middleware puts it into the context, and the packages that handle the
// request complete it.
type Info struct {
	ID       string           // X-Request-Id
	Route    string           // path template; "" without a route
	Caller   Caller           // anonymous until the caller is authorized
	Secure   bool             // the browser uses HTTPS
	BasePath string           // see StripBasePath
	Problem  *problem.Problem // the response, if it is an error
}

type infoKey struct{}

// WithInfo returns a context that contains info.
func WithInfo(ctx context.Context, info *Info) context.Context {
	return context.WithValue(ctx, infoKey{}, info)
}

// InfoOf returns the Info of a request. It panics if the middleware has not set one.
func InfoOf(r *http.Request) *Info { return r.Context().Value(infoKey{}).(*Info) }

// A Role is held by a caller or required by a route. Each of Viewer, Operator and Admin includes the roles before it.
type Role int

// The roles.
const (
	Public      Role = iota // required by routes without authentication; held by callers who must sign in
	Viewer                  // reads everything, writes own todos and views
	Operator                // also writes the register, events and alerts
	Admin                   // everything
	SessionOnly             // required by routes that need a session of any role; API tokens are rejected
)

var roleNames = []string{"public", "viewer", "operator", "admin", "session"}

func (r Role) String() string { return roleNames[r] }

// ParseRole returns the role of an account from its name in the database. It returns Public for any other name.
func ParseRole(text string) Role {
	for r := Viewer; r <= Admin; r++ {
		if roleNames[r] == text {
			return r
		}
	}
	return Public
}

// A Caller is the user, API token or anonymous identity that a request acts as.
type Caller struct {
	Username   string
	Role       Role
	AccountID  int64     // NoAccount if anonymous
	SessionID  uuid.UUID // uuid.Nil without a session
	TokenID    int64     // ID of the API token, or 0
	Expires    time.Time // expiry of the access token, or zero
	FromCookie bool      // the access token came in a cookie
}

// NoAccount is the account ID of anonymous callers.
const NoAccount = -1

// An Authorizer identifies callers and decides what they may do.
type Authorizer interface {
	// Authorize decides by the headers of a request whether its caller may use a route that requires a role. It sets
	// Secure and Caller of info. It returns what remains to be asked of the database, or nil.
	Authorize(r *http.Request, info *Info, required Role) (*Check, error)
}

// A Check asks the database whether a session or an API token is valid and its role suffices. It travels with the
// statement of the request in one round trip, or alone before it.
type Check struct {
	Caller Caller // what is known before: AccountID and SessionID, unless the caller uses an API token
	// Run calls one query, which raises an error if the caller is not authorized. With a request ID it also sets what
	// the database records with a write: the actor, the role and the request ID.
	Run func(ctx context.Context, q *db.Queries, requestID *string) (Caller, error)
}

// WriteProblem writes p as the response to r.
func WriteProblem(w http.ResponseWriter, r *http.Request, p *problem.Problem) {
	info := InfoOf(r)
	// The request of a client that has disconnected did not fail. Its context tells, because the errors that the
	// disconnection causes vary.
	if p.Status == http.StatusServiceUnavailable && errors.Is(r.Context().Err(), context.Canceled) {
		p = problem.ClientClosed(p.Cause())
	}
	p.Type, p.Instance = info.URL(p.Kind().Path()), info.URL(r.URL.EscapedPath())
	p.RequestID, info.Problem = info.ID, p
	for key, values := range p.Header {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	body, err := json.Marshal(p)
	if err != nil {
		panic(fmt.Errorf("encode problem: %w", err))
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // fails only if the client is gone
}
