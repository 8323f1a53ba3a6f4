package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// This file tests the rate limits of logins and what the responses reveal.

var secondsRE = regexp.MustCompile(`in \d+ seconds`)

// statusesOf returns the statuses of login responses. Responses with the same status must have the same body, except
// for the seconds to wait.
func statusesOf(t *testing.T, responses []*httptest.ResponseRecorder) (statuses []int) {
	t.Helper()
	details := map[int]string{}
	for _, w := range responses {
		text := secondsRE.ReplaceAllString(withoutRequestFields(w.Body.String()), "in N seconds")
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
	ts := newTestServer(t)
	ts.createAccount("ann", viewer)
	instances := []*testServer{ts, ts.newInstance()}
	want := append(repeat(http.StatusUnauthorized, maxAttemptsPerName), repeat(http.StatusTooManyRequests, 5)...)
	var all []*httptest.ResponseRecorder
	for _, name := range []string{"ann", "nobody"} {
		var responses []*httptest.ResponseRecorder
		for i := range want {
			responses = append(responses, instances[i%2].login(name, fmt.Sprint("guess ", i), fmt.Sprint("198.51.100.", i)))
		}
		if got := statusesOf(t, responses); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
		all = append(all, responses...)
	}
	for _, instance := range instances {
		w := instance.login("ann", testPassword, "203.0.113.1")
		if w.Code != http.StatusTooManyRequests {
			t.Errorf("right password above the limit: %d %s", w.Code, w.Body)
		}
		all = append(all, w)
	}
	statusesOf(t, all) // the bodies do not depend on the name
	if w := ts.login("Ann", "guess", "203.0.113.1"); w.Code != http.StatusUnauthorized {
		t.Errorf("another username: status %d, want 401", w.Code)
	}

	startWindow := func(age time.Duration) { ts.exec("UPDATE login_attempt SET since = now() - $1::interval", age) }
	startWindow(attemptWindow - time.Minute)
	w := ts.login("ann", testPassword, "")
	wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
	if w.Code != http.StatusTooManyRequests || err != nil || wait < 1 || wait > 61 {
		t.Errorf("a minute before the end of the window: status %d, Retry-After %d: %v", w.Code, wait, err)
	}
	startWindow(attemptWindow)
	if w := ts.login("ann", testPassword, ""); w.Code != http.StatusOK {
		t.Errorf("after the end of the window: %d %s", w.Code, w.Body)
	}
}

// TestLoginLimit_resetOnSuccess: a successful login resets the attempts, and a dry run counts as an attempt.
func TestLoginLimit_resetOnSuccess(t *testing.T) {
	ts := newTestServer(t)
	token := ts.createSession(ts.createAccount("ann", viewer)).access
	for round := range 3 {
		for i := range maxAttemptsPerName - 1 {
			if w := ts.login("ann", "guess", ""); w.Code != http.StatusUnauthorized {
				t.Fatalf("round %d, attempt %d: status %d, want 401", round, i, w.Code)
			}
		}
		if w := ts.login("ann", testPassword, ""); w.Code != http.StatusOK {
			t.Fatalf("round %d, right password: status %d, want 200", round, w.Code)
		}
	}
	n := scan[int](ts, "SELECT attempts FROM login_attempt WHERE subject = 'address 192.0.2.1'")
	if n != 3*(maxAttemptsPerName-1) {
		t.Errorf("%d failed attempts of the address, want %d", n, 3*(maxAttemptsPerName-1))
	}
	body := `{"username": "ann", "password": "guess"}`
	for i := range maxAttemptsPerName + 1 {
		want := http.StatusUnauthorized
		if i == maxAttemptsPerName {
			want = http.StatusTooManyRequests
		}
		if w := ts.send("", "POST", "/auth/login?dry_run=true", body); w.Code != want {
			t.Errorf("dry run %d: status %d, want %d", i, w.Code, want)
		}
	}
	// Password changes verify the current password, so the limit applies to them as well.
	w := ts.send(token, "PATCH", "/account",
		`{"password": "a new horse for the battery", "current_password": "`+testPassword+`"}`)
	if w.Code != http.StatusTooManyRequests {
		t.Errorf("password change above the limit: %d %s", w.Code, w.Body)
	}
}

// TestLoginLimit_perAddress: each address has a hundred attempts, for all usernames together. An untrusted peer cannot
// pretend to have another address.
func TestLoginLimit_perAddress(t *testing.T) {
	ts := newTestServer(t)
	ts.createAccount("ann", viewer)
	n := 0
	locked := func(ts *testServer, header ...string) bool {
		n++ // a new username for each attempt
		w := ts.send("", "POST", "/auth/login", fmt.Sprintf(`{"username": "nobody %d", "password": "guess"}`, n), header...)
		if w.Code != http.StatusTooManyRequests && w.Code != http.StatusUnauthorized {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return w.Code == http.StatusTooManyRequests
	}
	forwardedFor := func(text string) string { return "X-Forwarded-For: " + text }
	// Inserting attempts is faster than making them.
	exhaust := func(subject string) {
		ts.exec(`INSERT INTO login_attempt (subject, attempts) VALUES ($1, $2)
			ON CONFLICT (subject) DO UPDATE SET attempts = $2, since = now()`, subject, maxAttemptsPerAddress-1)
	}
	for range 3 { // attempts are counted under the subject that exhaust uses
		locked(ts, forwardedFor("203.0.113.5"))
	}
	if n := scan[int](ts, "SELECT attempts FROM login_attempt WHERE subject = 'address 203.0.113.5'"); n != 3 {
		t.Errorf("%d attempts counted, want 3", n)
	}
	for _, c := range []struct {
		subject string
		first   string // makes the hundredth attempt
		locked  []string
		free    []string
	}{
		{
			subject: "address 198.51.100.7",
			first:   "198.51.100.7",
			locked: []string{
				"198.51.100.7", "10.0.0.1, 198.51.100.7", " 198.51.100.7 ", "::ffff:198.51.100.7",
				"198.51.100.7, 192.0.2.1", "x, 198.51.100.7",
			},
			free: []string{"198.51.100.8", "198.51.100.7, 198.51.100.8", "198.51.100.70"},
		},
		{
			subject: "address 2001:db8:1:2::/64",
			first:   "2001:db8:1:2::1",
			locked: []string{
				"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:DB8:1:2::7", "2001:db8:1:2::1%eth0",
			},
			free: []string{"2001:db8:1:3::1", "2001:db8::1"},
		},
		{
			subject: "address 192.0.2.1",
			first:   "",
			locked:  []string{"", "nonsense", "192.0.2.1", "198.51.100.9:80"},
			free:    []string{"198.51.100.10"},
		},
	} {
		exhaust(c.subject)
		header := func(text string) []string {
			if text == "" {
				return nil
			}
			return []string{forwardedFor(text)}
		}
		if locked(ts, header(c.first)...) {
			t.Errorf("%s: attempt 100 was rejected", c.subject)
		}
		for _, text := range c.locked {
			if !locked(ts.newInstance(), header(text)...) {
				t.Errorf("%s: X-Forwarded-For %q counts as another address", c.subject, text)
			}
		}
		for _, text := range c.free {
			if locked(ts, header(text)...) {
				t.Errorf("%s: X-Forwarded-For %q counts as the same address", c.subject, text)
			}
		}
	}
	if w := ts.login("ann", testPassword, "198.51.100.7"); w.Code != http.StatusTooManyRequests {
		t.Errorf("right password from a locked address: status %d, want 429", w.Code)
	}
	// 192.0.2.1 is locked now and pretends to be another address, at an instance without trusted proxies.
	direct := ts.newInstance(func(o *Options) { o.Access.TrustedProxies = nil })
	for _, header := range []string{
		"X-Forwarded-For: 198.51.100.44",
		"Forwarded: for=198.51.100.44",
		"X-Real-Ip: 198.51.100.44",
		"True-Client-Ip: 198.51.100.44",
	} {
		if !locked(direct, header) {
			t.Errorf("header %s of an untrusted peer was used", header)
		}
	}
	if locked(ts, forwardedFor("198.51.100.44")) {
		t.Error("198.51.100.44 is locked, although it made no attempts")
	}
}

// TestLoginLimit_concurrent: concurrent attempts do not exceed the limit, and attempts from several addresses do not
// deadlock.
func TestLoginLimit_concurrent(t *testing.T) {
	ts := newTestServer(t)
	ts.createAccount("ann", viewer)
	instances := []*testServer{ts, ts.newInstance()}
	const attempts = 40
	responses := make([]*httptest.ResponseRecorder, attempts)
	var wg sync.WaitGroup
	for i := range responses {
		wg.Go(func() {
			responses[i] = instances[i%2].login("ann", "guess", fmt.Sprint("198.51.100.", i%4))
		})
	}
	wg.Wait()
	statuses := statusesOf(t, responses)
	slices.Sort(statuses)
	want := append(repeat(http.StatusUnauthorized, maxAttemptsPerName),
		repeat(http.StatusTooManyRequests, attempts-maxAttemptsPerName)...)
	if !slices.Equal(statuses, want) {
		t.Errorf("got %v, want %v", statuses, want)
	}
}

// TestLoginTiming: an unknown username, a wrong password and a disabled account get the same response in the same time.
// The control is a request that is rejected before hashing: its time must differ, or the test could not detect
// anything.
func TestLoginTiming(t *testing.T) {
	ts := newTestServer(t)
	ts.createAccount("ann", viewer)
	ts.exec("UPDATE account SET disabled = true WHERE id = $1", ts.createAccount("off", viewer))
	bodies := []string{
		`{"username": "ann", "password": "guess"}`,
		`{"username": "nobody", "password": "guess"}`,
		`{"username": "off", "password": "guess"}`,
		`{"username": "off", "password": "` + testPassword + `"}`,
		`{"username": "ann", "password": "guess", "x": 1}`, // the control
	}
	var last string
	for try := range 3 {
		elapsed := make([][]time.Duration, len(bodies))
		for range 15 {
			for i, body := range bodies {
				ts.exec("DELETE FROM login_attempt")
				start := time.Now()
				w := ts.send("", "POST", "/auth/login", body)
				elapsed[i] = append(elapsed[i], time.Since(start))
				isControl := i == len(bodies)-1
				text := withoutRequestFields(w.Body.String())
				switch {
				case isControl != (w.Code == http.StatusBadRequest):
					t.Fatalf("%s: %d %s", body, w.Code, w.Body)
				case !isControl && last != "" && (text != last || w.Code != http.StatusUnauthorized):
					t.Fatalf("%s: %s differs from %s", body, text, last)
				case !isControl:
					last = text
				}
			}
		}
		var medians []time.Duration
		for _, times := range elapsed {
			slices.Sort(times)
			medians = append(medians, times[len(times)/2])
		}
		same := func(i int) bool {
			ratio := float64(medians[i]) / float64(medians[0])
			return 0.75 <= ratio && ratio <= 1.33
		}
		if same(len(bodies) - 1) {
			t.Fatalf("the control takes the same time: %v", medians)
		}
		if same(1) && same(2) && same(3) {
			return
		}
		t.Logf("try %d: %v", try, medians)
	}
	t.Error("response times reveal whether a username exists")
}
