package schema_test

import (
	"strings"
	"testing"
)

// TestAlertInboxMigration: rules and rule sets get a severity and keep their versions. Older alerts get that of their
// codes.
func TestAlertInboxMigration(t *testing.T) {
	t.Parallel()
	pool, up := databaseBefore(t, "alert_inbox")
	mustExec(t, pool, `UPDATE rule SET "limit" = 7 WHERE code = 30`)
	insertAlerts(t, pool, `CASE time WHEN 1 THEN '[{"code": 30}, {"code": 500}]' WHEN 2 THEN '[{"code": 300}]' ELSE '[]' END::jsonb`)
	if err := up(); err != nil {
		t.Fatal(err)
	}
	for sql, want := range map[string]string{
		"SELECT string_agg(concat(code, ' ', severity, ' v', version), ', ' ORDER BY code) FROM rule": "30 warning v2, " +
			"123 warning v1, 300 info v1, 500 critical v1, 1100 critical v1",
		"SELECT string_agg(severity, ', ' ORDER BY time) FROM alert":                      "critical, info, warning",
		"SELECT count(*)::text FROM alert WHERE version > 1":                              "0",
		"SELECT count(*)::text FROM change WHERE after ? 'severity'":                      "0",
		"SELECT (SELECT rules FROM ruleset ORDER BY id DESC LIMIT 1) -> 3 ->> 'severity'": "critical",
		`SELECT (SELECT rules FROM ruleset ORDER BY id DESC LIMIT 1) =
			(SELECT jsonb_agg(to_jsonb(rule) ORDER BY code) FROM rule)`: "true",
	} {
		if got := strings.Join(queryStrings(t, pool, "SELECT ("+sql+")::text"), ", "); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
}

// TestSeverity: an alert has the greatest severity of its reasons.
func TestSeverity(t *testing.T) {
	t.Parallel()
	pool := poolWithLedger(t)
	for reasons, want := range map[string]string{
		`[]`:                                    "",
		`[{"code": 30, "severity": "info"}]`:    "info",
		`[{"code": 1100, "severity": "info"}]`:  "info",
		`[{"code": 300}]`:                       "info",
		`[{"code": 7}]`:                         "warning",
		`[{"code": 7, "severity": "critical"}]`: "critical",
		`[{"code": 30, "severity": "info"}, {"code": 7, "severity": "warning"}]`:                                     "warning",
		`[{"code": 1, "severity": "critical"}, {"code": 7, "severity": "info"}, {"code": 8, "severity": "warning"}]`: "critical",
	} {
		if got := queryStrings(t, pool, "SELECT coalesce(greatest_severity($1::text::jsonb), '')", reasons)[0]; got != want {
			t.Errorf("%s: %s, want %s", reasons, got, want)
		}
	}
}

// TestAlertUndo: an alert moves back to what its last change replaced, also if another session with another time zone
// made that change. It moves back to nothing else.
func TestAlertUndo(t *testing.T) {
	t.Parallel()
	pool := poolWithLedger(t)
	const snooze = "2999-01-01 08:00+00"
	for _, zone := range []string{"UTC", "Asia/Kathmandu"} {
		for _, sql := range []string{
			"UPDATE alert SET snoozed_until = '" + snooze + "', assignee = 'Bob' WHERE time = 1",
			"SET timezone = '" + zone + "'; UPDATE alert SET state = 'closed', note = 'n' WHERE time = 1; RESET timezone",
		} {
			mustExec(t, pool, sql)
		}
		for _, set := range []string{
			"state = 'open'",
			"state = 'open', note = NULL",
			"state = 'acknowledged', note = NULL, snoozed_until = '" + snooze + "'",
			"state = 'open', note = NULL, snoozed_until = timestamptz '" + snooze + "' + interval '1 microsecond'",
			"state = 'open', note = NULL, snoozed_until = '" + snooze + "', assignee = NULL",
			"state = 'open', note = NULL, snoozed_until = '" + snooze + "', disposition = 'confirmed'",
		} {
			assertRejected(t, pool, "UPDATE alert SET "+set+" WHERE time = 1", "23514")
		}
		mustExec(t, pool, "UPDATE alert SET state = 'open', note = NULL, snoozed_until = '"+snooze+"' WHERE time = 1")
		got := queryStrings(t, pool, `SELECT before ->> 'state' || ' ' || (after ->> 'snoozed_until') FROM alert_change
			ORDER BY at DESC, version DESC LIMIT 1`)[0]
		if want := "closed 2999-01-01T08:00:00+00:00"; got != want {
			t.Errorf("%s: the change is %s, want %s", zone, got, want)
		}
	}
}
