package cli_test

import "testing"

func TestLedgerVerifyAndRebuild(t *testing.T) {
	t.Parallel()
	env := withEvents(t)
	const clean = "2 users, 60 events, 57 alerts: no differences\n"
	assertEqual(t, "verify", mustRun(t, env, "", "ledger", "verify"), clean)
	assertEqual(t, "rebuild", mustRun(t, env, "", "ledger", "rebuild"), clean)

	mustRun(t, env, "", "psql", "-qc", "UPDATE user_state SET risk = 'low', state = '{}' WHERE user_id = 8")
	r := run(t, env, "", "ledger", "verify")
	if r.Code != 1 || r.Stderr != "" {
		t.Errorf("verify of a damaged state: exit code %d, %s", r.Code, r.Stderr)
	}
	assertContains(t, r.Stdout,
		"user 8: state\n  recorded:   {}\n  recomputed: {\"count\":30,",
		"user 8: risk\n  recorded:   low\n  recomputed: medium\n",
		"2 users, 60 events, 57 alerts: 2 differences\n")
	assertContains(t, mustRun(t, env, "", "ledger", "rebuild"),
		"user 8: state (repaired)\n", "user 8: risk (repaired)\n", ": 2 differences, 2 of them repaired\n")
	assertEqual(t, "verify after rebuild", mustRun(t, env, "", "ledger", "verify"), clean)

	// A difference in an event or alert is only reported.
	execScript(t, databaseURL(env), `SET session_replication_role = replica;
		DELETE FROM alert WHERE id = (SELECT min(id::text)::uuid FROM alert);
		UPDATE user_state SET last_id = NULL WHERE user_id = 7`)
	for i, c := range []struct{ command, summary string }{
		{"verify", ": 2 differences\n"},
		{"rebuild", ": 2 differences, 1 of them repaired\n"},
		{"verify", ": 1 differences\n"},
		{"rebuild", ": 1 differences\n"},
	} {
		r := run(t, env, "", "ledger", c.command)
		if r.Code != 1 {
			t.Errorf("%d, %s: exit code %d", i, c.command, r.Code)
		}
		assertContains(t, r.Stdout, "user 8, event 0", ": alert\n  recorded:   none\n  recomputed: {1100}\n", c.summary)
	}
}
