package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Problem is the body of every answer that is not a success: RFC 9457, application/problem+json.
type Problem struct {
	// Kind of problem, a relative reference; "about:blank" when the status says it all.
	Type string `json:"type"`
	// The status in words.
	Title string `json:"title"`
	// HTTP status code.
	Status int `json:"status"`
	// What was wrong with this request, and what to do.
	Detail string `json:"detail"`
	// Path of the request.
	Instance string `json:"instance"`
	// Finds this request in the server's log and in the history.
	RequestID string `json:"request_id"`
	// Everything that is wrong, field by field.
	Errors []FieldError `json:"errors,omitempty"`

	header http.Header // further headers of the answer
	cause  error       // for the log, never for the client
}

// FieldError says what is wrong with one field of a request.
type FieldError struct {
	// Line of a bulk body, from 1; for a JSON array the number of its element. 0 elsewhere.
	Line int64 `json:"line,omitempty"`
	// Name of the field, parameter or header.
	Field string `json:"field"`
	// What is wrong with it.
	Message string `json:"message"`
}

func (p *Problem) Error() string {
	if p.cause != nil {
		return fmt.Sprintf("%d %s (%v)", p.Status, p.Detail, p.cause)
	}
	return fmt.Sprintf("%d %s", p.Status, p.Detail)
}

func problem(status int, format string, args ...any) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

func (p *Problem) with(key, value string) *Problem {
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Set(key, value)
	return p
}

func (p *Problem) because(err error) *Problem {
	p.cause = err
	return p
}

// maxInDetail is how many faults the one sentence of a problem names; errors has them all.
const maxInDetail = 10

// refusal is a 400 that lists everything that is wrong with a request; nil when nothing is.
func refusal(faults []FieldError) *Problem {
	if len(faults) == 0 {
		return nil
	}
	parts := make([]string, 0, maxInDetail)
	for i, f := range faults {
		if i == maxInDetail {
			parts = append(parts, fmt.Sprintf("and %d more under errors", len(faults)-i))
			break
		}
		parts = append(parts, f.Field+": "+f.Message)
	}
	sentence := strings.Join(parts, "; ")
	if !strings.HasSuffix(sentence, "?") {
		sentence += "."
	}
	p := problem(http.StatusBadRequest, "%s", sentence)
	p.Errors = faults
	return p
}

func unavailable(detail string, cause error) *Problem {
	return problem(http.StatusServiceUnavailable, "%s", detail).with("Retry-After", "2").because(cause)
}

// errNoRow is what a query that should answer one row answers when there is none.
var errNoRow = pgx.ErrNoRows

// sqlStates maps the database's errors to answers. The longest prefix that matches counts.
// Source: PostgreSQL manual, appendix A.
var sqlStates = []struct {
	prefix string
	status int
	detail string
}{
	{"LL412", http.StatusPreconditionFailed, "Somebody has changed this row since you read it. Read it again, then repeat your change with its new version."},
	{"LL403", http.StatusForbidden, "It is somebody else's."},
	{"22", http.StatusBadRequest, "The database cannot take one of the values."},
	{"23502", http.StatusBadRequest, "A value is missing."},
	{"23514", http.StatusBadRequest, "A value is refused."},
	{"23503", http.StatusBadRequest, "A row that this one refers to does not exist."},
	{"23505", http.StatusConflict, "Another row has this value already."},
	{"23P01", http.StatusConflict, "Another row overlaps with this one."},
	{"23001", http.StatusConflict, "The database refuses it, since it would lose history."},
	{"21000", http.StatusConflict, "The request touches one row twice."},
	{"40", http.StatusServiceUnavailable, "Too many others write the same rows right now. Nothing was changed; try again."},
	{"55P03", http.StatusServiceUnavailable, "Somebody else is changing the same row right now. Nothing was changed; try again."},
	{"57014", http.StatusServiceUnavailable, "The database took too long. Ask for less at once, or try again."},
	{"25006", http.StatusServiceUnavailable, "The database takes no writes right now. Try again."},
	{"53", http.StatusServiceUnavailable, "The database is short of resources. Try again."},
	{"57P", http.StatusServiceUnavailable, "The database is restarting. Try again."},
	{"08", http.StatusServiceUnavailable, "The database cannot be reached. Try again."},
}

// asProblem turns any error into what the client may know of it. fields are the request's own names, to point at the one to blame.
func asProblem(err error, method string, fields []string) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return databaseProblem(pg, method, fields)
	}
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return unavailable("The database took too long. Ask for less at once, or try again.", err)
	case errors.Is(err, context.Canceled):
		return unavailable("The request was given up before it was done.", err)
	case errors.As(err, &network), pgconn.SafeToRetry(err), isConnect(err), isLost(err):
		return unavailable("The database cannot be reached. Try again; if this was a write, look first whether it was done.", err)
	}
	return problem(http.StatusInternalServerError, "Something went wrong here, not with your request. The log tells more under the request id.").because(err)
}

func isConnect(err error) bool {
	var connect *pgconn.ConnectError
	return errors.As(err, &connect)
}

// isLost tells a connection that broke under a statement; pgx has no type for it.
func isLost(err error) bool {
	text := err.Error()
	return strings.Contains(text, "conn closed") || strings.Contains(text, "unexpected EOF") || strings.Contains(text, "closed pool")
}

func databaseProblem(pg *pgconn.PgError, method string, fields []string) *Problem {
	p := problem(http.StatusInternalServerError, "Something went wrong here, not with your request. The log tells more under the request id.")
	for _, s := range sqlStates {
		if strings.HasPrefix(pg.Code, s.prefix) {
			p = problem(s.status, "%s", s.detail)
			break
		}
	}
	p.because(pg)
	field := blamed(pg, fields)
	switch {
	case p.Status == http.StatusServiceUnavailable:
		p.with("Retry-After", "2")
	case pg.Code == "LL412":
		p.with("ETag", etag(pg.Detail))
		p.Errors = []FieldError{{Field: "version", Message: pg.Message}}
	case pg.Code == "LL403":
		p.Detail = fmt.Sprintf("It is %s's. Only its owner, its assignee and admins may change it.", printable(pg.Detail))
	case pg.Code == "23503" && method == http.MethodDelete:
		p.Status, p.Title = http.StatusConflict, http.StatusText(http.StatusConflict)
		p.Detail = "It is still in use by other rows. Delete those first, or repeat with ?cascade=true to delete them too."
		if pg.ConstraintName == "" { // assert_unreferenced() counted them
			p.Detail = fmt.Sprintf("It is still in use by %s. Delete those first, or repeat with ?cascade=true to delete them too.", pg.Detail)
		}
	case pg.Code == "23503" && field != "":
		p.Errors = []FieldError{{Field: field, Message: "there is no such " + strings.TrimSuffix(field, "_id")}}
	case pg.Code == "23505" && field != "":
		p.Errors = []FieldError{{Field: field, Message: "is taken: another " + tableName(pg) + " has it"}}
	case pg.Code == "23514" && pg.ConstraintName == "" && field != "":
		p.Errors = []FieldError{{Field: field, Message: pg.Message}}
	case pg.Code == "23514" && field != "":
		rule := strings.TrimPrefix(constraint(pg), tableName(pg)+"_"+field+"_")
		p.Errors = []FieldError{{Field: field, Message: mustBe(strings.ReplaceAll(rule, "_", " "))}}
	}
	if len(p.Errors) > 0 && pg.Code != "LL412" {
		p.Detail = p.Errors[0].Field + ": " + p.Errors[0].Message + "."
	}
	return p
}

// mustBe turns the rule of a constraint name into a message: "not blank" becomes "must not be blank".
func mustBe(rule string) string {
	if rest, ok := strings.CutPrefix(rule, "not "); ok {
		return "must not be " + rest
	}
	return "must be " + rule
}

// blamed is the field that a constraint named <table>_<field>_<rule> speaks of; "" when none of fields.
func blamed(pg *pgconn.PgError, fields []string) string {
	if slices.Contains(fields, pg.ColumnName) {
		return pg.ColumnName
	}
	rest := strings.TrimPrefix(constraint(pg), tableName(pg)+"_")
	if rest == "pkey" && slices.Contains(fields, "id") {
		return "id"
	}
	best := ""
	for _, f := range fields {
		if strings.HasPrefix(rest, f+"_") && len(f) > len(best) {
			best = f
		}
	}
	return best
}

// constraint and tableName are the names without the number that a shard appends.
func constraint(pg *pgconn.PgError) string { return withoutShard(pg.ConstraintName) }
func tableName(pg *pgconn.PgError) string  { return withoutShard(pg.TableName) }

func withoutShard(name string) string {
	i := strings.LastIndexByte(name, '_')
	if i > 0 && len(name)-i > 5 && strings.Trim(name[i+1:], "0123456789") == "" {
		return name[:i]
	}
	return name
}

// writeProblem answers with p and nothing else.
func writeProblem(w http.ResponseWriter, r *http.Request, p *Problem) {
	p.Instance = r.URL.EscapedPath()
	x := exchangeOf(w)
	p.RequestID, x.problem = x.id, p
	for key, values := range p.header {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	body, err := json.Marshal(p)
	if err != nil {
		panic(fmt.Errorf("a problem cannot be encoded: %w", err))
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // nobody is left to tell
}
