package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"labledger/internal/ledger"
	"labledger/internal/postgres"
	"labledger/internal/rules"
)

// recorded is the environment of commands on a database in which events were recorded.
func recorded(t *testing.T) []string {
	t.Helper()
	env := migrated(t, false)
	pool, err := postgres.Open(t.Context(), strings.TrimPrefix(env[0], "DATABASE_URL="))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	b := &ledger.Batch{Actor: "test"}
	for day := range int64(3) {
		for i := range 10 * (day + 1) {
			b.Events = append(b.Events, ledger.UserEvent{UserID: 7 + i%2, Event: rules.Event{Type: rules.Withdraw, Amount: rules.Cents(9000 + 500*(i%6)), Time: 86400*(20_000+day) + 100*i}})
		}
	}
	if _, err := ledger.New(pool, nil).RecordAll(t.Context(), b, false); err != nil {
		t.Fatal(err)
	}
	return env
}

const nothing = `Replayed 60 events of 2 users. Nothing was changed.
84 alerts recorded; the rules that were in force raise the same ones again.
(An event that breaks two rules counts for both.)

rule               recorded      added    removed       stay
30                       56          ·          ·         56
123                       0          ·          ·          0
300                       0          ·          ·          0
500                       0          ·          ·          0
1100                     28          ·          ·         28

risk               recorded      added    removed       stay
low                       0          ·          ·          0
medium                   84          ·          ·         84
high                      0          ·          ·          0

user               recorded      added    removed       stay
7                        37          ·          ·         37
8                        47          ·          ·         47

Alerts a day (= stays, + added, - removed):
2024-10-04 ========== 10
2024-10-05 ============================= 29
2024-10-06 ============================================= 45
`

const something = `Replayed 30 events of 1 users. Nothing was changed.
47 alerts recorded; 1 would be added, 19 removed, 28 stay.
(An event that breaks two rules counts for both.)

rule               recorded      added    removed       stay
30                       28         +1          ·         28
123                       0          ·          ·          0
300                       0          ·          ·          0
500                       0          ·          ·          0
1100                     19          ·        -19          0
`

func TestReplayCommand(t *testing.T) {
	t.Parallel()
	env := recorded(t)
	before := succeed(t, env, "", "psql", "-Atc", "SELECT event FROM event ORDER BY id; SELECT * FROM alert ORDER BY id; SELECT * FROM user_state; SELECT * FROM ruleset")
	want(t, "without changes", succeed(t, env, "", "replay"), nothing)
	out := succeed(t, env, "", "replay", "--user", "8", "1100:enabled=false", "30:limit=2")
	if !strings.HasPrefix(out, something) {
		t.Errorf("got\n%s\nwant\n%s", out, something)
	}
	says(t, out, "\n2024-10-05 ", "First differences, by user:\n+ 30    user 8, medium risk, 2024-10-04T00:05:00Z, event 0", "\n- 1100  user 8, medium risk, 2024-10-06T00:48:20Z, event 0")
	// Several settings of a rule in one word and in several, and the same range in three ways.
	one := succeed(t, env, "", "replay", "123:limit=150,applies_to=withdraw,window_seconds=3600", "500:enabled=false", "--from", "2024-10-05", "--to", "2024-10-06", "--format", "json")
	for _, args := range [][]string{
		{"123:limit=150.0", "123:applies_to=withdraw", "500:enabled=false", "123:window_seconds=3600", "--from=1728086400", "--to=1728172800", "--format=json"},
		{"--format=json", "--from=2024-10-05T00:00:00Z", "--to=2024-10-06T02:00:00+02:00", "123:limit=150,applies_to=withdraw", "500:enabled=false", "123:window_seconds=3600"},
	} {
		want(t, strings.Join(args, " "), succeed(t, env, "", append([]string{"replay"}, args...)...), one)
	}
	var answer ledger.Replay
	if err := json.Unmarshal([]byte(one), &answer); err != nil || answer.Events != 20 || answer.Users != 2 || answer.Added < 10 || answer.Removed != 0 || len(answer.ByDay) != 1 || answer.Truncated {
		t.Errorf("%v: %+v", err, answer)
	}
	if err := json.Unmarshal([]byte(succeed(t, env, "", "replay", "--limit=3", "--format=json", "1100:limit=0")), &answer); err != nil || len(answer.Differences) != 3 || !answer.Truncated || answer.Added != 32 {
		t.Errorf("%v: %+v", err, answer)
	}
	says(t, succeed(t, env, "", "replay", "1100:limit=0"), "(20 of 32; --format json lists them)")
	says(t, succeed(t, env, "", "replay", "1100:limit=99.99,enabled=true", "--to", "20"), "Replayed 0 events", "0 alerts recorded; nothing would be different.")
	want(t, "the ledger afterwards", succeed(t, env, "", "psql", "-Atc", "SELECT event FROM event ORDER BY id; SELECT * FROM alert ORDER BY id; SELECT * FROM user_state; SELECT * FROM ruleset"), before)
}

func TestReplayCommandRefuses(t *testing.T) {
	t.Parallel()
	env := migrated(t, false)
	for _, c := range []struct {
		args []string
		says []string
	}{
		{[]string{"123"}, []string{"123: must be like 123:limit=150"}},
		{[]string{"abc:limit=1"}, []string{"abc:limit=1: must be like 123:limit=150"}},
		{[]string{"99999999999:limit=1"}, []string{"must be like 123:limit=150"}},
		{[]string{"123:limit", "30:limit=x", "30:limit=-1", "123:limits=4", "500:enabled=yes", "500:window_seconds=1.5"}, []string{
			"\n  123:limit: must be like limit=150", "\n  30:limit=x: must be a number with at most two decimals", "\n  30:limit=-1: must be a number", "\n  123:limits=4: there is no such setting",
			"\n  500:enabled=yes: must be true or false", "\n  500:window_seconds=1.5: must be a whole number",
		}},
		{[]string{"30:limit=2,limit=3"}, []string{"30:limit=3: is given twice"}},
		{[]string{"30:limit=2", "30:limit=3"}, []string{"30:limit=3: is given twice"}},
		{[]string{"31:limit=2", "30:limit=2.5,window_seconds=3", "500:applies_to=all"}, []string{
			"\n  31:code: 31 is no rule", "\n  30:limit: must be a whole number", "\n  30:window_seconds: rule 30 has no window", "\n  500:applies_to: must be deposit, withdraw or any",
		}},
		{[]string{"--from", "yesterday", "--to=2024-13-01"}, []string{`--from: "yesterday" is no date`, `--to: "2024-13-01" is no date`}},
		{[]string{"--from=10", "--to=9", "--limit=100001"}, []string{"--to: must not be less than from", "--limit: must be a number from 1 to 100000"}},
		{[]string{"--limit=0"}, []string{"--limit: "}},
	} {
		r := run(t, env, "", append([]string{"replay"}, c.args...)...)
		if r.code != 1 || r.stdout != "" {
			t.Errorf("%q: exit code %d, %s", c.args, r.code, r.stdout)
		}
		says(t, r.stderr, append(c.says, "nothing was replayed")...)
	}
}

func TestLedgerCommands(t *testing.T) {
	t.Parallel()
	env := recorded(t)
	const clean = "2 users, 60 events, 57 alerts: all as it should be\n"
	want(t, "verify", succeed(t, env, "", "ledger", "verify"), clean)
	want(t, "rebuild", succeed(t, env, "", "ledger", "rebuild"), clean)

	succeed(t, env, "", "psql", "-qc", "UPDATE user_state SET risk = 'low', state = '{}' WHERE user_id = 8")
	r := run(t, env, "", "ledger", "verify")
	if r.code != 1 || r.stderr != "" {
		t.Errorf("exit code %d, %s", r.code, r.stderr)
	}
	says(t, r.stdout, "user 8: state\n  recorded:   {}\n  recomputed: {\"count\":30,", "user 8: risk\n  recorded:   low\n  recomputed: medium\n", "2 users, 60 events, 57 alerts: 2 differences\n")
	out := succeed(t, env, "", "ledger", "rebuild")
	says(t, out, "user 8: state (put right)\n", "user 8: risk (put right)\n", ": 2 differences, 2 of them put right\n")
	want(t, "verify after rebuild", succeed(t, env, "", "ledger", "verify"), clean)

	// What is wrong with an event stays, and is told.
	conn, err := pgx.Connect(t.Context(), strings.TrimPrefix(env[0], "DATABASE_URL="))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range []string{"SET session_replication_role = replica", "DELETE FROM alert WHERE id = (SELECT min(id::text)::uuid FROM alert)", "UPDATE user_state SET last_id = NULL WHERE user_id = 7"} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range []struct{ command, summary string }{
		{"verify", ": 2 differences\n"}, {"rebuild", ": 2 differences, 1 of them put right\n"}, {"verify", ": 1 differences\n"}, {"rebuild", ": 1 differences\n"},
	} {
		r := run(t, env, "", "ledger", c.command)
		if r.code != 1 {
			t.Errorf("%d, %s: exit code %d", i, c.command, r.code)
		}
		says(t, r.stdout, "user 8, event 0", ": alert\n  recorded:   none\n  recomputed: {1100}\n", c.summary)
	}
}
