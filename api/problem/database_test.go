package problem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"
)

// secret stands in the tests for what a client must not read: the message of an unknown error or of Postgres.
const secret = "relation pg_shadow"

// TestFrom_databaseStatus: each class of SQLSTATEs has its status, and no response quotes Postgres.
func TestFrom_databaseStatus(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int{
		"22003": 400, "22P02": 400, "22P07": 400, "23502": 400, "23514": 400, "23503": 400,
		"23505": 409, "23P01": 409, "23001": 409, "21000": 409,
		"LL401": 401, "LL403": 403, "LL412": 412,
		"40001": 503, "40P01": 503, "55P03": 503, "57014": 503, "25006": 503, "53300": 503, "57P01": 503, "57P05": 503,
		"08006": 503,
		"42703": 500, "XX000": 500, "42501": 500,
	} {
		pgErr := &pgconn.PgError{Code: code, Message: secret, Where: secret, TableName: "site"}
		p := From(fmt.Errorf("query: %w", pgErr), http.MethodPost, []string{"name"})
		if p.Status != want {
			t.Errorf("%s: status %d, want %d", code, p.Status, want)
		}
		if strings.Contains(p.Detail, secret) {
			t.Errorf("%s: the detail quotes Postgres: %s", code, p.Detail)
		}
		if got := p.Header.Get("Retry-After") != ""; got != (want == 503) {
			t.Errorf("%s: Retry-After %v with status %d", code, p.Header, p.Status)
		}
		if want != 401 && want != 403 && p.Cause() == nil {
			t.Errorf("%s: the log does not get the cause", code)
		}
	}
}

// TestFrom_lostStatement: if a pooler loses prepared statements, the log names the remedy.
func TestFrom_lostStatement(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{"26000": true, "42P05": true, "42703": false} {
		p := From(&pgconn.PgError{Code: code}, http.MethodGet, nil)
		if got := strings.Contains(p.Cause().Error(), "default_query_exec_mode=cache_describe"); got != want {
			t.Errorf("%s: the cause is %v; names the remedy: %t, want %t", code, p.Cause(), got, want)
		}
	}
}

// TestFrom_otherErrors: connection errors and timeouts are 503, unknown errors 500. None is quoted to the client.
func TestFrom_otherErrors(t *testing.T) {
	t.Parallel()
	for want, causes := range map[int][]error{
		http.StatusServiceUnavailable: {
			context.DeadlineExceeded, context.Canceled, &net.OpError{Op: "dial", Err: errors.New(secret)},
			io.ErrUnexpectedEOF, puddle.ErrClosedPool, pgconn.ErrConnClosed,
		},
		http.StatusInternalServerError: {
			errors.New(secret), &fs.PathError{Op: "open", Path: secret, Err: syscall.ENOTDIR},
		},
	} {
		for _, cause := range causes {
			p := From(fmt.Errorf("query: %w", cause), http.MethodGet, nil)
			if p.Status != want || strings.Contains(p.Detail, secret) || !errors.Is(p.Cause(), cause) {
				t.Errorf("%v: got %v, want status %d", cause, p, want)
			}
		}
	}
	known := New(NotFound, "known")
	if got := From(fmt.Errorf("wrapped: %w", known), http.MethodGet, nil); got != known {
		t.Errorf("a problem became %v", got)
	}
}

// TestFrom_constraints: the name of a constraint, <table>_<field>_<rule>, says which field is wrong and why.
func TestFrom_constraints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pgErr pgconn.PgError
		want  string // field and message, or ""
	}{
		{pgconn.PgError{Code: "23514", TableName: "site", ConstraintName: "site_name_not_blank"},
			"name must not be blank"},
		{pgconn.PgError{Code: "23514", TableName: "site", ConstraintName: "site_site_id_at_least_1"},
			"site_id must be at least 1"},
		{pgconn.PgError{Code: "23514", TableName: "event_102046", ConstraintName: "event_name_not_blank_102046"},
			"name must not be blank"},
		{pgconn.PgError{Code: "23503", TableName: "freezer", ConstraintName: "freezer_site_id_fkey"},
			"site_id refers to no existing site"},
		{pgconn.PgError{Code: "23505", TableName: "computer", ConstraintName: "computer_name_key"},
			"name is already used by another computer"},
		{pgconn.PgError{Code: "23505", TableName: "site", ConstraintName: "site_pkey"},
			"id is already used by another site"},
		{pgconn.PgError{Code: "23514", ColumnName: "name", Message: "must be shorter"}, "name must be shorter"},
		{pgconn.PgError{Code: "23514", TableName: "site", ConstraintName: "site_secret_not_blank"}, ""},
		{pgconn.PgError{Code: "23505"}, ""},
	} {
		p := From(&c.pgErr, http.MethodPut, []string{"id", "name", "site", "site_id"})
		got := ""
		if len(p.Errors) == 1 {
			got = p.Errors[0].Field + " " + p.Errors[0].Message
		}
		if got != c.want || len(p.Errors) > 1 {
			t.Errorf("%s: got %v, want %q", c.pgErr.ConstraintName, p.Errors, c.want)
		}
		if c.want != "" && p.Detail != strings.Replace(c.want, " ", ": ", 1)+"." {
			t.Errorf("%s: detail %q", c.pgErr.ConstraintName, p.Detail)
		}
	}
}

// TestFrom_raisedErrors: what the schema raises has details of its own.
func TestFrom_raisedErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		pgErr  pgconn.PgError
		method string
		detail string
		header string // "Name: value"
	}{
		{"insufficient role", pgconn.PgError{Code: "LL403", ConstraintName: "caller_role", Detail: "viewer", Hint: "admin"},
			"PUT", "Requires role admin; you have viewer. An admin can change your role.", ""},
		{"API token", pgconn.PgError{Code: "LL403", ConstraintName: "session_only"},
			"PUT", "API tokens are not accepted here. Sign in with username and password.", ""},
		{"row of another user", pgconn.PgError{Code: "LL403", Detail: "ada"},
			"PUT", "Only its owner (ada), its assignee and admins may change this row.", ""},
		{"view of another user", pgconn.PgError{Code: "LL403", ConstraintName: "owner", Detail: "ada"},
			"PUT", "Only its owner (ada) and admins may change this row.", ""},
		{"stale version", pgconn.PgError{Code: "LL412", Detail: "7", Message: "is 3, but the row is at 7"},
			"PUT", "The row was modified since you read it. Fetch it again and retry with the new version.", `Etag: "7"`},
		{"ended session", pgconn.PgError{Code: "LL401"},
			"GET", Unauthorized().Detail, "Www-Authenticate: " + AuthenticateHeader},
		{"key in flight", pgconn.PgError{Code: "LL409"},
			"POST", BusyKey().Detail, "Retry-After: 1"},
		{"conflict with the state", pgconn.PgError{Code: "LL409", ConstraintName: "state", Message: "It was closed."},
			"POST", "It was closed.", ""},
		{"counted references", pgconn.PgError{Code: "23503", Detail: "2 freezers"},
			"DELETE", "The row is still referenced by 2 freezers. " + cascadeHint, ""},
		{"other references", pgconn.PgError{Code: "23503", Detail: secret, ConstraintName: "freezer_site_id_fkey"},
			"DELETE", "The row is still referenced by other rows. " + cascadeHint, ""},
	} {
		p := From(&c.pgErr, c.method, []string{"site_id"})
		var header []string
		for name, values := range p.Header {
			header = append(header, name+": "+values[0])
		}
		if p.Detail != c.detail || strings.Join(slices.Sorted(slices.Values(header)), "\n") != c.header {
			t.Errorf("%s: got %q with the headers %q", c.name, p.Detail, header)
		}
	}
}

// TestFrom_conflicts: a conflict lists what its detail lists. A detail that is no list is for the log only.
func TestFrom_conflicts(t *testing.T) {
	t.Parallel()
	for detail, want := range map[string][]FieldError{
		"": nil,
		`[{"field": "scans", "message": "A1 is taken"}, {"field": "scans", "message": "A2 is taken"}]`: {
			{Field: "scans", Message: "A1 is taken"}, {Field: "scans", Message: "A2 is taken"},
		},
		secret: nil,
	} {
		p := From(&pgconn.PgError{Code: "LL409", ConstraintName: "state", Message: "No.", Detail: detail}, "POST", nil)
		if p.Kind() != Conflict || !slices.Equal(p.Errors, want) {
			t.Errorf("%q: a problem of type %s with %v, want %v", detail, p.Type, p.Errors, want)
		}
	}
}
