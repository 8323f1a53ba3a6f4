//go:build timing

package auth

import (
	"slices"
	"testing"
	"time"
)

// This file measures the time of password checks. It needs a quiet machine, so it has a build tag: see CONTRIBUTING.md.

// An unknown account takes as long as a wrong password, so response times do not reveal which accounts exist.
func TestVerifyTiming_unknownAccount(t *testing.T) {
	p, ctx := NewPasswords(), t.Context()
	phc, err := p.Hash(ctx, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	var ratio float64
	for range 3 { // other processes may disturb a measurement
		durations := map[string][]time.Duration{}
		for range 15 {
			for _, stored := range []string{phc, ""} {
				start := time.Now()
				if ok, err := p.Verify(ctx, "wrong horse", stored); err != nil || ok {
					t.Fatalf("Verify against %q = %v, %v", stored, ok, err)
				}
				durations[stored] = append(durations[stored], time.Since(start))
			}
		}
		slices.Sort(durations[phc])
		slices.Sort(durations[""])
		if ratio = float64(durations[""][7]) / float64(durations[phc][7]); 0.7 < ratio && ratio < 1.4 {
			return
		}
	}
	t.Errorf("an unknown account takes %.2f times as long as a wrong password", ratio)
}
