package schema_test

import (
	"testing"

	"labledger/internal/pgtest"
)

// TestChangesetSummary: what a transaction did, in words.
func TestChangesetSummary(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ statements, want string }{
		{"INSERT INTO site (name) VALUES ('Harbour')", "created site Harbour"},
		{"INSERT INTO site (name) SELECT 'Site' FROM generate_series(1, 3)", "imported 3 sites"},
		{"INSERT INTO site (name) SELECT 'Site' FROM generate_series(1, 1234)", "imported 1,234 sites"},
		{"UPDATE site SET country = 'Chile' WHERE id = 1", "changed site Site 1"},
		{"UPDATE site SET country = 'Chile'; UPDATE site SET contact = 'Ada'", "changed 5 sites"},
		{"DELETE FROM computer WHERE id = 1", "deleted computer Computer 1"},
		{
			"WITH c AS (DELETE FROM container WHERE freezer_id = 3) DELETE FROM freezer WHERE id = 3",
			"deleted 3 check-outs, deleted freezer Small and deleted 5 containers",
		},
		{"INSERT INTO container (description, freezer_id) VALUES ('Box 99', 4)", "created Box 99 in Other"},
		{"INSERT INTO container (freezer_id, uuid) VALUES (4, repeat('9', 32)::uuid)",
			"created container 99999999-9999-9999-9999-999999999999 in Other"},
		{
			"INSERT INTO container (parent_uuid) SELECT uuid FROM container, generate_series(1, 4) WHERE description = 'Rack 1'",
			"imported 4 containers into Rack 1",
		},
		{"UPDATE container SET freezer_id = 4 WHERE description = 'Rack 3'", "moved 5 containers into Other"},
		{"UPDATE container SET project = 'P' WHERE description = 'Rack 3'", "changed Rack 3"},
		{"UPDATE container SET status = 'missing' WHERE description = 'Rack 3'", "marked as missing Rack 3"},
		{"INSERT INTO checkout (container_uuid, holder) SELECT uuid, 'Bob' FROM container WHERE description = 'Tube 11'",
			"checked out Tube 11"},
		{"UPDATE checkout SET returned_at = now(), returned_by = 'Bob', outcome = 'returned' WHERE id = 5",
			"checked in Tube 9"},
		{"UPDATE checkout SET due_on = '2031-01-01' WHERE id = 5", "changed check-out of Tube 9"},
		{"INSERT INTO stocktake (freezer_id) VALUES (4)", "started the stock-take of Other"},
		{"UPDATE stocktake SET closed_at = now() WHERE id = 3", "closed the stock-take of Box 4"},
		{"UPDATE account SET risk = 'high' WHERE username = 'Bob'", "changed user Bob"},
		{`UPDATE rule SET "limit" = 7 WHERE code = 30`, "changed rule Consecutive withdrawals"},
		{"UPDATE todo SET status = 'done'; UPDATE view SET shared = true", "changed 4 todos and changed view Mine"},
	} {
		t.Run(c.want, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Database(t)
			pgtest.ExecScript(t, url, undoLab)
			pgtest.ExecScript(t, url, "BEGIN; "+c.statements+"; COMMIT")
			conn := pgtest.Connect(t, url)
			const newest = "SELECT changeset_summary(max(changeset_id), $1) FROM change"
			if got := pgtest.QueryValue[string](t, conn, newest, ""); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestListChangesets_role: callers see no changes of accounts and views, unless they are admins.
func TestListChangesets_role(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.ExecScript(t, url, undoLab)
	pgtest.ExecScript(t, url, `UPDATE account SET risk = 'high' WHERE username = 'Bob'`)
	pgtest.ExecScript(t, url, `BEGIN; UPDATE account SET risk = 'low' WHERE username = 'Bob';
		UPDATE site SET country = 'Chile' WHERE id = 1; COMMIT`)
	conn := pgtest.Connect(t, url)
	for role, want := range map[string][]string{
		"admin":  {"2 changed site Site 1 and changed user Bob", "1 changed user Bob"},
		"":       {"2 changed site Site 1 and changed user Bob", "1 changed user Bob"},
		"viewer": {"1 changed site Site 1", "40 checked out 6 containers, started 3 stock-takes, closed the stock-take of -40C and 6 more kinds of changes"},
	} {
		got := pgtest.QueryColumn(t, conn, `SELECT changes || ' ' || summary FROM list_changesets($1) ORDER BY id DESC LIMIT 2`,
			role)
		if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
			t.Errorf("%q sees %q, want %q", role, got, want)
		}
	}
}
