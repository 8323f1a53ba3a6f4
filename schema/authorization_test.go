package schema_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
)

// This file tests authorize_session and authorize_token as the server's role.

// sessionOf returns the ID of the session of an account, as SQL.
func sessionOf(account int) string { return fmt.Sprintf("'00000000-0000-4000-8000-%012d'", account) }

// hashOf returns the hash of a user's API token with a role, as SQL.
func hashOf(username, role string) string { return fmt.Sprintf("sha256('%s %s')", username, role) }

// insertCredentials inserts the accounts 1 to 4 with a session each and API tokens of all roles.
func insertCredentials(t *testing.T, owner *pgxpool.Pool) {
	t.Helper()
	mustExec(t, owner, "DELETE FROM account")
	for i, username := range []string{"vera", "oscar", "root", "disabled"} {
		role := []string{"viewer", "operator", "admin", "admin"}[i]
		id := i + 1
		mustExec(t, owner, `INSERT INTO account (id, username, role) VALUES ($1, $2, $3)`, id, username, role)
		mustExec(t, owner, `INSERT INTO credential (account_id, password_hash) VALUES ($1, '$argon2id$')`, id)
		mustExec(t, owner, `INSERT INTO session (id, account_id, expires_at)
			VALUES ($1::text::uuid, $2, now() + interval '1 day')`, strings.Trim(sessionOf(id), "'"), id)
		mustExec(t, owner, `INSERT INTO api_token (account_id, name, prefix, hash, role, expires_at)
			SELECT $1, 'n', 'llk_', sha256(convert_to($2 || ' ' || role, 'UTF8')), role, now() + interval '1 day'
			FROM unnest(ARRAY['viewer', 'operator', 'admin']) AS role`, id, username)
	}
	// Disabling the account has revoked these. Without that, the account alone must decide.
	mustExec(t, owner, "UPDATE account SET disabled = true WHERE id = 4")
	mustExec(t, owner, "UPDATE session SET revoked_at = NULL")
	mustExec(t, owner, "UPDATE api_token SET revoked_at = NULL")
}

// outcome runs a query with one text value in a transaction of the server's role that is rolled back. before, if not
// empty, runs first, with the rights of the owner. It returns the value, or else SQLSTATE, constraint, column, detail
// and hint.
func outcome(t *testing.T, owner *pgxpool.Pool, before, query string) string {
	t.Helper()
	tx, err := owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }() // the pool discards a connection on which this fails
	if before != "" {
		mustExec(t, tx, before)
	}
	mustExec(t, tx, "SET LOCAL ROLE labledger_server")
	var value string
	var pgErr *pgconn.PgError
	err = tx.QueryRow(t.Context(), query, pgx.QueryExecModeSimpleProtocol).Scan(&value)
	if errors.As(err, &pgErr) {
		fields := []string{pgErr.Code, pgErr.ConstraintName, pgErr.ColumnName, pgErr.Detail, pgErr.Hint}
		return strings.Join(strings.Fields(strings.Join(fields, " ")), " ")
	}
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

// callAuthorizeSession returns a query that calls authorize_session.
func callAuthorizeSession(session, account, required, requestID string) string {
	return fmt.Sprintf("SELECT concat_ws(' ', username, role) FROM authorize_session(%s, %s, %s, %s)",
		session, account, required, requestID)
}

// callAuthorizeToken returns a query that calls authorize_token.
func callAuthorizeToken(hash, required, requestID string) string {
	return fmt.Sprintf(`SELECT concat_ws(' ', account_id, username, role, token_id = (
			SELECT id FROM api_token WHERE api_token.hash = %[1]s
		)) FROM authorize_token(%[1]s, %[2]s, %[3]s)`, hash, required, requestID)
}

// Outcomes of the functions.
const (
	ended  = "LL401"
	noRole = "22004" // a bug of the caller, but the statement after it is skipped as well
)

func TestAuthorizeSession(t *testing.T) {
	t.Parallel()
	owner := pgtest.Pool(t)
	insertCredentials(t, owner)
	vera, oscar, root, disabled := sessionOf(1), sessionOf(2), sessionOf(3), sessionOf(4)
	for _, c := range []struct{ name, before, session, account, required, want string }{
		{"viewer, any role", "", vera, "1", "'session'", "vera viewer"},
		{"viewer, viewer", "", vera, "1", "'viewer'", "vera viewer"},
		{"viewer, operator", "", vera, "1", "'operator'", "LL403 caller_role vera viewer operator"},
		{"viewer, admin", "", vera, "1", "'admin'", "LL403 caller_role vera viewer admin"},
		{"operator, viewer", "", oscar, "2", "'viewer'", "oscar operator"},
		{"operator, operator", "", oscar, "2", "'operator'", "oscar operator"},
		{"operator, admin", "", oscar, "2", "'admin'", "LL403 caller_role oscar operator admin"},
		{"admin, any role", "", root, "3", "'session'", "root admin"},
		{"admin, admin", "", root, "3", "'admin'", "root admin"},
		{"unknown required role", "", root, "3", "'owner'", "LL403 caller_role root admin owner"},
		{"required role in capitals", "", root, "3", "'Viewer'", "LL403 caller_role root admin Viewer"},
		{"no required role", "", root, "3", "NULL", noRole},

		{"unknown session", "", "gen_random_uuid()", "1", "'viewer'", ended},
		{"no session", "", "NULL", "1", "'viewer'", ended},
		{"session of another account", "", vera, "3", "'viewer'", ended},
		{"no account", "", vera, "NULL", "'viewer'", ended},
		{"unknown session, role too low", "", "gen_random_uuid()", "1", "'admin'", ended},
		{"disabled account", "", disabled, "4", "'viewer'", ended},
		{"expired", "UPDATE session SET expires_at = now()", vera, "1", "'viewer'", ended},
		{"expires in a moment", "UPDATE session SET expires_at = now() + interval '1 microsecond'",
			vera, "1", "'viewer'", "vera viewer"},
		{"revoked", "UPDATE session SET revoked_at = now()", vera, "1", "'viewer'", ended},
		{"revoked and not expired, role too low", "UPDATE session SET revoked_at = now()", vera, "1", "'admin'", ended},
		{"disabled now", "UPDATE account SET disabled = true WHERE id = 1", vera, "1", "'viewer'", ended},
		{"disabled and enabled again", "UPDATE account SET disabled = true WHERE id = 1; " +
			"UPDATE account SET disabled = false WHERE id = 1", vera, "1", "'viewer'", ended},
		{"password changed", "UPDATE credential SET password_hash = '$argon2id$2' WHERE account_id = 1",
			vera, "1", "'viewer'", ended},
		{"password deleted", "DELETE FROM credential WHERE account_id = 1", vera, "1", "'viewer'", ended},
		{"password of another account changed",
			"UPDATE credential SET password_hash = '$argon2id$2' WHERE account_id = 2",
			vera, "1", "'viewer'", "vera viewer"},
		{"account deleted", "DELETE FROM account WHERE id = 1", vera, "1", "'viewer'", ended},
		{"renamed", "UPDATE account SET username = 'ann' WHERE id = 1", vera, "1", "'viewer'", "ann viewer"},
		{"role lowered", "UPDATE account SET role = 'viewer' WHERE id = 3", root, "3", "'operator'",
			"LL403 caller_role root viewer operator"},
		{"role raised", "UPDATE account SET role = 'admin' WHERE id = 1", vera, "1", "'admin'", "vera admin"},
	} {
		call := callAuthorizeSession(c.session, c.account, c.required, "NULL")
		if got := outcome(t, owner, c.before, call); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAuthorizeToken(t *testing.T) {
	t.Parallel()
	owner := pgtest.Pool(t)
	insertCredentials(t, owner)
	const roleTooLow = "LL403 caller_role "
	for _, c := range []struct{ name, before, user, token, required, want string }{
		{"viewer's viewer", "", "vera", "viewer", "'viewer'", "1 vera viewer t"},
		{"viewer's admin token", "", "vera", "admin", "'viewer'", "1 vera viewer t"},
		{"viewer's admin token, operator", "", "vera", "admin", "'operator'", roleTooLow + "vera viewer operator"},
		{"operator's admin token", "", "oscar", "admin", "'operator'", "2 oscar operator t"},
		{"operator's admin token, admin", "", "oscar", "admin", "'admin'", roleTooLow + "oscar operator admin"},
		{"admin's viewer token", "", "root", "viewer", "'viewer'", "3 root viewer t"},
		{"admin's viewer token, operator", "", "root", "viewer", "'operator'", roleTooLow + "root viewer operator"},
		{"admin's operator token, admin", "", "root", "operator", "'admin'", roleTooLow + "root operator admin"},
		{"admin's admin token", "", "root", "admin", "'admin'", "3 root admin t"},
		{"unknown required role", "", "root", "admin", "'owner'", roleTooLow + "root admin owner"},
		{"no required role", "", "root", "admin", "NULL", noRole},
		{"session required", "", "root", "admin", "'session'", "LL403 session_only root"},
		{"session required, viewer", "", "vera", "viewer", "'session'", "LL403 session_only vera"},

		{"unknown token", "", "root", "owner", "'viewer'", ended},
		{"unknown token, session required", "", "root", "owner", "'session'", ended},
		{"disabled account", "", "disabled", "admin", "'viewer'", ended},
		{"disabled account, session required", "", "disabled", "admin", "'session'", ended},
		{"expired", "UPDATE api_token SET expires_at = now()", "root", "admin", "'viewer'", ended},
		{"expires in a moment", "UPDATE api_token SET expires_at = now() + interval '1 microsecond'",
			"root", "admin", "'viewer'", "3 root admin t"},
		{"revoked", "UPDATE api_token SET revoked_at = now()", "root", "admin", "'viewer'", ended},
		{"disabled and enabled again", "UPDATE account SET disabled = true WHERE id = 1; " +
			"UPDATE account SET disabled = false WHERE id = 1", "vera", "viewer", "'viewer'", ended},
		{"password changed", "UPDATE credential SET password_hash = '$argon2id$2'", "root", "admin", "'viewer'", ended},
		{"account deleted", "DELETE FROM account WHERE id = 3", "root", "admin", "'viewer'", ended},
		{"role of the account lowered", "UPDATE account SET role = 'viewer'", "root", "admin", "'operator'",
			roleTooLow + "root viewer operator"},
		{"sessions revoked", "UPDATE session SET revoked_at = now()", "root", "admin", "'viewer'", "3 root admin t"},
	} {
		call := callAuthorizeToken(hashOf(c.user, c.token), c.required, "NULL")
		if got := outcome(t, owner, c.before, call); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if got := outcome(t, owner, "", callAuthorizeToken("NULL", "'viewer'", "NULL")); got != ended {
		t.Errorf("without a hash: got %q, want %q", got, ended)
	}
}

// TestAuthorize_requestContext: with a request ID, the functions set what the history records of the transaction.
// Without one they set nothing.
func TestAuthorize_requestContext(t *testing.T) {
	t.Parallel()
	owner := pgtest.Pool(t)
	insertCredentials(t, owner)
	const settings = `concat_ws(' ', current_setting('labledger.actor', true), current_setting('labledger.role', true),
		current_setting('labledger.request_id', true), current_setting('lock_timeout'))`
	session, token := sessionOf(2), hashOf("root", "operator")
	for _, c := range []struct{ name, call, want string }{
		{"session, write", callAuthorizeSession(session, "2", "'operator'", "'r-1'"), "oscar operator r-1 2s"},
		{"session, read", callAuthorizeSession(session, "2", "'operator'", "NULL"), "0"},
		{"API token, write", callAuthorizeToken(token, "'viewer'", "'r-2'"), "root operator r-2 2s"},
		{"API token, read", callAuthorizeToken(token, "'viewer'", "NULL"), "0"},
	} {
		tx, err := owner.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		mustExec(t, tx, "SET LOCAL ROLE labledger_server")
		mustExec(t, tx, c.call)
		got := strings.TrimSpace(pgtest.QueryValue[string](t, tx, "SELECT "+settings))
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// The settings end with the transaction, also on the connection that has set them.
	conn, err := owner.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	mustExec(t, conn, callAuthorizeSession(session, "2", "'operator'", "'r-3'"))
	if got := strings.TrimSpace(pgtest.QueryValue[string](t, conn, "SELECT "+settings)); got != "0" {
		t.Errorf("after the transaction: %q, want no settings", got)
	}
}

// TestAuthorize_isInlined: Postgres plans the bodies of the functions. A call would double the time of a check.
func TestAuthorize_isInlined(t *testing.T) {
	t.Parallel()
	owner := pgtest.Pool(t)
	for _, from := range []string{"authorize_session(NULL, 1, 'viewer', 'r')", "authorize_token('x', 'viewer', 'r')"} {
		rows, _ := owner.Query(t.Context(), "EXPLAIN SELECT * FROM "+from) // CollectRows returns its error
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if text := strings.Join(plan, "\n"); err != nil || strings.Contains(text, "Function Scan") {
			t.Errorf("%s: %v\n%s", from, err, text)
		}
	}
}

// TestAuthorize_needsTablePrivileges: a role that cannot read the tables learns nothing from the functions.
func TestAuthorize_needsTablePrivileges(t *testing.T) {
	t.Parallel()
	owner := pgtest.Pool(t)
	insertCredentials(t, owner)
	for _, call := range []string{
		callAuthorizeSession(sessionOf(2), "2", "'viewer'", "NULL"),
		"SELECT username FROM authorize_token(" + hashOf("root", "admin") + ", 'viewer', NULL)",
	} {
		tx, err := owner.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		mustExec(t, tx, "CREATE ROLE guest_of_authorize")
		mustExec(t, tx, "SET LOCAL ROLE guest_of_authorize")
		_, err = tx.Exec(t.Context(), call)
		var pgErr *pgconn.PgError
		if !errors.As(err, &pgErr) || pgErr.Code != "42501" {
			t.Errorf("%s: %v, want SQLSTATE 42501", call, err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
