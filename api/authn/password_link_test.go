package authn_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// linkedAccount creates an account with a link, and returns its ID and the token of the link.
func linkedAccount(ts *apitest.Server, boss, username string) (id int64, token string) {
	ts.Helper()
	id = ts.CreateAccount(username, rest.Viewer)
	link := ts.MustSend(boss, "POST", fmt.Sprintf("/api/v1/users/%d/password-link", id), "")
	return id, link["token"].(string)
}

// setPassword sets a password with a link and returns the status of the response.
func setPassword(ts *apitest.Server, token, password string) (status int) {
	return ts.Send("", "POST", "/auth/password", fmt.Sprintf(`{"token": %q, "password": %q}`, token, password)).Code
}

// TestSetPassword_once: of several concurrent requests with one link, one sets the password. When the first of them is
// committed, all have found the link valid.
func TestSetPassword_once(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	account, token := linkedAccount(ts, ts.SignIn("boss", rest.Admin), "ann")
	tx, err := ts.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, tx, "SELECT FROM account WHERE id = $1 FOR UPDATE", account)
	const requests = 3
	passwords, statuses := make([]string, requests), make(chan [2]int, requests)
	for i := range requests {
		passwords[i] = fmt.Sprintf("the horse number %d", i)
		go func() { statuses <- [2]int{i, setPassword(ts, token, passwords[i])} }()
	}
	pgtest.WaitFor(t, "the requests", func() bool {
		return apitest.Value[int](ts, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`) == requests
	})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	var winner int
	got := make([]int, requests)
	for i := range requests {
		result := <-statuses
		got[i] = result[1]
		if result[1] == http.StatusOK {
			winner = result[0]
		}
	}
	slices.Sort(got)
	if want := []int{http.StatusOK, http.StatusNotFound, http.StatusNotFound}; !slices.Equal(got, want) {
		t.Fatalf("got the statuses %v, want %v", got, want)
	}
	if status := ts.Login("ann", passwords[winner], "192.0.2.1").Code; status != http.StatusOK {
		t.Errorf("login with the new password: status %d", status)
	}
}

// TestSetPassword_duringChange: a change that is committed while a request waits makes the link invalid.
func TestSetPassword_duringChange(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	boss := ts.SignIn("boss", rest.Admin)
	for name, c := range map[string]struct {
		change string // of the account $1; $2 is a password hash
		want   int
	}{
		"disabled": {"UPDATE account SET disabled = true WHERE id = $1 AND $2 <> ''", http.StatusNotFound},
		"deleted":  {"DELETE FROM account WHERE id = $1 AND $2 <> ''", http.StatusNotFound},
		"replaced": {"UPDATE password_link SET hash = sha256($2::text::bytea) WHERE account_id = $1", http.StatusNotFound},
		"revoked":  {"DELETE FROM password_link WHERE account_id = $1 AND $2 <> ''", http.StatusNotFound},
		"password changed": {
			"UPDATE credential SET password_hash = $2 WHERE account_id = $1", http.StatusNotFound,
		},
		"control: country": {"UPDATE account SET country = $2 WHERE id = $1", http.StatusOK},
	} {
		account, token := linkedAccount(ts, boss, name)
		status := duringChange(ts, c.change, account, func() int { return setPassword(ts, token, "a new horse, again") })
		if status != c.want {
			t.Errorf("%s: status %d, want %d", name, status, c.want)
		}
	}
}

// An expired link is not valid.
func TestSetPassword_expiredLink(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	account, token := linkedAccount(ts, ts.SignIn("boss", rest.Admin), "ann")
	show := func() int { return ts.Send("", "POST", "/auth/link", fmt.Sprintf(`{"token": %q}`, token)).Code }
	if status := show(); status != http.StatusOK {
		t.Fatalf("valid link: status %d", status)
	}
	ts.Exec("UPDATE password_link SET created_at = now() - interval '1 day', expires_at = now() WHERE account_id = $1",
		account)
	if status := show(); status != http.StatusNotFound {
		t.Errorf("expired link: status %d", status)
	}
	if status := setPassword(ts, token, "a new horse, again"); status != http.StatusNotFound {
		t.Errorf("password with the expired link: status %d", status)
	}
}

// TestSetPassword_rateLimit: an address can try a limited number of links.
func TestSetPassword_rateLimit(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	for i := range 100 {
		if status := setPassword(ts, "lll_x", "a new horse, again"); status != http.StatusNotFound {
			t.Fatalf("attempt %d: status %d", i, status)
		}
	}
	if status := setPassword(ts, "lll_x", "a new horse, again"); status != http.StatusTooManyRequests {
		t.Errorf("attempt 101: status %d", status)
	}
}
