package authn_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// This file tests what a revocation means for requests in progress. The check of a request decides by the rows that are
// committed when it runs. A revocation that is committed before refuses the request; a later one refuses the next
// request. Both orders are forced.

// A heldRequest is a request of which hold delays the statement, but not the check.
type heldRequest struct{ method, target, body, hold string }

var heldRequests = []heldRequest{
	{"GET", "/site/1", "", "LOCK TABLE site IN ACCESS EXCLUSIVE MODE"},
	{"GET", "/sites?name=x", "", "LOCK TABLE site IN ACCESS EXCLUSIVE MODE"},
	{"PATCH", "/site/1", `{"contact": "Ann"}`, "SELECT pg_advisory_xact_lock(1)"},
	{"DELETE", "/site/4", "", "SELECT pg_advisory_xact_lock(1)"},
}

// createHold makes writes to the table site wait for the advisory lock 1, for any time.
const createHold = `
	INSERT INTO site (id, name) VALUES (4, 'empty') ON CONFLICT DO NOTHING;
	CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM set_config('lock_timeout', '0', true);
		PERFORM pg_advisory_xact_lock(1);
		RETURN coalesce(new, old);
	END $$;
	CREATE TRIGGER wait_for_test BEFORE UPDATE OR DELETE ON site FOR EACH ROW EXECUTE FUNCTION wait_for_test()`

// A revocableCredential is a token with the statement that revokes it.
type revocableCredential struct{ name, token, revoke string }

func revocableCredentials(ts *apitest.Server, username string) []revocableCredential {
	ts.Helper()
	account := ts.CreateAccount(username, rest.Operator)
	s := ts.CreateSession(account)
	token := ts.CreateAPIToken(account, rest.Operator)
	return []revocableCredential{
		{"session", s.Access, fmt.Sprintf("UPDATE session SET revoked_at = now() WHERE id = '%s'", s.ID)},
		{"API token", token, fmt.Sprintf("UPDATE api_token SET revoked_at = now() WHERE account_id = %d", account)},
	}
}

// whileHeld sends a request, which waits for what a transaction of the owner locks by hold. It calls then when the
// request waits, ends the transaction, and returns the status of the request.
func whileHeld(ts *apitest.Server, r heldRequest, token, hold string, then func()) (status int) {
	ts.Helper()
	tx, err := ts.Pool.Begin(ts.Context())
	if err != nil {
		ts.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }() // no effect after the commit
	pgtest.Exec(ts, tx, hold)
	done := make(chan int, 1)
	go func() { done <- ts.Send(token, r.method, r.target, r.body).Code }()
	pgtest.WaitForLockWait(ts, ts.Pool)
	then()
	if err := tx.Commit(ts.Context()); err != nil {
		ts.Fatal(err)
	}
	return <-done
}

// TestRevocation_afterCheck: a request that has passed its check is completed, even if its session or API token is
// revoked before its statement runs. The next request is refused, even while the first one is in progress.
func TestRevocation_afterCheck(t *testing.T) {
	t.Parallel()
	for i, r := range heldRequests {
		t.Run(fmt.Sprint(r.method, " ", r.target), func(t *testing.T) {
			t.Parallel()
			ts := apitest.New(t)
			ts.Exec(createHold)
			recorded, wire := recordedInstance(ts)
			for _, c := range revocableCredentials(ts, fmt.Sprint("user ", i)) {
				if r.method == http.MethodGet {
					recorded.MustSend(c.token, r.method, r.target, r.body) // to prepare a statement needs its tables
				}
				wire.take()
				status := whileHeld(recorded, r, c.token, r.hold, func() {
					ts.Exec(c.revoke)
					if w := ts.Send(c.token, "GET", "/freezer/1", ""); w.Code != http.StatusUnauthorized {
						t.Errorf("%s: the next request: %d %s", c.name, w.Code, w.Body)
					}
				})
				if got := wire.take().statements; status != http.StatusOK || !got[0].isCheck() {
					t.Errorf("%s: status %d, want 200; statements: %v", c.name, status, got)
				}
				if w := ts.Send(c.token, r.method, r.target, r.body); w.Code != http.StatusUnauthorized {
					t.Errorf("%s: the same request again: %d %s", c.name, w.Code, w.Body)
				}
				ts.Exec("INSERT INTO site (id, name) VALUES (4, 'empty') ON CONFLICT DO NOTHING")
			}
		})
	}
}

// TestRevocation_beforeCheck: a request whose check waits for a revocation in progress is refused once it is committed,
// and its statement does not run. The control waits in the same way, but nothing is revoked.
func TestRevocation_beforeCheck(t *testing.T) {
	t.Parallel()
	for i, r := range heldRequests {
		t.Run(fmt.Sprint(r.method, " ", r.target), func(t *testing.T) {
			t.Parallel()
			ts := apitest.New(t)
			ts.Exec("INSERT INTO site (id, name) VALUES (4, 'empty') ON CONFLICT DO NOTHING")
			recorded, wire := recordedInstance(ts)
			for _, c := range revocableCredentials(ts, fmt.Sprint("user ", i)) {
				const lock = "LOCK TABLE session, api_token IN ACCESS EXCLUSIVE MODE"
				before := ts.TableDigest("session", "api_token")
				status := whileHeld(recorded, r, c.token, lock+"; "+c.revoke, func() {})
				if got := wire.take().statements; status != http.StatusUnauthorized || !refusedByCheck(got) {
					t.Errorf("%s: status %d, want 401; statements: %v", c.name, status, got)
				}
				if ts.TableDigest("session", "api_token") != before {
					t.Errorf("%s: the refused request changed the database", c.name)
				}
			}
			control := revocableCredentials(ts, fmt.Sprint("control ", i))[0]
			status := whileHeld(recorded, r, control.token, "LOCK TABLE session IN ACCESS EXCLUSIVE MODE", func() {})
			if status != http.StatusOK {
				t.Errorf("control: status %d, want 200", status)
			}
		})
	}
}
