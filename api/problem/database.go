package problem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"
)

// This file converts the errors of the database to problems.

// SQLSTATEs that the schema raises. The last three digits are the HTTP status.
const (
	codeUnauthorized = "LL401" // the session or API token has ended
	codeForbidden    = "LL403" // by constraint: caller_role, session_only; others have the owner of the row as detail
	codeConflict     = "LL409" // by constraint: state; otherwise a request with the idempotency key is in progress
	codeStaleVersion = "LL412" // the detail is the current version
	codeKeyReused    = "LL422" // the idempotency key was used for a different request
)

// responses maps SQLSTATEs to types of problems. The first match wins.
// Source: PostgreSQL manual, appendix A.
var responses = []struct {
	matches func(code string) bool
	kind    *Type
	detail  string
}{
	{is(codeStaleVersion), StaleVersion,
		"The row was modified since you read it. Fetch it again and retry with the new version."},
	{inClass(pgerrcode.DataException), ValidationFailed, "The database rejects a value of the request."},
	{is(pgerrcode.NotNullViolation), ValidationFailed, "A required value is missing."},
	{is(pgerrcode.CheckViolation), ValidationFailed, "A value violates a constraint."},
	{is(pgerrcode.ForeignKeyViolation), ValidationFailed, "A referenced row does not exist."},
	{is(pgerrcode.UniqueViolation), Duplicate, "Another row already has this value."},
	{is(pgerrcode.ExclusionViolation), Duplicate, "The row overlaps another row."},
	{is(pgerrcode.RestrictViolation), Conflict, "The change would lose history."},
	{is(pgerrcode.CardinalityViolation), Duplicate, "The request changes one row twice."},
	{inClass(pgerrcode.TransactionRollback), WriteConflict,
		"Concurrent writes to the same rows conflict. Nothing was changed; try again."},
	{is(pgerrcode.LockNotAvailable), WriteConflict,
		"Another request is changing the same row. Nothing was changed; try again."},
	{is(pgerrcode.QueryCanceled), DatabaseTimeout, timeoutDetail},
	{is(pgerrcode.ReadOnlySQLTransaction), DatabaseUnavailable,
		"The database is read-only at the moment. Try again."},
	{inClass(pgerrcode.InsufficientResources), DatabaseUnavailable,
		"The database is out of resources. Try again."},
	{inClass(pgerrcode.OperatorIntervention), DatabaseUnavailable,
		"The database is restarting. Try again."},
	{inClass(pgerrcode.ConnectionException), DatabaseUnavailable,
		"The database is unreachable. Try again."},
}

func is(want string) func(string) bool {
	return func(code string) bool { return code == want }
}

// inClass matches the SQLSTATEs with the same first two characters. The functions of pgerrcode know only the codes of
// the Postgres that they were generated from.
func inClass(of string) func(string) bool {
	return func(code string) bool { return strings.HasPrefix(code, of[:2]) }
}

// lostStatement are the SQLSTATEs that show that a pooler gives the statements of a client different sessions.
var lostStatement = []string{pgerrcode.InvalidSQLStatementName, pgerrcode.DuplicatePreparedStatement}

// Details of problems that have several causes.
const (
	timeoutDetail  = "The database took too long. Request less data, or try again."
	internalDetail = "Internal error. The server log has details under this request ID."
	cascadeHint    = "Delete them first, or repeat with ?cascade=true to delete them as well."
)

// From converts any error to a problem without internal details. method is the method of the request, and fields are
// its names that the problem may refer to.
func From(err error, method string, fields []string) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return fromDatabase(pgErr, method, fields)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return Unavailable(DatabaseTimeout, timeoutDetail, err)
	case errors.Is(err, context.Canceled):
		return Unavailable(ServerUnavailable, "The request was canceled.", err)
	case IsConnectionError(err):
		return Unavailable(DatabaseUnavailable,
			"The database is unreachable. Try again, but check first whether a write was done.", err)
	}
	return New(InternalError, internalDetail).WithCause(err)
}

// IsConnectionError reports whether the connection could not be opened or broke. It does not ask for a net.Error, which
// every error of the operating system is, those of files included.
func IsConnectionError(err error) bool {
	var opErr *net.OpError
	var connectErr *pgconn.ConnectError
	return errors.As(err, &opErr) || errors.As(err, &connectErr) || pgconn.SafeToRetry(err) ||
		errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, puddle.ErrClosedPool)
}

// fromDatabase converts an error that Postgres reports.
func fromDatabase(pgErr *pgconn.PgError, method string, fields []string) *Problem {
	switch {
	case pgErr.Code == codeUnauthorized:
		return Unauthorized()
	case pgErr.Code == codeForbidden && pgErr.ConstraintName == "caller_role":
		return New(InsufficientRole, "Requires role %s; you have %s. An admin can change your role.",
			pgErr.Hint, pgErr.Detail)
	case pgErr.Code == codeForbidden && pgErr.ConstraintName == "session_only":
		return New(SessionRequired, "API tokens are not accepted here. Sign in with username and password.")
	case pgErr.Code == codeForbidden && pgErr.ConstraintName == "owner":
		return New(NotOwner, "Only its owner (%s) and admins may change this row.", Sanitize(pgErr.Detail)).
			WithCause(pgErr)
	case pgErr.Code == codeForbidden:
		return New(NotOwner, "Only its owner (%s), its assignee and admins may change this row.",
			Sanitize(pgErr.Detail)).WithCause(pgErr)
	}
	switch pgErr.Code {
	case codeConflict:
		if pgErr.ConstraintName == "state" {
			return conflictingState(pgErr)
		}
		return BusyKey()
	case codeKeyReused:
		return ReusedKey()
	}
	p := New(InternalError, internalDetail)
	for _, response := range responses {
		if response.matches(pgErr.Code) {
			p = New(response.kind, "%s", response.detail)
			break
		}
	}
	p.cause = pgErr
	if slices.Contains(lostStatement, pgErr.Code) {
		p.cause = fmt.Errorf("%w; behind a connection pooler, add default_query_exec_mode=cache_describe to the URL", pgErr)
	}
	if p.Status == http.StatusServiceUnavailable {
		return p.WithHeader("Retry-After", "2")
	}
	switch pgErr.Code {
	case codeStaleVersion:
		p.Errors = []FieldError{{Field: "version", Message: pgErr.Message}}
		return p.WithHeader("ETag", `"`+pgErr.Detail+`"`)
	case pgerrcode.ForeignKeyViolation:
		if method == http.MethodDelete {
			return stillReferenced(pgErr)
		}
	}
	field := fieldForConstraint(pgErr, fields)
	switch {
	case pgErr.Code == pgerrcode.RestrictViolation && pgErr.ColumnName != "": // the message is a sentence
		p.Detail = pgErr.Message + "."
		if field != "" {
			p.Errors = []FieldError{{Field: field, Message: pgErr.Message}}
		}
	case field != "":
		if message := constraintMessage(pgErr, field); message != "" {
			p.Errors = []FieldError{{Field: field, Message: message}}
			p.Detail = field + ": " + message + "."
		}
	}
	return p
}

// conflictingState returns the problem of a request that contradicts the state of the data. The detail of the error is
// empty, or it is a JSON array of field errors.
func conflictingState(pgErr *pgconn.PgError) *Problem {
	p := New(Conflict, "%s", pgErr.Message).WithCause(pgErr)
	if err := json.Unmarshal([]byte(pgErr.Detail), &p.Errors); err != nil && pgErr.Detail != "" {
		p.WithCause(fmt.Errorf("%w; its detail is no list of errors: %w", pgErr, err))
	}
	return p
}

// stillReferenced returns the problem of a deletion that foreign keys prevent.
func stillReferenced(pgErr *pgconn.PgError) *Problem {
	usedBy := "other rows"
	if pgErr.ConstraintName == "" { // assert_unreferenced counted the rows
		usedBy = pgErr.Detail
	}
	return New(StillReferenced, "The row is still referenced by %s. %s", usedBy, cascadeHint).WithCause(pgErr)
}

// constraintMessage returns what is wrong with a field that violates a constraint, or "".
func constraintMessage(pgErr *pgconn.PgError, field string) string {
	switch {
	case pgErr.Code == pgerrcode.ForeignKeyViolation && slices.Contains([]string{"assignee", "owner", "holder"}, field):
		return "refers to no existing user"
	case pgErr.Code == pgerrcode.ForeignKeyViolation && strings.HasSuffix(field, "_uuid"):
		return "refers to no existing container"
	case pgErr.Code == pgerrcode.ForeignKeyViolation && strings.HasSuffix(field, "_id"):
		return "refers to no existing " + strings.TrimSuffix(field, "_id")
	case pgErr.ConstraintName == "" && pgErr.ColumnName == field: // raised by a function
		return pgErr.Message
	case constraintName(pgErr) == "account_username_key_idx":
		return "looks like the username of another account"
	case pgErr.Code == pgerrcode.UniqueViolation:
		return "is already used by another " + tableName(pgErr)
	case pgErr.Code == pgerrcode.CheckViolation:
		rule := strings.TrimPrefix(constraintName(pgErr), tableName(pgErr)+"_"+field+"_")
		return mustBe(strings.ReplaceAll(rule, "_", " "))
	}
	return ""
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
