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

// This file holds how often one may try to sign in, and what the answers give away.

var secondsRE = regexp.MustCompile(`Wait \d+ seconds`)

// statusesOf sorts answers to attempts: all with one status must say the same, but for the seconds to wait.
func statusesOf(t *testing.T, responses []*httptest.ResponseRecorder) (statuses []int) {
	t.Helper()
	details := map[int]string{}
	for _, w := range responses {
		text := secondsRE.ReplaceAllString(withoutRequestFields(w.Body.String()), "Wait")
		if details[w.Code] == "" {
			details[w.Code] = text
		}
		if text != details[w.Code] && w.Code != http.StatusOK {
			t.Errorf("%s differs from %s", text, details[w.Code])
		}
		wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
		if (w.Code == http.StatusTooManyRequests) != (err == nil && wait > 0 && wait <= 901) {
			t.Errorf("%d with Retry-After %q", w.Code, w.Header().Get("Retry-After"))
		}
		statuses = append(statuses, w.Code)
	}
	return statuses
}

func repeat(status, times int) []int { return slices.Repeat([]int{status}, times) }

// TestLoginLimit_perName: ten attempts a name, whether there is one or not, from wherever, at whichever instance; and a right password is not
// told from a wrong one then, or guessing would go on.
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
			t.Errorf("%s: %v", name, got)
		}
		all = append(all, responses...)
	}
	for _, in := range instances {
		w := in.login("ann", testPassword, "203.0.113.1")
		if w.Code != http.StatusTooManyRequests {
			t.Errorf("the right password while the name is locked: %d %s", w.Code, w.Body)
		}
		all = append(all, w)
	}
	statusesOf(t, all) // are all told the same
	if w := ts.login("Ann", "guess", "203.0.113.1"); w.Code != http.StatusUnauthorized {
		t.Errorf("another name: %d", w.Code)
	}

	shiftClock := func(by time.Duration) { ts.exec("UPDATE login_attempt SET since = since - $1::interval", by) }
	shiftClock(attemptWindow - 10*time.Second)
	if w := ts.login("ann", testPassword, ""); w.Code != http.StatusTooManyRequests || len(w.Header().Get("Retry-After")) != 1 && w.Header().Get("Retry-After") > "11" {
		t.Errorf("just before the end: %d, Retry-After %s", w.Code, w.Header().Get("Retry-After"))
	}
	shiftClock(11 * time.Second)
	if w := ts.login("ann", testPassword, ""); w.Code != http.StatusOK {
		t.Errorf("after the end: %d %s", w.Code, w.Body)
	}
}

// TestLoginLimit_resetOnSuccess: who gets in has as many attempts as before, and a dry run counts like any other attempt.
func TestLoginLimit_resetOnSuccess(t *testing.T) {
	ts := newTestServer(t)
	me := ts.createSession(ts.createAccount("ann", viewer)).access
	for round := range 3 {
		for i := range maxAttemptsPerName - 1 {
			if w := ts.login("ann", "guess", ""); w.Code != http.StatusUnauthorized {
				t.Fatalf("round %d, attempt %d: %d", round, i, w.Code)
			}
		}
		if w := ts.login("ann", testPassword, ""); w.Code != http.StatusOK {
			t.Fatalf("round %d: the tenth attempt is right: %d", round, w.Code)
		}
	}
	if n := scan[int](ts, "SELECT attempts FROM login_attempt WHERE subject = 'address 192.0.2.1'"); n != 3*(maxAttemptsPerName-1) {
		t.Errorf("the address has %d wrong attempts", n)
	}
	body := `{"username": "ann", "password": "guess"}`
	for i := range maxAttemptsPerName + 1 {
		want := http.StatusUnauthorized
		if i == maxAttemptsPerName {
			want = http.StatusTooManyRequests
		}
		if w := ts.send("", "POST", "/auth/login?dry_run=true", body); w.Code != want {
			t.Errorf("dry run %d: %d", i, w.Code)
		}
	}
	// Nor may it be guessed at by changing the password.
	if w := ts.send(me, "PATCH", "/account", `{"password": "a new horse for the battery", "current_password": "`+testPassword+`"}`); w.Code != http.StatusTooManyRequests {
		t.Errorf("a new password while the name is locked: %d %s", w.Code, w.Body)
	}
}

// TestLoginLimit_perAddress: a hundred attempts an address, with whatever names. Who is not trusted cannot say that it is another address.
func TestLoginLimit_perAddress(t *testing.T) {
	ts := newTestServer(t)
	ts.createAccount("ann", viewer)
	n := 0
	locked := func(ts *testServer, header ...string) bool {
		n++ // another name each time
		w := ts.send("", "POST", "/auth/login", fmt.Sprintf(`{"username": "nobody %d", "password": "guess"}`, n), header...)
		if w.Code != http.StatusTooManyRequests && w.Code != http.StatusUnauthorized {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return w.Code == http.StatusTooManyRequests
	}
	from := func(text string) string { return "X-Forwarded-For: " + text }
	// To be quick, most attempts are put there instead of made.
	exhaust := func(subject string) {
		ts.exec("INSERT INTO login_attempt (subject, attempts) VALUES ($1, $2) ON CONFLICT (subject) DO UPDATE SET attempts = $2, since = now()", subject, maxAttemptsPerAddress-1)
	}
	for range 3 { // and it is counted so
		locked(ts, from("203.0.113.5"))
	}
	if n := scan[int](ts, "SELECT attempts FROM login_attempt WHERE subject = 'address 203.0.113.5'"); n != 3 {
		t.Errorf("three attempts are counted as %d", n)
	}
	for _, c := range []struct {
		subject string
		first   string // takes the hundredth attempt
		locked  []string
		free    []string
	}{
		{"address 198.51.100.7", "198.51.100.7", []string{"198.51.100.7", "10.0.0.1, 198.51.100.7", " 198.51.100.7 ", "::ffff:198.51.100.7", "198.51.100.7, 192.0.2.1", "x, 198.51.100.7"}, []string{"198.51.100.8", "198.51.100.7, 198.51.100.8", "198.51.100.70"}},
		{"address 2001:db8:1:2::/64", "2001:db8:1:2::1", []string{"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:DB8:1:2::7", "2001:db8:1:2::1%eth0"}, []string{"2001:db8:1:3::1", "2001:db8::1"}},
		{"address 192.0.2.1", "", []string{"", "nonsense", "192.0.2.1", "198.51.100.9:80"}, []string{"198.51.100.10"}},
	} {
		exhaust(c.subject)
		header := func(text string) []string {
			if text == "" {
				return nil
			}
			return []string{from(text)}
		}
		if locked(ts, header(c.first)...) {
			t.Errorf("%s: attempt 100 is refused", c.subject)
		}
		for _, text := range c.locked {
			if !locked(ts.newInstance(), header(text)...) {
				t.Errorf("%s: %q is another one", c.subject, text)
			}
		}
		for _, text := range c.free {
			if locked(ts, header(text)...) {
				t.Errorf("%s: %q is the same one", c.subject, text)
			}
		}
	}
	if w := ts.login("ann", testPassword, "198.51.100.7"); w.Code != http.StatusTooManyRequests {
		t.Errorf("the right password from a locked address: %d", w.Code)
	}
	// Now that 192.0.2.1 is locked, it says to another instance, which trusts nobody, that it is somebody else.
	options := ts.options
	options.Access.TrustedProxies = nil
	direct := &testServer{T: t, Handler: New(options)}
	for _, header := range []string{"X-Forwarded-For: 198.51.100.44", "Forwarded: for=198.51.100.44", "X-Real-Ip: 198.51.100.44", "True-Client-Ip: 198.51.100.44"} {
		if !locked(direct, header) {
			t.Errorf("%s of somebody who is not trusted is believed", header)
		}
	}
	if locked(ts, from("198.51.100.44")) {
		t.Error("198.51.100.44 should be free")
	}
}

// TestLoginLimit_concurrent: attempts side by side are not more than ten either. Those of several addresses and names must not deadlock.
func TestLoginLimit_concurrent(t *testing.T) {
	ts := newTestServer(t)
	ts.createAccount("ann", viewer)
	instances := []*testServer{ts, ts.newInstance()}
	const many = 40
	responses := make([]*httptest.ResponseRecorder, many)
	var all sync.WaitGroup
	for i := range responses {
		all.Go(func() {
			responses[i] = instances[i%2].login("ann", "guess", fmt.Sprint("198.51.100.", i%4))
		})
	}
	all.Wait()
	statuses := statusesOf(t, responses)
	slices.Sort(statuses)
	if want := append(repeat(http.StatusUnauthorized, maxAttemptsPerName), repeat(http.StatusTooManyRequests, many-maxAttemptsPerName)...); !slices.Equal(statuses, want) {
		t.Errorf("%v", statuses)
	}
}

// TestLoginTiming: no such name, a wrong password and somebody disabled are told in the same words after the same time. The control is a
// request that is refused before anything is hashed: if it were not told apart, nothing would be.
func TestLoginTiming(t *testing.T) {
	ts := newTestServer(t)
	ts.createAccount("ann", viewer)
	ts.exec("UPDATE account SET disabled = true WHERE id = $1", ts.createAccount("off", viewer))
	bodies := []string{
		`{"username": "ann", "password": "guess"}`, `{"username": "nobody", "password": "guess"}`,
		`{"username": "off", "password": "guess"}`, `{"username": "off", "password": "` + testPassword + `"}`,
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
				if control := i == len(bodies)-1; control != (w.Code == http.StatusBadRequest) {
					t.Fatalf("%s: %d %s", body, w.Code, w.Body)
				} else if text := withoutRequestFields(w.Body.String()); !control && last != "" && (text != last || w.Code != http.StatusUnauthorized) {
					t.Fatalf("%s: %s differs from %s", body, text, last)
				} else if !control {
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
			t.Fatalf("the control is not told apart: %v", medians)
		}
		if same(1) && same(2) && same(3) {
			return
		}
		t.Logf("try %d: %v", try, medians)
	}
	t.Error("the times tell who there is")
}
