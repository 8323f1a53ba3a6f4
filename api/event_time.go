package api

import (
	"fmt"
	"time"
)

// maxAge is how old an event may be whose time in other units validateTime recognizes.
const maxAge = 50 * 365 * 24 * time.Hour

// validateTime returns why an event may not have the time, in seconds since 1970, or "". An event that is more than
// maxAhead in the future is rejected: the windows of all later events of the user would begin at its time. If maxAhead
// is 0, any time is allowed.
func validateTime(seconds int64, now time.Time, maxAhead time.Duration) string {
	last := now.Unix() + int64(maxAhead/time.Second)
	if maxAhead == 0 || seconds <= last {
		return ""
	}
	reason := fmt.Sprintf("is %d, more than %s in the future", seconds, maxAhead)
	for _, unit := range []struct {
		name      string
		perSecond int64
	}{{"milliseconds", 1e3}, {"microseconds", 1e6}} {
		if converted := seconds / unit.perSecond; converted <= last && converted >= now.Add(-maxAge).Unix() {
			return fmt.Sprintf("%s; it looks like %s: send seconds, %d", reason, unit.name, converted)
		}
	}
	return reason + "; check the clock of the sender"
}
