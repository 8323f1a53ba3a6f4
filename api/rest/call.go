package rest

import (
	"context"
	"hash"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"labledger/api/bind"
	"labledger/api/problem"
)

// A Call is one request to an endpoint. Functions get it beside their parameters.
type Call struct {
	*Endpoint
	*Info
	Request *http.Request
	Header  http.Header // of the response
	Status  int         // of the response; 200 unless a function sets another one
	Body    []byte      // of the request; nil for bulk bodies and forms
	DryRun  bool        // do everything, then roll back
	Errors  problem.FieldErrors

	w          http.ResponseWriter
	variables  map[string]string // see pathValues
	received   *receivedBody     // the body, before it is decoded
	flags      url.Values
	check      *Check    // nil if the caller needs none, or if it has run alone
	authorized bool      // the caller may use the route
	denied     bool      // the check has failed
	key        string    // Idempotency-Key
	message    string    // X-Change-Message
	bodyHash   hash.Hash // of the request with its body, unless that is c.Body
	saved      []byte    // the response that is stored for the key
}

// maxBody is the maximum size of a body with one object, in bytes.
const maxBody = 1 << 20

// ServeHTTP serves one request.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &Call{Endpoint: e, Info: InfoOf(r), Request: r, Header: w.Header(), Status: http.StatusOK, w: w}
	if err := c.serve(); err != nil {
		WriteProblem(w, r, problem.From(err, e.Method, e.Plan.BodyNames()))
	}
}

func (c *Call) serve() (err error) {
	c.check, err = c.server.authorizer.Authorize(c.Request, c.Info, c.Role)
	if err != nil {
		return err
	}
	c.authorized = c.check == nil
	if c.Method != http.MethodGet {
		c.bindWriteHeaders()
	}
	if err = c.decodeBody(); err == nil {
		err = c.Operation.serve(c)
	}
	if err != nil && !c.authorized && !c.denied {
		// A caller without permission must not learn what is wrong with the request.
		if denied := c.authorize(c.Request.Context()); denied != nil {
			return denied
		}
	}
	if IsRepeated(err) {
		return c.replay()
	}
	return err
}

// authorize runs the check of the caller, if there is one, in a round trip of its own.
func (c *Call) authorize(ctx context.Context) error {
	if c.check == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, StatementTimeout)
	defer cancel()
	caller, err := c.check.Run(ctx, c.server.queries, nil)
	if err != nil {
		c.denied = true
		return err
	}
	c.Info.Caller, c.check, c.authorized = caller, nil, true
	return nil
}

// knownCaller returns what is known of the caller so far.
func (c *Call) knownCaller() *Caller {
	if c.check != nil && !c.authorized {
		return &c.check.Caller
	}
	return &c.Info.Caller
}

// bindCaller binds the parameters that describe the caller. It first runs the check if only that can tell.
func (c *Call) bindCaller(params any) error {
	if c.Plan.NeedsRole() || c.Plan.NeedsAccount() && c.knownCaller().AccountID == NoAccount {
		if err := c.authorize(c.Request.Context()); err != nil {
			return err
		}
	}
	caller := c.knownCaller()
	c.Plan.Caller(params, bind.Caller{ID: caller.AccountID, Session: caller.SessionID, Role: caller.Role.String()})
	return nil
}

// bindURL binds the path and the query string.
func (c *Call) bindURL(params any) {
	c.Plan.Path(params, c.pathValues(), &c.Errors)
	c.flags = c.Plan.Query(params, c.Request.URL.RawQuery, &c.Errors)
	c.DryRun = c.Flag("dry_run")
}

// pathValues returns the values of the path's variables.
func (c *Call) pathValues() map[string]string {
	if c.variables == nil {
		c.variables = PathValues(c.Request)
	}
	return c.variables
}

// bindWrite binds all parts of a write with one JSON object.
func (c *Call) bindWrite(params any) error {
	c.bindURL(params)
	if _, err := Negotiate(c.Request, MediaTypeJSON); err != nil {
		return err
	}
	if err := c.readBody(params); err != nil {
		return err
	}
	c.Plan.Preconditions(params, c.Request.Header, &c.Errors)
	return nil
}

// readBody reads and binds the JSON body of a write. The body may be empty for a DELETE and for a call whose only body
// fields are those of the path.
func (c *Call) readBody(params any) error {
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.Request.Body, maxBody))
	if err != nil {
		return BodyProblem(err, maxBody)
	}
	if len(body) == 0 && (c.Method == http.MethodDelete || !c.Plan.HasBody()) {
		return nil
	}
	accepted := []string{MediaTypeJSON}
	switch {
	case c.Rows != nil:
		accepted = rowMediaTypes
	case c.Method == http.MethodPatch:
		accepted = append(accepted, MediaTypeMergePatch) // the same as JSON, since bodies are flat
	}
	if err := checkContentType(c.Request, accepted...); err != nil {
		return err
	}
	names, err := c.Plan.Body(params, body, &c.Errors)
	if err != nil {
		if len(c.Errors) == 0 {
			return err
		}
		return problem.BadRequest(append(c.Errors, problem.From(err, c.Method, nil).Errors...)...)
	}
	c.Body = body
	return c.setKeys(c.Request.Context(), params, names)
}

// checkContentType rejects a body whose Content-Type is not one of accepted. A request without Content-Type passes.
func checkContentType(r *http.Request, accepted ...string) error {
	header := r.Header.Get("Content-Type")
	mediaType, params, err := mime.ParseMediaType(header)
	charset := params["charset"]
	for _, acceptable := range accepted {
		if header == "" ||
			err == nil && mediaType == acceptable && (charset == "" || strings.EqualFold(charset, "utf-8")) {
			return nil
		}
	}
	p := problem.New(problem.UnsupportedMediaType, "Content-Type %q is not supported; send %s in UTF-8.",
		problem.Sanitize(header), problem.JoinOr(accepted)).WithHeader("Accept", strings.Join(accepted, ", "))
	if r.Method == http.MethodPatch {
		p.WithHeader("Accept-Patch", strings.Join(accepted, ", "))
	}
	return p
}

// NotFound returns a 404 that names the row of the path.
func (c *Call) NotFound() *problem.Problem {
	return problem.New(problem.NotFound, "There is no %s.", c.rowName())
}

// rowName returns what problems call the row of the path, such as site 1.
func (c *Call) rowName() string {
	name := c.resource
	for _, variable := range c.Plan.PathNames() {
		name = c.resource + " " + problem.Sanitize(c.pathValues()[variable])
	}
	return name
}

// ExtendDeadlines gives the client chunkTimeout more to send or to accept the next part of a long transfer.
func (c *Call) ExtendDeadlines() { ExtendDeadlines(c.w) }

// ExtendWriteDeadline is ExtendDeadlines for a request that has been received. A read deadline would cancel it.
func (c *Call) ExtendWriteDeadline() { extendWriteDeadline(http.NewResponseController(c.w)) }

// ExtendDeadlines is Call.ExtendDeadlines for an ordinary handler.
func ExtendDeadlines(w http.ResponseWriter) {
	control := http.NewResponseController(w)
	// Not every ResponseWriter supports deadlines, and then none are needed.
	_ = control.SetReadDeadline(time.Now().Add(chunkTimeout))
	extendWriteDeadline(control)
}

func extendWriteDeadline(control *http.ResponseController) {
	_ = control.SetWriteDeadline(time.Now().Add(2 * chunkTimeout)) // see ExtendDeadlines
}

// removeDeadlines lets the response take any time, and lets no read deadline cancel the request until then.
func (c *Call) removeDeadlines() {
	_ = http.NewResponseController(c.w).SetReadDeadline(time.Time{}) // see ExtendDeadlines
	c.RemoveWriteDeadline()
}

// RemoveWriteDeadline lets the response take any time.
func (c *Call) RemoveWriteDeadline() {
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Time{}) // see ExtendDeadlines
}

// Flag reports whether a flag of the query string is true.
func (c *Call) Flag(name string) bool { return c.flags.Get(name) == "true" }

// accept returns the header Accept.
func (c *Call) accept() string { return strings.Join(c.Request.Header.Values("Accept"), ",") }
