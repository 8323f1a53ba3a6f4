package authn_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/google/uuid"

	"labledger/api"
	"labledger/api/authn"
	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// This file tests the rate limits of logins and what the responses reveal.

var secondsRE = regexp.MustCompile(`in \d+ seconds`)

// statusesOf returns the statuses of login responses. Responses with the same status must have the same body, except
// for the seconds to wait.
func statusesOf(t *testing.T, responses []*httptest.ResponseRecorder) (statuses []int) {
	t.Helper()
	details := map[int]string{}
	for _, w := range responses {
		text := secondsRE.ReplaceAllString(apitest.WithoutRequestFields(w.Body.String()), "in N seconds")
		if details[w.Code] == "" {
			details[w.Code] = text
		}
		if text != details[w.Code] && w.Code != http.StatusOK {
			t.Errorf("%s differs from %s", text, details[w.Code])
		}
		wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
		if (w.Code == http.StatusTooManyRequests) != (err == nil && wait > 0 && wait <= 901) {
			t.Errorf("status %d with Retry-After %q", w.Code, w.Header().Get("Retry-After"))
		}
		statuses = append(statuses, w.Code)
	}
	return statuses
}

func repeat(status, times int) []int { return slices.Repeat([]int{status}, times) }

// TestLoginLimit_perName: each username has ten attempts, whether it exists or not, from all addresses and at all
// instances together. After that even the right password is rejected, so that guessing reveals nothing.
func TestLoginLimit_perName(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	ts.CreateAccount("ann", rest.Viewer)
	instances := []*apitest.Server{ts, ts.NewInstance()}
	want := append(repeat(http.StatusUnauthorized, authn.MaxAttemptsPerName), repeat(http.StatusTooManyRequests, 5)...)
	var all []*httptest.ResponseRecorder
	for _, name := range []string{"ann", "nobody"} {
		var responses []*httptest.ResponseRecorder
		for i := range want {
			responses = append(responses, instances[i%2].Login(name, fmt.Sprint("guess ", i), fmt.Sprint("198.51.100.", i)))
		}
		if got := statusesOf(t, responses); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
		all = append(all, responses...)
	}
	for _, instance := range instances {
		w := instance.Login("ann", apitest.Password, "203.0.113.1")
		if w.Code != http.StatusTooManyRequests {
			t.Errorf("right password above the limit: %d %s", w.Code, w.Body)
		}
		all = append(all, w)
	}
	statusesOf(t, all) // the bodies do not depend on the name
	if w := ts.Login("Ann", "guess", "203.0.113.1"); w.Code != http.StatusUnauthorized {
		t.Errorf("another username: status %d, want 401", w.Code)
	}

	startWindow := func(age time.Duration) { ts.Exec("UPDATE login_attempt SET since = now() - $1::interval", age) }
	startWindow(authn.AttemptWindow - time.Minute)
	w := ts.Login("ann", apitest.Password, "")
	wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
	if w.Code != http.StatusTooManyRequests || err != nil || wait < 1 || wait > 61 {
		t.Errorf("a minute before the end of the window: status %d, Retry-After %d: %v", w.Code, wait, err)
	}
	startWindow(authn.AttemptWindow)
	if w := ts.Login("ann", apitest.Password, ""); w.Code != http.StatusOK {
		t.Errorf("after the end of the window: %d %s", w.Code, w.Body)
	}
}

// TestLoginLimit_newPassword: a new password lifts the limit of its username, not the one of the address.
func TestLoginLimit_newPassword(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	const name = "Zoë" // the hash of the database must equal the one of the server
	ts.CreateAccount(name, rest.Viewer)
	ts.CreateAccount("ann", rest.Viewer)
	for range authn.MaxAttemptsPerName {
		ts.Login(name, "guess", "")
		ts.Login("ann", "guess", "")
	}
	if w := ts.Login(name, apitest.Password, ""); w.Code != http.StatusTooManyRequests {
		t.Fatalf("right password above the limit: status %d, want 429", w.Code)
	}
	const setPassword = `UPDATE credential SET password_hash = password_hash
		WHERE account_id = (SELECT id FROM account WHERE username = $1)`
	ts.Exec(setPassword, name)
	if w := ts.Login(name, apitest.Password, ""); w.Code != http.StatusOK {
		t.Errorf("after a new password: %d %s", w.Code, w.Body)
	}
	if w := ts.Login("ann", apitest.Password, ""); w.Code != http.StatusTooManyRequests {
		t.Errorf("another username: status %d, want 429", w.Code)
	}
	n := apitest.Value[int](ts, "SELECT attempts FROM login_attempt WHERE subject = 'address 192.0.2.1'")
	if n < 2*authn.MaxAttemptsPerName {
		t.Errorf("the address has %d attempts, want at least %d", n, 2*authn.MaxAttemptsPerName)
	}

	// An attempt that is being counted while the password is set does not survive it.
	tx, err := ts.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, tx, "UPDATE login_attempt SET attempts = attempts + 1 WHERE subject LIKE 'name %'")
	done := make(chan error, 1)
	go func() {
		_, err := ts.Pool.Exec(context.Background(), setPassword, "ann")
		done <- err
	}()
	pgtest.WaitForLockWait(t, ts.Pool)
	if err := errors.Join(tx.Commit(t.Context()), <-done); err != nil {
		t.Fatal(err)
	}
	if w := ts.Login("ann", apitest.Password, ""); w.Code != http.StatusOK {
		t.Errorf("after a concurrent attempt: %d %s", w.Code, w.Body)
	}
}

// TestLoginLimit_resetOnSuccess: a successful login resets the attempts, and a dry run counts as an attempt.
func TestLoginLimit_resetOnSuccess(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	token := ts.SignIn("ann", rest.Viewer)
	for round := range 3 {
		for i := range authn.MaxAttemptsPerName - 1 {
			if w := ts.Login("ann", "guess", ""); w.Code != http.StatusUnauthorized {
				t.Fatalf("round %d, attempt %d: status %d, want 401", round, i, w.Code)
			}
		}
		if w := ts.Login("ann", apitest.Password, ""); w.Code != http.StatusOK {
			t.Fatalf("round %d, right password: status %d, want 200", round, w.Code)
		}
	}
	n := apitest.Value[int](ts, "SELECT attempts FROM login_attempt WHERE subject = 'address 192.0.2.1'")
	if n != 3*(authn.MaxAttemptsPerName-1) {
		t.Errorf("%d failed attempts of the address, want %d", n, 3*(authn.MaxAttemptsPerName-1))
	}
	body := `{"username": "ann", "password": "guess"}`
	for i := range authn.MaxAttemptsPerName + 1 {
		want := http.StatusUnauthorized
		if i == authn.MaxAttemptsPerName {
			want = http.StatusTooManyRequests
		}
		if w := ts.Send("", "POST", "/auth/login?dry_run=true", body); w.Code != want {
			t.Errorf("dry run %d: status %d, want %d", i, w.Code, want)
		}
	}
	// Password changes verify the current password, so the limit applies to them as well.
	w := ts.Send(token, "PATCH", "/account",
		`{"password": "a new horse for the battery", "current_password": "`+apitest.Password+`"}`)
	if w.Code != http.StatusTooManyRequests {
		t.Errorf("password change above the limit: %d %s", w.Code, w.Body)
	}
}

// loginLocked makes a login attempt with a new username and reports whether it exceeds the limit of the address.
func loginLocked(ts *apitest.Server, header ...string) bool {
	ts.Helper()
	body := fmt.Sprintf(`{"username": %q, "password": "guess"}`, uuid.New())
	w := ts.Send("", "POST", "/auth/login", body, header...)
	if w.Code != http.StatusTooManyRequests && w.Code != http.StatusUnauthorized {
		ts.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Code == http.StatusTooManyRequests
}

// forwardedFor returns the header X-Forwarded-For, or none for "".
func forwardedFor(text string) []string {
	if text == "" {
		return nil
	}
	return []string{"X-Forwarded-For: " + text}
}

// insertAttempts makes the next attempt of a subject the last one within the limit. Inserting attempts is faster than
// making them.
func insertAttempts(ts *apitest.Server, subject string) {
	ts.Helper()
	ts.Exec(`INSERT INTO login_attempt (subject, attempts) VALUES ($1, $2)
		ON CONFLICT (subject) DO UPDATE SET attempts = $2, since = now()`, subject, authn.MaxAttemptsPerAddress-1)
}

// TestLoginLimit_perAddress: each address has a hundred attempts, for all usernames together.
func TestLoginLimit_perAddress(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	ts.CreateAccount("ann", rest.Viewer)
	for range 3 { // attempts are counted under the subject that insertAttempts uses
		loginLocked(ts, forwardedFor("203.0.113.5")...)
	}
	if n := apitest.Value[int](ts, "SELECT attempts FROM login_attempt WHERE subject = 'address 203.0.113.5'"); n != 3 {
		t.Errorf("%d attempts counted, want 3", n)
	}
	for _, c := range []struct {
		subject string
		last    string // makes the last attempt within the limit
		locked  []string
		free    []string
	}{
		{
			subject: "address 198.51.100.7",
			last:    "198.51.100.7",
			locked: []string{
				"198.51.100.7", "10.0.0.1, 198.51.100.7", " 198.51.100.7 ", "::ffff:198.51.100.7",
				"198.51.100.7, 192.0.2.1", "x, 198.51.100.7", "198.51.100.7:5678", "198.51.100.7:5678, 192.0.2.1:80",
			},
			free: []string{"198.51.100.8", "198.51.100.7, 198.51.100.8", "198.51.100.70"},
		},
		{
			subject: "address 2001:db8:1:2::/64",
			last:    "2001:db8:1:2::1",
			locked: []string{
				"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:DB8:1:2::7", "2001:db8:1:2::1%eth0",
				"[2001:db8:1:2::1]", "[2001:db8:1:2::1]:443",
			},
			free: []string{"2001:db8:1:3::1", "2001:db8::1"},
		},
		{
			subject: "address 192.0.2.1",
			last:    "",
			locked:  []string{"", "nonsense", "192.0.2.1", "198.51.100.9:port"},
			free:    []string{"198.51.100.10"},
		},
	} {
		insertAttempts(ts, c.subject)
		if loginLocked(ts, forwardedFor(c.last)...) {
			t.Errorf("%s: attempt %d was rejected", c.subject, authn.MaxAttemptsPerAddress)
		}
		for _, text := range c.locked {
			if !loginLocked(ts.NewInstance(), forwardedFor(text)...) {
				t.Errorf("%s: X-Forwarded-For %q counts as another address", c.subject, text)
			}
		}
		for _, text := range c.free {
			if loginLocked(ts, forwardedFor(text)...) {
				t.Errorf("%s: X-Forwarded-For %q counts as the same address", c.subject, text)
			}
		}
	}
	if w := ts.Login("ann", apitest.Password, "198.51.100.7"); w.Code != http.StatusTooManyRequests {
		t.Errorf("right password from a locked address: status %d, want 429", w.Code)
	}
}

// TestLoginLimit_untrustedPeer: an untrusted peer cannot pretend to have another address.
func TestLoginLimit_untrustedPeer(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	direct := ts.NewInstance(func(o *api.Options) { o.Access.TrustedProxies = nil })
	insertAttempts(ts, "address 192.0.2.1")
	if loginLocked(ts) {
		t.Error("the last attempt within the limit was rejected")
	}
	for _, header := range []string{
		"X-Forwarded-For: 198.51.100.44",
		"Forwarded: for=198.51.100.44",
		"X-Real-Ip: 198.51.100.44",
		"True-Client-Ip: 198.51.100.44",
	} {
		if !loginLocked(direct, header) {
			t.Errorf("header %s of an untrusted peer was used", header)
		}
	}
	if loginLocked(ts, forwardedFor("198.51.100.44")...) { // a trusted peer
		t.Error("198.51.100.44 is locked, although it made no attempts")
	}
}

// TestLoginLimit_concurrent: concurrent attempts do not exceed the limit, and attempts from several addresses do not
// deadlock.
func TestLoginLimit_concurrent(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	id := ts.CreateAccount("ann", rest.Viewer)
	// The server rejects attempts that wait too long for a hashing slot. With a cheap hash, none does.
	hash, err := argon2id.CreateHash("secret", &argon2id.Params{
		Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32,
	})
	if err != nil {
		t.Fatal(err)
	}
	ts.Exec("UPDATE credential SET password_hash = $1 WHERE account_id = $2", hash, id)
	instances := []*apitest.Server{ts, ts.NewInstance()}
	const attempts = 40
	responses := make([]*httptest.ResponseRecorder, attempts)
	var wg sync.WaitGroup
	for i := range responses {
		wg.Go(func() {
			responses[i] = instances[i%2].Login("ann", "guess", fmt.Sprint("198.51.100.", i%4))
		})
	}
	wg.Wait()
	statuses := statusesOf(t, responses)
	slices.Sort(statuses)
	want := append(repeat(http.StatusUnauthorized, authn.MaxAttemptsPerName),
		repeat(http.StatusTooManyRequests, attempts-authn.MaxAttemptsPerName)...)
	if !slices.Equal(statuses, want) {
		t.Errorf("got %v, want %v", statuses, want)
	}
}

// TestLogin_revealsNoUsername: an unknown username, a wrong password and a disabled account get the same response.
func TestLogin_revealsNoUsername(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	ts.CreateAccount("ann", rest.Viewer)
	ts.Exec("UPDATE account SET disabled = true WHERE id = $1", ts.CreateAccount("off", rest.Viewer))
	responses := []*httptest.ResponseRecorder{
		ts.Login("ann", "guess", ""),
		ts.Login("nobody", "guess", ""),
		ts.Login("off", "guess", ""),
		ts.Login("off", apitest.Password, ""),
	}
	if got := statusesOf(t, responses); !slices.Equal(got, repeat(http.StatusUnauthorized, len(responses))) {
		t.Errorf("got %v, want 401 only", got)
	}
}
