//go:build timing

package authn_test

import (
	"slices"
	"testing"
	"time"

	"labledger/api/rest"
	"labledger/internal/apitest"
)

// This file measures the time of logins. It needs a quiet machine, so it has a build tag: see CONTRIBUTING.md.

// medianLoginTimes returns the median duration of a login with each body. It measures them in turn.
func medianLoginTimes(ts *apitest.Server, bodies []string) (medians []time.Duration) {
	elapsed := make([][]time.Duration, len(bodies))
	for range 15 {
		for i, body := range bodies {
			ts.Exec("DELETE FROM login_attempt")
			start := time.Now()
			ts.Send("", "POST", "/auth/login", body)
			elapsed[i] = append(elapsed[i], time.Since(start))
		}
	}
	for _, times := range elapsed {
		slices.Sort(times)
		medians = append(medians, times[len(times)/2])
	}
	return medians
}

// TestLoginTiming: logins with an unknown username, with a wrong password and to a disabled account take the same time.
// The control is a request that is rejected before hashing: its time must differ, or the test could not detect
// anything.
func TestLoginTiming(t *testing.T) {
	ts := apitest.New(t)
	ts.CreateAccount("ann", rest.Viewer)
	ts.Exec("UPDATE account SET disabled = true WHERE id = $1", ts.CreateAccount("off", rest.Viewer))
	bodies := []string{
		`{"username": "ann", "password": "guess"}`,
		`{"username": "nobody", "password": "guess"}`,
		`{"username": "off", "password": "guess"}`,
		`{"username": "off", "password": "` + apitest.Password + `"}`,
		`{"username": "ann", "password": "guess", "x": 1}`, // the control
	}
	for try := range 3 {
		medians := medianLoginTimes(ts, bodies)
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
