package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
)

// TestCountedEvents asks for the events behind reasons, among events of two users that came in turn.
func TestCountedEvents(t *testing.T) {
	pool := pgtest.Pool(t)
	for i, e := range []struct {
		user int
		kind string
		time int64
	}{
		{7, "deposit", 100}, // 0
		{8, "deposit", 100},
		{7, "withdraw", 110}, // 2
		{7, "deposit", 120},
		{8, "withdraw", 120},
		{7, "withdraw", 130}, // 5
		{7, "withdraw", 130},
		{7, "deposit", 131}, // 7
		{7, "withdraw", 160},
		{7, "deposit", 160}, // 9
		{8, "deposit", 160},
		{7, "withdraw", 190}, // 11: later than those asked for
	} {
		must(t, pool, fmt.Sprintf(`INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes, created_at, actor)
			VALUES (%d, '%s', '%s', 1, 0, %d, 'medium', 1, '{}', '{}', now(), '')`, e.user, numbered(i), e.kind, e.time))
	}
	for reason, want := range map[string]string{
		`{"code": 1100, "applies_to": "withdraw", "limit_at_risk": "100.00", "window_seconds": null}`:   "8",
		`{"code": 30, "applies_to": "withdraw", "limit_at_risk": "3.00", "window_seconds": null}`:       "5 6 8",
		`{"code": 30, "applies_to": "any", "limit_at_risk": "2.00", "window_seconds": null}`:            "7 8",
		`{"code": 30, "applies_to": "any", "limit_at_risk": "2.50", "window_seconds": null}`:            "6 7 8",
		`{"code": 300, "applies_to": "deposit", "limit_at_risk": "2.00", "window_seconds": null}`:       "3 7",
		`{"code": 300, "applies_to": "deposit", "limit_at_risk": "1000000.00", "window_seconds": null}`: "0 3 7",
		`{"code": 123, "applies_to": "deposit", "limit_at_risk": "200.00", "window_seconds": 30}`:       "7",
		`{"code": 123, "applies_to": "withdraw", "limit_at_risk": "200.00", "window_seconds": 30}`:      "5 6 8",
		`{"code": 123, "applies_to": "withdraw", "limit_at_risk": "200.00", "window_seconds": 29}`:      "8",
		`{"code": 500, "applies_to": "any", "limit_at_risk": "1.00", "window_seconds": 0}`:              "8",
		`{"code": 500, "applies_to": "any", "limit_at_risk": "1.00", "window_seconds": 40}`:             "3 5 6 7 8",
		`{"code": 500, "applies_to": "any", "limit_at_risk": "1.00", "window_seconds": 3600}`:           "0 2 3 5 6 7 8",
	} {
		if got := counted(t, pool, 7, 8, reason); got != want {
			t.Errorf("%s counted %s, not %s", reason, got, want)
		}
	}
	must(t, pool, `INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes, created_at, actor)
		SELECT 9, ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'deposit', 1, 0, 50, 'medium', 1, '{}', '{}', now(), '' FROM generate_series(1000, 2500) AS n`)
	for _, reason := range []string{
		`{"code": 500, "applies_to": "any", "limit_at_risk": "1.00", "window_seconds": 60}`,
		`{"code": 300, "applies_to": "deposit", "limit_at_risk": "1200.00", "window_seconds": null}`,
	} {
		all := strings.Fields(counted(t, pool, 9, 2400, reason))
		if len(all) != 1000 || all[0] != "1401" || all[999] != "2400" {
			t.Errorf("%s counted %d events, %v…", reason, len(all), all[:min(3, len(all))])
		}
	}
}

func numbered(i int) string { return fmt.Sprintf("00000000-0000-7000-8000-%012d", i) }

// counted are the numbers of the events that a reason counted, in the order in which they are answered.
func counted(t *testing.T, pool *pgxpool.Pool, user, event int, reason string) string {
	t.Helper()
	return strings.Join(texts(t, pool, `SELECT right(id::text, 12)::bigint::text FROM counted_events($1::text::bigint, $2::text::uuid, $3::text::jsonb) AS id`,
		fmt.Sprint(user), numbered(event), reason), " ")
}

// TestSettleHistory restores a ledger from another cluster, whose transactions had greater numbers, in any one of the three tables.
func TestSettleHistory(t *testing.T) {
	const numbers = `SELECT format('%s %s %s', (SELECT string_agg(DISTINCT (xid = 0)::text, ' ') FROM change), (SELECT string_agg(DISTINCT (xid = 0)::text, ' ') FROM event), (SELECT string_agg(DISTINCT (xid = 0)::text, ' ') FROM alert))`
	for table, foreign := range map[string]string{
		"event": `INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes, created_at, actor, xid)
			VALUES (1, gen_random_uuid(), 'deposit', 1, 1, 1, 'low', 1, '{}', '{}', now(), '', 1000000000000)`,
		"alert": `INSERT INTO alert SELECT (json_populate_record(a, json_build_object('event_id', e.id, 'user_id', 1, 'xid', 1000000000000))).* FROM alert a,
			LATERAL (SELECT id FROM event WHERE user_id = 1) AS e WHERE a.time = 1`,
		"change": `INSERT INTO change (actor, table_name, row_key, action, xid) VALUES ('', 'site', '1', 'insert', 1000000000000)`,
	} {
		t.Run(table, func(t *testing.T) {
			pool := withLedger(t)
			must(t, pool, `INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes, created_at, actor)
				VALUES (1, gen_random_uuid(), 'deposit', 1, 1, 1, 'low', 1, '{}', '{}', now(), '')`)
			if got := texts(t, pool, "SELECT settle_history()::text")[0]; got != "0" {
				t.Errorf("a ledger of this cluster: %s rows were settled", got)
			}
			if got := texts(t, pool, numbers)[0]; got != "false false false" {
				t.Errorf("numbers that are 0, by table: %s", got)
			}
			before := texts(t, pool, "SELECT (alert_change)::text FROM alert_change UNION ALL SELECT (to_jsonb(alert) - 'xid')::text FROM alert ORDER BY 1")
			must(t, pool, foreign)
			want := texts(t, pool, "SELECT ((SELECT count(*) FROM change) + (SELECT count(*) FROM event) + (SELECT count(*) FROM alert))::text")[0]
			if got := texts(t, pool, "SELECT settle_history()::text")[0]; got != want {
				t.Errorf("%s rows were settled, not %s", got, want)
			}
			if got := texts(t, pool, numbers)[0]; got != "true true true" {
				t.Errorf("numbers that are 0, by table: %s", got)
			}
			after := texts(t, pool, "SELECT (alert_change)::text FROM alert_change UNION ALL SELECT (to_jsonb(alert) - 'xid')::text FROM alert WHERE user_id = 7 ORDER BY 1")
			if strings.Join(after, "\n") != strings.Join(before, "\n") {
				t.Errorf("settling changed more:\n%s\n---\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
			}
			if off := texts(t, pool, "SELECT tgname::text FROM pg_trigger WHERE tgenabled <> 'O'"); len(off) > 0 {
				t.Error("it leaves triggers switched off:", off)
			}
			if got := texts(t, pool, "SELECT settle_history()::text")[0]; got != "0" {
				t.Errorf("and again: %s rows were settled", got)
			}
		})
	}
}
