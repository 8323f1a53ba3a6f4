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

// Problem describes a failed request as application/problem+json (RFC 9457).
type Problem struct {
	// Kind of problem, a relative reference; "about:blank" if the status says enough.
	Type string `json:"type"`
	// The status in words.
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

	header http.Header // additional headers of the response
	cause  error       // for the log, never for the client
}

// FieldError describes what is wrong with one field of a request.
type FieldError struct {
	// Line of a bulk body, from 1; for a JSON array the position of the element. Absent elsewhere.
	Line int64 `json:"line,omitempty"`
	// Name of the field, parameter or header.
	Field string `json:"field"`
	// What is wrong with it.
	Message string `json:"message"`
}

// Error implements error. The text includes the cause, so it is for the log only.
func (p *Problem) Error() string {
	if p.cause != nil {
		return fmt.Sprintf("%d %s (%v)", p.Status, p.Detail, p.cause)
	}
	return fmt.Sprintf("%d %s", p.Status, p.Detail)
}

func problem(status int, format string, args ...any) *Problem {
	return &Problem{
		Type:   "about:blank",
		Title:  http.StatusText(status),
		Status: status,
		Detail: fmt.Sprintf(format, args...),
	}
}

func (p *Problem) withHeader(key, value string) *Problem {
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Set(key, value)
	return p
}

func (p *Problem) withCause(err error) *Problem {
	p.cause = err
	return p
}

// maxErrorsInDetail is how many errors the detail of a problem quotes. The field errors has all of them.
const maxErrorsInDetail = 10

// badRequest returns a 400 with the errors of a request, or nil without errors.
func badRequest(errs []FieldError) *Problem {
	if len(errs) == 0 {
		return nil
	}
	parts := make([]string, 0, maxErrorsInDetail)
	for i, e := range errs {
		if i == maxErrorsInDetail {
			parts = append(parts, fmt.Sprintf("and %d more (see errors)", len(errs)-i))
			break
		}
		parts = append(parts, e.Field+": "+e.Message)
	}
	sentence := strings.Join(parts, "; ")
	if !strings.HasSuffix(sentence, "?") {
		sentence += "."
	}
	p := problem(http.StatusBadRequest, "%s", sentence)
	p.Errors = errs
	return p
}

// unavailable returns a 503 that asks the client to retry.
func unavailable(detail string, cause error) *Problem {
	return problem(http.StatusServiceUnavailable, "%s", detail).withHeader("Retry-After", "2").withCause(cause)
}

// errNoRow is the error of a query that found no row.
var errNoRow = pgx.ErrNoRows

// sqlStates maps SQLSTATEs to responses. The first matching prefix wins.
// Source: PostgreSQL manual, appendix A.
var sqlStates = []struct {
	prefix string
	status int
	detail string
}{
	{"LL412", http.StatusPreconditionFailed,
		"The row was modified since you read it. Fetch it again and retry with the new version."},
	{"LL403", http.StatusForbidden, "You may only change your own rows."},
	{"22", http.StatusBadRequest, "The database rejects a value of the request."},
	{"23502", http.StatusBadRequest, "A required value is missing."},
	{"23514", http.StatusBadRequest, "A value violates a constraint."},
	{"23503", http.StatusBadRequest, "A referenced row does not exist."},
	{"23505", http.StatusConflict, "Another row already has this value."},
	{"23P01", http.StatusConflict, "The row overlaps another row."},
	{"23001", http.StatusConflict, "The change would lose history."},
	{"21000", http.StatusConflict, "The request changes one row twice."},
	{"40", http.StatusServiceUnavailable,
		"Concurrent writes to the same rows conflict. Nothing was changed; try again."},
	{"55P03", http.StatusServiceUnavailable,
		"Another request is changing the same row. Nothing was changed; try again."},
	{"57014", http.StatusServiceUnavailable, timeoutDetail},
	{"25006", http.StatusServiceUnavailable, "The database is read-only at the moment. Try again."},
	{"53", http.StatusServiceUnavailable, "The database is out of resources. Try again."},
	{"57P", http.StatusServiceUnavailable, "The database is restarting. Try again."},
	{"08", http.StatusServiceUnavailable, "The database is unreachable. Try again."},
}

// Details of problems that have several causes.
const (
	timeoutDetail  = "The database took too long. Request less data, or try again."
	internalDetail = "Internal error. The server log has details under this request ID."
	cascadeHint    = "Delete them first, or repeat with ?cascade=true to delete them as well."
)

// asProblem converts any error to a problem without internal details. fields are the names of the request, which the
// problem refers to.
func asProblem(err error, method string, fields []string) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return databaseProblem(pgErr, method, fields)
	}
	var netErr net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return unavailable(timeoutDetail, err)
	case errors.Is(err, context.Canceled):
		return unavailable("The request was canceled.", err)
	case errors.As(err, &netErr), pgconn.SafeToRetry(err), isConnectError(err), isConnLost(err):
		return unavailable("The database is unreachable. Try again, but check first whether a write was done.", err)
	}
	return problem(http.StatusInternalServerError, internalDetail).withCause(err)
}

func isConnectError(err error) bool {
	var connErr *pgconn.ConnectError
	return errors.As(err, &connErr)
}

// isConnLost reports whether the connection broke during a statement. It compares texts since not all of these errors
// have a type.
func isConnLost(err error) bool {
	text := err.Error()
	return strings.Contains(text, "conn closed") || strings.Contains(text, "unexpected EOF") ||
		strings.Contains(text, "closed pool")
}

func databaseProblem(pgErr *pgconn.PgError, method string, fields []string) *Problem {
	p := problem(http.StatusInternalServerError, internalDetail)
	for _, s := range sqlStates {
		if strings.HasPrefix(pgErr.Code, s.prefix) {
			p = problem(s.status, "%s", s.detail)
			break
		}
	}
	p.withCause(pgErr)
	field := fieldForConstraint(pgErr, fields)
	switch {
	case p.Status == http.StatusServiceUnavailable:
		p.withHeader("Retry-After", "2")
	case pgErr.Code == "LL412":
		p.withHeader("ETag", etag(pgErr.Detail))
		p.Errors = []FieldError{{Field: "version", Message: pgErr.Message}}
	case pgErr.Code == "LL403":
		p.Detail = fmt.Sprintf("Only its owner (%s), its assignee and admins may change this row.", sanitize(pgErr.Detail))
	case pgErr.Code == "23503" && method == http.MethodDelete:
		p.Status, p.Title = http.StatusConflict, http.StatusText(http.StatusConflict)
		usedBy := "other rows"
		if pgErr.ConstraintName == "" { // assert_unreferenced counted the rows
			usedBy = pgErr.Detail
		}
		p.Detail = fmt.Sprintf("The row is still referenced by %s. %s", usedBy, cascadeHint)
	case pgErr.Code == "23503" && field != "":
		p.Errors = []FieldError{{Field: field, Message: "refers to no existing " + strings.TrimSuffix(field, "_id")}}
	case pgErr.Code == "23505" && field != "":
		p.Errors = []FieldError{{Field: field, Message: "is already used by another " + tableName(pgErr)}}
	case pgErr.Code == "23514" && pgErr.ConstraintName == "" && field != "":
		p.Errors = []FieldError{{Field: field, Message: pgErr.Message}}
	case pgErr.Code == "23514" && field != "":
		rule := strings.TrimPrefix(constraintName(pgErr), tableName(pgErr)+"_"+field+"_")
		p.Errors = []FieldError{{Field: field, Message: mustBe(strings.ReplaceAll(rule, "_", " "))}}
	}
	if len(p.Errors) > 0 && pgErr.Code != "LL412" {
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

// fieldForConstraint returns the field of a constraint named <table>_<field>_<rule>; "" if it is none of fields.
func fieldForConstraint(pgErr *pgconn.PgError, fields []string) string {
	if slices.Contains(fields, pgErr.ColumnName) {
		return pgErr.ColumnName
	}
	rest := strings.TrimPrefix(constraintName(pgErr), tableName(pgErr)+"_")
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

// constraintName and tableName return the names without the number that a shard appends.
func constraintName(pgErr *pgconn.PgError) string { return trimShardSuffix(pgErr.ConstraintName) }
func tableName(pgErr *pgconn.PgError) string      { return trimShardSuffix(pgErr.TableName) }

func trimShardSuffix(name string) string {
	i := strings.LastIndexByte(name, '_')
	if i > 0 && len(name)-i > 5 && strings.Trim(name[i+1:], "0123456789") == "" {
		return name[:i]
	}
	return name
}

// writeProblem writes p as the response.
func writeProblem(w http.ResponseWriter, r *http.Request, p *Problem) {
	p.Instance = r.URL.EscapedPath()
	rec := recorderOf(w)
	p.RequestID, rec.problem = rec.id, p
	for key, values := range p.header {
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
