package api

import (
	"strings"
	"testing"
	"time"
)

// now is the time of the tests: 2026-11-28 20:00:00 UTC.
var now = time.Unix(1795896000, 999)

func TestValidateTime(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	seconds := now.Unix()
	for _, c := range []struct {
		seconds  int64
		maxAhead time.Duration
		want     string // "" if the time is allowed
	}{
		{0, day, ""},
		{seconds, day, ""},
		{seconds + 86400, day, ""},
		{seconds + 86401, day, "is 1795982401, more than 24h0m0s in the future; check the clock of the sender"},
		{seconds + 1, time.Second, ""},
		{seconds + 2, time.Second, "is 1795896002, more than 1s in the future; check the clock of the sender"},
		{
			seconds * 1000, day,
			"is 1795896000000, more than 24h0m0s in the future; it looks like milliseconds: send seconds, 1795896000",
		},
		{
			seconds*1000000 + 1, day,
			"is 1795896000000001, more than 24h0m0s in the future; it looks like microseconds: send seconds, 1795896000",
		},
		{maxInteger, day, "is 9007199254740991, more than 24h0m0s in the future; check the clock of the sender"},
		{maxInteger, 0, ""},
		{seconds + 1<<33, 1<<63 - 1, ""},
	} {
		if got := validateTime(c.seconds, now, c.maxAhead); got != c.want {
			t.Errorf("validateTime(%d, now, %s) = %q, want %q", c.seconds, c.maxAhead, got, c.want)
		}
	}
}

// FuzzValidateTime: exactly the times in the future are rejected, and a suggested time is not.
func FuzzValidateTime(f *testing.F) {
	for _, seconds := range []int64{0, now.Unix(), now.Unix() * 1000, now.Unix() * 1000000, maxInteger} {
		f.Add(seconds, int64(24*time.Hour))
	}
	f.Fuzz(func(t *testing.T, seconds, maxAhead int64) {
		seconds, maxAhead = seconds&maxInteger, maxAhead&(1<<62-1)
		reason := validateTime(seconds, now, time.Duration(maxAhead))
		allowed := maxAhead == 0 || time.Unix(seconds, 0).Sub(now.Truncate(time.Second)) <=
			time.Duration(maxAhead).Truncate(time.Second)
		if allowed != (reason == "") {
			t.Errorf("%d, at most %d ahead: %q", seconds, maxAhead, reason)
		}
		if _, suggested, ok := strings.Cut(reason, "send seconds, "); ok {
			value, err := time.ParseDuration(suggested + "s")
			if again := validateTime(int64(value/time.Second), now, time.Duration(maxAhead)); err != nil || again != "" {
				t.Errorf("%q suggests a time that is rejected: %q, %v", reason, again, err)
			}
		}
	})
}
