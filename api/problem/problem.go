// Package problem holds the error responses of the API: problems (RFC 9457), the errors of single fields, and the
// conversion of database errors. It knows neither requests nor routes.
package problem

import (
	"fmt"
	"net/http"
)

// Problem describes a failed request as application/problem+json (RFC 9457).
type Problem struct {
	// Type of the problem: the path of the page that describes it.
	Type string `json:"type"`
	// Title of the type.
	Title string `json:"title"`
	// HTTP status code.
	Status int `json:"status"`
	// What is wrong with this request, and how to fix it.
	Detail string `json:"detail"`
	// Path of the request.
	Instance string `json:"instance"`
	// ID of the request in the server's log and in the history.
	RequestID string `json:"request_id"`
	// Errors of single fields.
	Errors []FieldError `json:"errors,omitempty"`
	// True if the request has more errors than errors lists.
	Truncated bool `json:"truncated,omitempty"`

	Header http.Header `json:"-"` // additional headers of the response
	kind   *Type
	cause  error // for the log, never for the client
}

// Error implements error. The text includes the cause, so it is for the log only.
func (p *Problem) Error() string {
	if p.cause != nil {
		return fmt.Sprintf("%d %s (%v)", p.Status, p.Detail, p.cause)
	}
	return fmt.Sprintf("%d %s", p.Status, p.Detail)
}

// Cause returns the error behind the problem, for the log; nil for none.
func (p *Problem) Cause() error { return p.cause }

// Kind returns the type of the problem.
func (p *Problem) Kind() *Type { return p.kind }

// New returns a problem of a type with a formatted detail.
func New(kind *Type, format string, args ...any) *Problem {
	return &Problem{
		kind:   kind,
		Type:   kind.Path(),
		Title:  kind.Title,
		Status: kind.Status,
		Detail: fmt.Sprintf(format, args...),
	}
}

// WithHeader adds a header to the response. It returns p.
func (p *Problem) WithHeader(key, value string) *Problem {
	if p.Header == nil {
		p.Header = http.Header{}
	}
	p.Header.Set(key, value)
	return p
}

// WithCause sets the error that the log quotes. It returns p.
func (p *Problem) WithCause(err error) *Problem {
	p.cause = err
	return p
}

// Unavailable returns a 503 of a type that asks the client to retry. cause may be nil.
func Unavailable(kind *Type, detail string, cause error) *Problem {
	return New(kind, "%s", detail).WithHeader("Retry-After", "2").WithCause(cause)
}

// StatusClientClosed is the status in logs and metrics of a request whose client disconnected before the response. HTTP
// has none; nginx uses the same.
const StatusClientClosed = 499

// ClientClosed returns a 499, which no client receives.
func ClientClosed(cause error) *Problem {
	return New(ClientClosedRequest, "The client disconnected before the response.").WithCause(cause)
}

// AuthenticateHeader is the value of WWW-Authenticate in every 401.
const AuthenticateHeader = `Bearer realm="labledger"`

// Unauthorized returns a 401. It is the same for every invalid token, so that it does not reveal why the token is
// invalid.
func Unauthorized() *Problem {
	return New(SignInRequired,
		"A valid access token or API token is required, in a single header: Authorization: Bearer <token>. "+
			"POST /auth/login returns an access token.").
		WithHeader("WWW-Authenticate", AuthenticateHeader)
}

// ReusedKey returns the 422 for an Idempotency-Key of another request.
func ReusedKey() *Problem {
	return New(KeyReused, "This Idempotency-Key was used for a different request. "+
		"Nothing was stored. Use a new key for a new request.")
}

// BusyKey returns the 409 for an Idempotency-Key whose first request has not ended.
func BusyKey() *Problem {
	return New(KeyInFlight,
		"A request with this Idempotency-Key is in progress. Retry in a second to get its response.").
		WithHeader("Retry-After", "1")
}
