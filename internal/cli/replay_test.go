package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"labledger/internal/ledger"
	"labledger/internal/postgres"
	"labledger/internal/rules"
)

// withEvents returns the environment of commands on a database with 60 recorded events of users 7 and 8.
func withEvents(t *testing.T) []string {
	t.Helper()
	env := migrated(t, false)
	pool, err := postgres.Open(t.Context(), databaseURL(env))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	batch := &ledger.Batch{Actor: "test"}
	for day := range int64(3) {
		for i := range 10 * (day + 1) {
			amount := rules.Cents(9000 + 500*(i%6))
			event := rules.Event{Type: rules.Withdraw, Amount: amount, Time: 86400*(20_000+day) + 100*i}
			batch.Events = append(batch.Events, ledger.UserEvent{UserID: 7 + i%2, Event: event})
		}
	}
	if _, err := ledger.New(pool, nil).RecordAll(t.Context(), batch, false); err != nil {
		t.Fatal(err)
	}
	return env
}

const replayUnchanged = `Replayed 60 events of 2 users. Nothing was stored.
84 recorded alerts: the rules that were in force raise the same alerts.
(An event that fires two rules counts twice.)

rule               recorded      added    removed  unchanged
30                       56          ·          ·         56
123                       0          ·          ·          0
300                       0          ·          ·          0
500                       0          ·          ·          0
1100                     28          ·          ·         28

risk               recorded      added    removed  unchanged
low                       0          ·          ·          0
medium                   84          ·          ·         84
high                      0          ·          ·          0

user               recorded      added    removed  unchanged
7                        37          ·          ·         37
8                        47          ·          ·         47

Alerts per day (= unchanged, + added, - removed):
2024-10-04 ========== 10
2024-10-05 ============================= 29
2024-10-06 ============================================= 45
`

const replayChangedStart = `Replayed 30 events of 1 users. Nothing was stored.
47 recorded alerts: 1 would be added, 19 removed, 28 unchanged.
(An event that fires two rules counts twice.)

rule               recorded      added    removed  unchanged
30                       28         +1          ·         28
123                       0          ·          ·          0
300                       0          ·          ·          0
500                       0          ·          ·          0
1100                     19          ·        -19          0
`

func TestReplay(t *testing.T) {
	t.Parallel()
	env := withEvents(t)
	ledgerRows := func() string {
		t.Helper()
		return mustRun(t, env, "", "psql", "-Atc", "SELECT event FROM event ORDER BY id; SELECT * FROM alert ORDER BY id; "+
			"SELECT * FROM user_state; SELECT * FROM ruleset")
	}
	replay := func(args ...string) string {
		t.Helper()
		return mustRun(t, env, "", append([]string{"replay"}, args...)...)
	}
	before := ledgerRows()
	assertEqual(t, "replay without changes", replay(), replayUnchanged)
	out := replay("--user", "8", "1100:enabled=false", "30:limit=2")
	if !strings.HasPrefix(out, replayChangedStart) {
		t.Errorf("got\n%s\nwant\n%s", out, replayChangedStart)
	}
	assertContains(t, out,
		"\n2024-10-05 ",
		"First differences, by user:\n+ 30    user 8, medium risk, 2024-10-04T00:05:00Z, event 0",
		"\n- 1100  user 8, medium risk, 2024-10-06T00:48:20Z, event 0")
	if strings.Contains(out, "have the outcome") {
		t.Errorf("without outcomes:\n%s", out)
	}

	// Settings of one rule in one argument or in several, and three formats of the same time range.
	want := replay("123:limit=150,applies_to=withdraw,window_seconds=3600", "500:enabled=false",
		"--from", "2024-10-05", "--to", "2024-10-06", "--format", "json")
	assertEqual(t, "one setting per argument", replay("123:limit=150.0", "123:applies_to=withdraw", "500:enabled=false",
		"123:window_seconds=3600", "--from=1728086400", "--to=1728172800", "--format=json"), want)
	assertEqual(t, "RFC 3339 times", replay("--format=json", "--from=2024-10-05T00:00:00Z",
		"--to=2024-10-06T02:00:00+02:00", "123:limit=150,applies_to=withdraw", "500:enabled=false",
		"123:window_seconds=3600"), want)

	parse := func(text string) (result ledger.Replay) {
		t.Helper()
		if err := json.Unmarshal([]byte(text), &result); err != nil {
			t.Fatal(err)
		}
		return result
	}
	r := parse(want)
	if r.Events != 20 || r.Users != 2 || r.Added < 10 || r.Removed != 0 || len(r.ByDay) != 1 || r.Truncated {
		t.Errorf("replay of one day: %+v", r)
	}
	r = parse(replay("--limit=3", "--format=json", "1100:limit=0"))
	if len(r.Differences) != 3 || !r.Truncated || r.Added != 32 {
		t.Errorf("replay with --limit=3: %+v", r)
	}
	assertContains(t, replay("1100:limit=0"), "(20 of 32; --format json lists more)")
	assertContains(t, replay("1100:limit=99.99,enabled=true", "--to", "20"),
		"Replayed 0 events", "0 recorded alerts: the changed rules raise the same alerts.")
	assertEqual(t, "ledger after replays", ledgerRows(), before)

	mustRun(t, env, "", "psql", "-qc", "UPDATE alert SET disposition = 'confirmed' WHERE user_id = 8 AND time < 86400 * 20001")
	confirmed := strings.TrimSpace(mustRun(t, env, "", "psql", "-Atc",
		"SELECT count(*) FROM alert WHERE disposition = 'confirmed' AND 1100 = ANY (alert_codes)"))
	assertContains(t, replay("--user", "8", "1100:enabled=false", "30:limit=2"),
		"\n"+confirmed+" of the removed alerts have the outcome confirmed.\n")
}

func TestReplay_rejectsInvalidArguments(t *testing.T) {
	t.Parallel()
	env := migrated(t, false)
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"123"}, []string{"123: must have the form 123:limit=150"}},
		{[]string{"abc:limit=1"}, []string{"abc:limit=1: must have the form 123:limit=150"}},
		{[]string{"99999999999:limit=1"}, []string{"must have the form 123:limit=150"}},
		{
			[]string{"123:limit", "30:limit=x", "30:limit=-1", "123:limits=4", "500:enabled=yes", "500:window_seconds=1.5"},
			[]string{
				"\n  123:limit: must have the form limit=150",
				"\n  30:limit=x: must be a number with at most two decimals",
				"\n  30:limit=-1: must be a number",
				"\n  123:limits=4: unknown setting; the settings are applies_to, limit, window_seconds and enabled",
				"\n  500:enabled=yes: must be true or false",
				"\n  500:window_seconds=1.5: must be an integer",
			},
		},
		{[]string{"30:limit=2,limit=3"}, []string{"30:limit=3: must not be set twice"}},
		{[]string{"30:limit=2", "30:limit=3"}, []string{"30:limit=3: must not be set twice"}},
		{
			[]string{"31:limit=2", "30:limit=2.5,window_seconds=3", "500:applies_to=all"},
			[]string{
				"\n  31:code: must be 30, 123, 300, 500 or 1100, got 31",
				"\n  30:limit: must be an integer from 1 to 1000000",
				"\n  30:window_seconds: rule 30 has no window; only rules 123 and 500 have one",
				"\n  500:applies_to: must be deposit, withdraw or any",
			},
		},
		{
			[]string{"--from", "yesterday", "--to=2024-13-01"},
			[]string{
				"\n  --from: must be a date (2026-01-31), an RFC 3339 time (2026-01-31T12:00:00Z) or Unix seconds, " +
					`got "yesterday"`,
				"\n  --to: must be a date (", `got "2024-13-01"`,
			},
		},
		{
			[]string{"--from=10", "--to=9", "--limit=100001"},
			[]string{"\n  --to: must not be less than from", "\n  --limit: must be an integer from 1 to 100000"},
		},
		{[]string{"--limit=0"}, []string{"\n  --limit: must be an integer from 1 to 100000"}},
	} {
		r := run(t, env, "", append([]string{"replay"}, c.args...)...)
		if r.Code != 1 || r.Stdout != "" {
			t.Errorf("%q: exit code %d, %s", c.args, r.Code, r.Stdout)
		}
		assertContains(t, r.Stderr, append(c.want, "replay: invalid arguments:")...)
	}
}
