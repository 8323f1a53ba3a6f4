package api_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
)

// oracleTexts are texts of rows and of filters.
var oracleTexts = []string{
	"Box 2", "Box 10", "box 2", "Bóx 2", "BOX 2", "Box 02", "Box  2", "Straße", "STRASSE", "Ærø", "aero", "100%", "a_b",
	"aXb", `back\slash`, "Ωmega", "ωMEGA", "7", "10", "2", " spaced", "tab\tx", "quote'\"", "é", "e\u0301", "naïve",
	"line\nx", "box 🧊 2", "a,b", "$1", "%", strings.Repeat("A", 120) + "x", strings.Repeat("A", 120) + "y",
	strings.Repeat("A", 99), strings.Repeat("A", 100), strings.Repeat("A", 101), strings.Repeat("é", 100) + "1",
	strings.Repeat("é", 100) + "2",
}

// oracleWords are words of ?q=.
var oracleWords = []string{
	"box", "BÓX", "2", "10", "x", "strasse", "ß", "ærø", "%", "_", `\`, "ω", "7", "é", "aaa", "🧊", "nothing", "ann",
	"deposit", "0a:", "0a-0b", "00000000-0000-7000-8000-000000000003", "0000", "c4ca4238", "'", "99999999999999999",
}

// oracleRows are random rows. Few texts and numbers make many of their values equal.
func oracleRows(t *testing.T, pool *pgxpool.Pool, random *rand.Rand) {
	t.Helper()
	for _, table := range []string{"todo", "checkout", "container", "freezer", "computer", "site"} {
		pgtest.Exec(t, pool, "DELETE FROM "+table)
	}
	pgtest.Exec(t, pool, "ALTER TABLE todo DISABLE TRIGGER USER") // there are no alerts
	text := func() string { return oracleTexts[random.IntN(len(oracleTexts))] }
	maybe := func(value any) any {
		if random.IntN(3) == 0 {
			return nil
		}
		return value
	}
	day := func() string { return fmt.Sprintf("2026-0%d-0%d", 1+random.IntN(2), 1+random.IntN(3)) }
	pgtest.Exec(t, pool, "INSERT INTO account (username) VALUES ('Åsa'), ('ann'), ('Bob') ON CONFLICT DO NOTHING")
	pgtest.Exec(t, pool, "UPDATE account SET display_name = CASE id WHEN 1 THEN 'Bóx 2' ELSE 'Ærø' END WHERE id < 3")
	for i := range 6 {
		pgtest.Exec(t, pool, "INSERT INTO site (id, name, country) VALUES ($1, $2, $3)",
			i+1, text(), maybe([]string{"", text()}[random.IntN(2)]))
		pgtest.Exec(t, pool, "INSERT INTO freezer (id, name, site_id) VALUES ($1, $2, $3)", i+1, text(), 1+random.IntN(i+1))
	}
	for i := range 40 {
		mac := maybe(fmt.Sprintf("0a:0b:0c:00:00:%02x", i))
		pgtest.Exec(t, pool, "INSERT INTO computer (name, mac, site_id) VALUES ($1, $2::text::macaddr, $3)",
			text(), mac, 1+random.IntN(6))
		pgtest.Exec(t, pool, "INSERT INTO container (uuid, description, freezer_id) VALUES (md5($1)::uuid, $2, $3)",
			strconv.Itoa(i), maybe([]string{"", text()}[random.IntN(2)]), 1+random.IntN(6))
		storageRows(t, pool, random, i)
		pgtest.Exec(t, pool, `INSERT INTO todo (description, status, assignee, due_on, site_id, freezer_id, alert_id,
				created_at)
			VALUES ($1, $2, $3, $4::text::date, $5, $6, md5($7)::uuid, $8::text::timestamptz)`,
			text(), []string{"open", "done", "Dóne"}[random.IntN(3)],
			maybe([]string{"Åsa", "ann", "Bob"}[random.IntN(3)]),
			maybe(day()), maybe(1+random.IntN(6)), maybe(1+random.IntN(6)), maybe(strconv.Itoa(random.IntN(3))),
			day()+" 0"+strconv.Itoa(random.IntN(3))+":00:00.5Z")
		pgtest.Exec(t, pool, `INSERT INTO checkout (container_uuid, holder, due_on, purpose, amount, checked_out_at,
				returned_at, returned_by, outcome)
			VALUES (md5($1)::uuid, $2, $3::text::date, $4, $5::text::numeric, '2026-01-01Z', $6::text::timestamptz,
				CASE WHEN $6 IS NOT NULL THEN 'me' END, CASE WHEN $6 IS NOT NULL THEN 'returned' END)`,
			strconv.Itoa(i), []string{"Åsa", "ann", "Bob"}[random.IntN(3)],
			maybe([]string{day(), "2999-01-01"}[random.IntN(2)]), maybe(text()),
			[]string{"1.00", "2.50", "10.00"}[random.IntN(3)], maybe(day()+" 00:00:00Z"))
		pgtest.Exec(t, pool, `INSERT INTO stocktake (freezer_id, note, started_at, started_by, closed_at, closed_by)
			VALUES ($1, $2, $3::text::timestamptz, 'me', '2026-03-01 00:00:00.25Z', $4)`,
			1+random.IntN(6), maybe(strings.TrimSpace(text())), day()+" 00:00:00Z", text())
		codes, alert := "{}", any(nil)
		if random.IntN(2) == 0 {
			codes = []string{"{30}", "{300,30}", "{500}"}[random.IntN(3)]
			alert = fmt.Sprintf("00000000-0000-7000-9000-%012d", i)
		}
		pgtest.Exec(t, pool, `INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts,
				alert_codes, alert_id, created_at, actor, container_uuid)
			VALUES ($1, $2::text::uuid, $3, $4::text::numeric, $5, 100, 'low', 1, '{}', $6::text::integer[], $7::text::uuid,
				$8::text::timestamptz, $9, md5($10)::uuid)`,
			random.IntN(4), fmt.Sprintf("00000000-0000-7000-8000-%012d", i), []string{"deposit", "withdraw"}[random.IntN(2)],
			[]string{"1.00", "2.50", "10.00", "9.99"}[random.IntN(4)], random.IntN(5), codes, alert,
			day()+" 00:00:00Z", text(), maybe([]string{"0", "1", "deleted"}[random.IntN(3)]))
		if random.IntN(3) == 0 {
			pgtest.Exec(t, pool, `INSERT INTO event_void (user_id, id, event_id, reason, created_at, actor)
				SELECT user_id, gen_random_uuid(), id, 'wrong', now(), 'me' FROM event WHERE id = $1::text::uuid`,
				fmt.Sprintf("00000000-0000-7000-8000-%012d", i))
		}
	}
}

// storageRows gives container i random columns. Each fifth container has a grid, in which others lie.
func storageRows(t *testing.T, pool *pgxpool.Pool, random *rand.Rand, i int) {
	t.Helper()
	text := func() any {
		if random.IntN(2) == 0 {
			return nil
		}
		return []string{"box", "Bóx 2", "Strasse", "ærø"}[random.IntN(4)]
	}
	uuid := strconv.Itoa(i)
	pgtest.Exec(t, pool, `UPDATE container SET kind = $2, type = $3, project = $4, unit = $5, owner = $6
		WHERE uuid = md5($1)::uuid`,
		uuid, text(), text(), text(), text(), []any{nil, "Åsa", "ann", "Bob"}[random.IntN(4)])
	pgtest.Exec(t, pool, `UPDATE container SET barcode = $2, quantity = $3::text::numeric, thaw_count = $4,
			expires_on = $5::text::date
		WHERE uuid = md5($1)::uuid`,
		uuid, []any{nil, "BÓX-" + uuid}[random.IntN(2)], []any{nil, "1.5", "10", "2.50"}[random.IntN(4)], random.IntN(3),
		[]any{nil, "2026-01-02", "2026-02-01"}[random.IntN(3)])
	switch {
	case i%5 == 0:
		pgtest.Exec(t, pool, `UPDATE container SET rows = 3, columns = $2, scheme = $3, blocked = $4
			WHERE uuid = md5($1)::uuid`,
			uuid, 4+random.IntN(2), []string{"A1", "1-1", "1"}[random.IntN(3)], nil)
	case random.IntN(2) == 0:
		pgtest.Exec(t, pool, `UPDATE container SET parent_uuid = md5($2)::uuid, position_row = $3, position_column = $4
			WHERE uuid = md5($1)::uuid`,
			uuid, strconv.Itoa(i-i%5), 1+random.IntN(3), i%5)
	case random.IntN(3) == 0:
		pgtest.Exec(t, pool, "UPDATE container SET capacity = $2 WHERE uuid = md5($1)::uuid", uuid, 10+random.IntN(3))
	}
}
