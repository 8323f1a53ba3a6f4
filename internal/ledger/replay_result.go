package ledger

import "github.com/google/uuid"

// This file holds the result of a replay. Its comments are the documentation of the API.

// Replay shows the effect of changed rules on the recorded events.
type Replay struct {
	// Number of events in the requested range, of the requested user.
	Events int64 `json:"events"`
	// Number of users with such events.
	Users int64 `json:"users"`
	Counts
	// Number of removed alerts, by code, whose outcome is confirmed.
	RemovedConfirmed int64 `json:"removed_confirmed"`
	// The counts for each rule, ascending by code.
	ByCode []CodeCounts `json:"by_code"`
	// The counts for each risk level at the arrival of the event: low, medium, high.
	ByRisk []RiskCounts `json:"by_risk"`
	// The counts for users with alerts, most differences first, then by user ID; at most 1000 users.
	ByUser []UserCounts `json:"by_user"`
	// The counts for days with alerts, by the time of the event, ascending; at most the newest 10000 days.
	ByDay []DayCounts `json:"by_day"`
	// The added and removed alerts by user, in the order of arrival; at most the requested number.
	Differences []AlertDifference `json:"differences"`
	// True if not all differences are listed. The counts always include all of them.
	Truncated bool `json:"truncated"`
}

// Counts is the effect of the changed rules on the number of alerts.
type Counts struct {
	Added     int64 `json:"added"`     // Alerts, by code, that only the changed rules raise.
	Removed   int64 `json:"removed"`   // Recorded alerts, by code, that the changed rules do not raise.
	Unchanged int64 `json:"unchanged"` // Recorded alerts, by code, that the changed rules raise as well.
}

// increment counts one more alert.
func (n *Counts) increment(kind alertKind) {
	switch kind {
	case added:
		n.Added++
	case removed:
		n.Removed++
	case unchanged:
		n.Unchanged++
	}
}

// CodeCounts is the effect of the changed rules on the alerts of one code.
type CodeCounts struct {
	Code int32 `json:"code"` // Code of the rule.
	Counts
}

// RiskCounts is the effect of the changed rules on users with one risk level.
type RiskCounts struct {
	Risk string `json:"risk"` // Risk level at the arrival of the event: low, medium or high.
	Counts
}

// UserCounts is the effect of the changed rules on one user.
type UserCounts struct {
	UserID int64 `json:"user_id"` // ID of the user.
	Counts
}

// DayCounts is the effect of the changed rules on the events of one day.
type DayCounts struct {
	Day int64 `json:"day"` // Start of the day in UTC, in seconds since 1970: a multiple of 86400.
	Counts
}

// AlertDifference is an added or removed alert of one code.
type AlertDifference struct {
	EventID uuid.UUID `json:"event_id"` // ID of the event that raises the alert.
	UserID  int64     `json:"user_id"`  // ID of the user of the event.
	Time    int64     `json:"time"`     // Time of the event as the client sent it, in seconds since 1970.
	Code    int32     `json:"code"`     // Code of the rule.
	Risk    string    `json:"risk"`     // Risk level of the user at the arrival of the event.
	Change  string    `json:"change"`   // added or removed.
}
