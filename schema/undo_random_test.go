package schema_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/internal/pgtest"
)

// undoLab has rows of all tables with a history, and such that refer to each other. Some are never changed by a request,
// because their creation and deletion cannot be undone.
const undoLab = `
	SET labledger.actor = 'Jane';
	INSERT INTO site (id, name) SELECT n, 'Site ' || n FROM generate_series(4, 5) AS n;
	INSERT INTO freezer (id, name, site_id, capacity) VALUES (3, 'Small', 2, 8), (4, 'Other', 3, NULL);
	INSERT INTO computer (id, name, site_id) VALUES (3, 'Computer 3', 2);
	INSERT INTO container (uuid, description, freezer_id, rows, columns)
		SELECT lpad(n::text, 32, '0')::uuid, 'Rack ' || n, n, 3, 3 FROM generate_series(1, 3) AS n;
	INSERT INTO container (uuid, description, parent_uuid, position, rows, columns, barcode)
		SELECT lpad(n::text, 32, '0')::uuid, 'Box ' || n, lpad((1 + n % 3)::text, 32, '0')::uuid, 'A' || n / 3, 2, 2, 'B' || n
		FROM generate_series(4, 8) AS n;
	INSERT INTO container (uuid, description, parent_uuid, position, owner)
		SELECT lpad(n::text, 32, '0')::uuid, 'Tube ' || n, lpad((4 + n % 4)::text, 32, '0')::uuid, CASE WHEN n < 13 THEN 'B1' ELSE 'A1' END, 'Harry'
		FROM generate_series(9, 14) AS n;
	INSERT INTO checkout (container_uuid, holder, returned_at, returned_by, outcome)
		SELECT lpad(n::text, 32, '0')::uuid, 'Harry', now(), 'Jane', 'returned' FROM generate_series(4, 14, 3) AS n;
	INSERT INTO checkout (container_uuid, holder, due_on)
		SELECT lpad(n::text, 32, '0')::uuid, 'Bob', '2030-01-01' FROM generate_series(9, 14, 4) AS n;
	INSERT INTO stocktake (freezer_id) VALUES (1), (2);
	INSERT INTO stocktake (freezer_id, container_uuid) SELECT freezer_id, uuid FROM container WHERE description = 'Box 4';
	UPDATE stocktake SET closed_at = now() WHERE id = 2;
	INSERT INTO attachment (name, url, type, size, sha256, container_uuid)
		SELECT 'a.txt', '/media/aa/' || lpad(n::text, 26, 'a') || '.txt', 'text/plain', 1, repeat('0', 64),
			lpad(n::text, 32, '0')::uuid
		FROM generate_series(2, 10, 4) AS n;
	INSERT INTO attachment (name, url, type, size, sha256, site_id)
		VALUES ('b.txt', '/media/bb/' || repeat('b', 26) || '.txt', 'text/plain', 1, repeat('0', 64), 2);
	INSERT INTO todo (description, status, assignee, site_id) SELECT 'Todo', 'open', 'Harry', n FROM generate_series(1, 3) AS n;
	INSERT INTO todo (description, status, freezer_id) VALUES ('Defrost', 'open', 2);
	INSERT INTO view (name, noun, query) VALUES ('Mine', 'sites', 'q=x');
	UPDATE container SET status = 'discarded' WHERE description = 'Tube 10'`

// undoRequest returns the statements of a random request. Some of them fail, and then the request changes nothing.
func undoRequest(r *rand.Rand) (statements []string) {
	for range 1 + r.IntN(3) {
		statements = append(statements, undoStatement(r)...)
	}
	return statements
}

// undoStatement returns a random statement, or several that belong together.
func undoStatement(r *rand.Rand) []string {
	pick := func(from, to int) int { return from + r.IntN(to-from+1) }
	box := func() string { return fmt.Sprintf("'%032d'", pick(1, 18)) }
	position := func() string { return fmt.Sprintf("'%c%d'", 'A'+r.IntN(3), pick(1, 3)) }
	user := []string{"Bob", "Jane", "Harry"}[r.IntN(3)]
	one := func(format string, args ...any) []string { return []string{fmt.Sprintf(format, args...)} }
	switch r.IntN(40) {
	case 0:
		return one("INSERT INTO site (id, name) VALUES (%d, 'New')", pick(4, 8))
	case 1:
		return one("UPDATE site SET country = 'C%d' WHERE id BETWEEN %d AND %d", r.IntN(9), pick(1, 3), pick(2, 5))
	case 2:
		return one("DELETE FROM site WHERE id = %d", pick(4, 7))
	case 3:
		site := pick(1, 5)
		return one(`WITH c AS (DELETE FROM container USING freezer WHERE freezer.id = freezer_id AND site_id = %d),
			f AS (DELETE FROM freezer WHERE site_id = %[1]d), p AS (DELETE FROM computer WHERE site_id = %[1]d)
			DELETE FROM site WHERE id = %[1]d`, site)
	case 4:
		return one("INSERT INTO freezer (name, site_id) VALUES ('New', %d)", pick(1, 5))
	case 5:
		return one("UPDATE freezer SET site_id = %d, capacity = nullif(%d, 9) WHERE id = %d", pick(1, 5), pick(2, 9), pick(1, 5))
	case 6:
		return one("WITH c AS (DELETE FROM container WHERE freezer_id = %d) DELETE FROM freezer WHERE id = %[1]d", pick(1, 5))
	case 7:
		return one("INSERT INTO computer (name, site_id) VALUES ('New', %d)", pick(1, 5))
	case 8:
		return one("UPDATE computer SET mac = '08:00:2b:01:02:0%d', site_id = %d WHERE id = %d", r.IntN(9), pick(1, 5), pick(1, 4))
	case 9:
		return one("DELETE FROM computer WHERE id = %d", pick(1, 5))
	case 10:
		return one("INSERT INTO container (uuid, description, freezer_id, rows, columns) VALUES (%s, 'New', %d, 2, 2)",
			box(), pick(1, 5))
	case 11:
		return one("INSERT INTO container (uuid, description, parent_uuid, position) VALUES (%s, 'New', %s, %s)",
			box(), box(), position())
	case 12:
		return one(`INSERT INTO container (uuid, description, freezer_id, parent_uuid)
			VALUES ('%032d', 'Rack', %d, NULL), ('%032d', 'Box', NULL, '%032[1]d'), ('%032d', 'Tube', NULL, '%032[3]d')`,
			pick(15, 16), pick(1, 4), pick(17, 18), pick(19, 20))
	case 13, 14, 15:
		return one("UPDATE container SET parent_uuid = %s, position = %s WHERE uuid = %s", box(), position(), box())
	case 16:
		return one("UPDATE container SET parent_uuid = NULL, freezer_id = %d WHERE uuid = %s", pick(1, 5), box())
	case 17:
		return one("UPDATE container SET freezer_id = %d WHERE freezer_id = %d AND parent_uuid IS NULL", pick(1, 5), pick(1, 5))
	case 18:
		a, b := box(), box()
		return []string{
			"UPDATE container SET position = NULL WHERE uuid = " + a,
			fmt.Sprintf(`UPDATE container SET (parent_uuid, position) =
				(SELECT parent_uuid, 'A1' FROM container WHERE uuid = %s) WHERE uuid = %s`, a, b),
			fmt.Sprintf("UPDATE container SET position = %s WHERE uuid = %s", position(), a),
		}
	case 19:
		scheme := []string{"A1", "1-1", "1"}[r.IntN(3)]
		return one("UPDATE container SET scheme = '%s', rows = %d WHERE uuid = %s AND rows IS NOT NULL", scheme, pick(2, 4), box())
	case 20:
		return one("UPDATE container SET blocked = nullif('C%d', 'C4') WHERE uuid = %s AND rows = 3", pick(1, 4), box())
	case 21:
		a, b := box(), box()
		return []string{
			"UPDATE container SET barcode = NULL WHERE uuid = " + a,
			fmt.Sprintf("UPDATE container SET barcode = 'B%d' WHERE uuid = %s", pick(1, 12), b),
			fmt.Sprintf("UPDATE container SET barcode = 'B%d' WHERE uuid = %s", pick(1, 12), a),
		}
	case 22:
		status := []string{"stored", "missing", "discarded"}[r.IntN(3)]
		return one("UPDATE container SET status = '%s', status_reason = 'Why' WHERE uuid = %s", status, box())
	case 23:
		return one("UPDATE container SET thaw_count = thaw_count + 1, owner = '%s' WHERE freezer_id = %d", user, pick(1, 5))
	case 24:
		return one("DELETE FROM container WHERE uuid = %s", box())
	case 25:
		id := box()
		return one(`WITH RECURSIVE inside AS (SELECT %s::uuid AS uuid UNION ALL
			SELECT container.uuid FROM inside JOIN container ON parent_uuid = inside.uuid)
			DELETE FROM container USING inside WHERE container.uuid = inside.uuid`, id)
	case 26:
		id := box()
		return []string{
			"DELETE FROM container WHERE uuid = " + id,
			fmt.Sprintf("INSERT INTO container (uuid, description, freezer_id) VALUES (%s, 'Again', %d)", id, pick(1, 5)),
		}
	case 27:
		return one("UPDATE container SET uuid = '%032d' WHERE uuid = %s", pick(15, 20), box())
	case 28:
		return one("UPDATE checkout SET due_on = '2031-0%d-01', purpose = 'PCR' WHERE id = %d", pick(1, 9), pick(1, 6))
	case 29:
		return one("INSERT INTO stocktake (freezer_id) VALUES (%d)", pick(1, 5))
	case 30:
		return one("SELECT * FROM close_stocktake(%d, NULL, true, true, true)", pick(1, 5))
	case 31:
		return one("UPDATE attachment SET name = 'c%d.txt' WHERE id = %d", r.IntN(9), pick(1, 4))
	case 32:
		return one("INSERT INTO todo (description, status, owner) VALUES ('Todo', 'open', '%s')", user)
	case 33:
		return one("UPDATE todo SET status = 'done', assignee = '%s' WHERE id %% 3 = %d", user, r.IntN(3))
	case 34:
		return one("DELETE FROM todo WHERE id = %d", pick(1, 6))
	case 35:
		return one("INSERT INTO view (name, noun, query, owner) VALUES ('View %d', 'sites', 'q=y', '%s')", r.IntN(99), user)
	case 36:
		return one("UPDATE view SET query = 'q=%d', shared = true", r.IntN(9))
	case 37:
		return one("DELETE FROM view WHERE id %% 2 = %d", r.IntN(2))
	case 38:
		return one(`UPDATE rule SET "limit" = "limit" + 1, title = 'Title %d' WHERE code = 30`, r.IntN(9))
	default:
		return [][]string{
			one("UPDATE account SET risk = 'high', country = 'C%d' WHERE username = '%s'", r.IntN(9), user),
			{
				fmt.Sprintf("UPDATE account SET username = username || 'x' WHERE username = '%s'", user),
				fmt.Sprintf("UPDATE container SET owner = NULL WHERE owner = '%sx' AND thaw_count > 0", user),
			},
		}[r.IntN(2)]
	}
}

// auditedState returns all rows of the tables with a history, without their versions.
func auditedState(ctx context.Context, conn *pgx.Conn, tables []string) (string, error) {
	var parts []string
	for _, table := range tables {
		parts = append(parts, fmt.Sprintf(
			"SELECT %s || string_agg((to_jsonb(%s) - '{version,since}'::text[])::text, E'\\n' ORDER BY id) FROM %[2]s",
			"'"+table+"\n'", table))
	}
	sql := strings.ReplaceAll(strings.Join(parts, " UNION ALL "), "ORDER BY id) FROM rule", "ORDER BY code) FROM rule")
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return "", err
	}
	states, err := pgx.CollectRows(rows, pgx.RowTo[*string])
	text := ""
	for _, state := range states {
		if state != nil {
			text += *state + "\n"
		}
	}
	return text, err
}

// An undoRun makes random requests in a database and undoes them.
type undoRun struct {
	conn    *pgx.Conn
	random  *rand.Rand
	tables  []string
	touched map[string]int // undone changes by table and action
}

// request runs statements as one request, and returns its ID, or "" if it changed nothing.
func (u *undoRun) request(ctx context.Context, id string, statements ...string) (string, error) {
	sql := fmt.Sprintf("BEGIN; SELECT set_request_context('root', 'admin', '%s'); %s; COMMIT",
		id, strings.Join(statements, "; "))
	if err := u.conn.PgConn().Exec(ctx, sql).Close(); err != nil {
		_, rollbackErr := u.conn.Exec(ctx, "ROLLBACK")
		return "", errors.Join(err, rollbackErr)
	}
	var found *int64
	if err := u.conn.QueryRow(ctx, "SELECT find_changeset($1)", id).Scan(&found); err != nil || found == nil {
		return "", err
	}
	return id, nil
}

// sequence makes some requests and undoes them, newest first. Each undo must restore the state before its request.
func (u *undoRun) sequence(ctx context.Context, n int) error {
	var requests, states []string
	state, err := auditedState(ctx, u.conn, u.tables)
	if err != nil {
		return err
	}
	for i := range 1 + u.random.IntN(4) {
		statements := undoRequest(u.random)
		id, err := u.request(ctx, fmt.Sprintf("request-%d-%d", n, i), statements...)
		var pgErr *pgconn.PgError
		if errors.As(err, &pgErr) && pgErr.Code[:2] != "XX" || err == nil && id == "" {
			continue
		}
		if err != nil {
			return fmt.Errorf("%w: %q", err, statements)
		}
		requests, states = append(requests, id), append(states, state)
		if state, err = auditedState(ctx, u.conn, u.tables); err != nil {
			return err
		}
	}
	for i, id := range slices.Backward(requests) {
		undo := fmt.Sprintf("undo-%d-%d", n, i)
		if _, err := u.request(ctx, undo, fmt.Sprintf("SELECT undo_changeset('%s')", id)); err != nil {
			var pgErr *pgconn.PgError
			errors.As(err, &pgErr)
			return fmt.Errorf("%s: %w: %s\n%s", id, err, pgErr.Detail, u.history(ctx, id))
		}
		restored, err := auditedState(ctx, u.conn, u.tables)
		if err != nil {
			return err
		}
		if restored != states[i] {
			return fmt.Errorf("the undo of %s does not restore the state:\n%s\n%s",
				id, differingLines(restored, states[i]), u.history(ctx, id))
		}
		if err := u.count(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// differingLines returns the lines that only one of two texts has.
func differingLines(got, want string) string {
	var lines []string
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	for _, line := range gotLines {
		if !slices.Contains(wantLines, line) {
			lines = append(lines, "got  "+line)
		}
	}
	for _, line := range wantLines {
		if !slices.Contains(gotLines, line) {
			lines = append(lines, "want "+line)
		}
	}
	return strings.Join(lines, "\n")
}

// history returns the changes of a request as text.
func (u *undoRun) history(ctx context.Context, id string) string {
	rows, err := u.conn.Query(ctx, `SELECT concat_ws(' ', id, table_name, row_key, action, before, '→', after)
		FROM change WHERE request_id = $1 ORDER BY id`, id)
	if err != nil {
		return err.Error()
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err.Error()
	}
	return strings.Join(lines, "\n")
}

func (u *undoRun) count(ctx context.Context, id string) error {
	rows, err := u.conn.Query(ctx, "SELECT table_name || ' ' || action FROM change WHERE request_id = $1", id)
	if err != nil {
		return err
	}
	kinds, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, kind := range kinds {
		u.touched[kind]++
	}
	return err
}

// neverUndone are the changes of tables with a history that undo_changeset refuses.
var neverUndone = []string{
	"account insert", "account delete", "rule insert", "rule delete", "attachment insert", "attachment delete",
	"checkout insert", "stocktake_item insert", "stocktake_item update",
}

// TestUndo_randomRequests: requests that change random rows of all tables with a history, undone in reverse, leave the
// tables as they were, except for versions. UNDO_SEQUENCES=100000 makes more sequences. A new table with a history fails
// the test until its changes are among the requests.
func TestUndo_randomRequests(t *testing.T) {
	t.Parallel()
	const workers = 2
	total := fullRun(t, "UNDO_SEQUENCES", 400)
	touched := map[string]int{}
	var tables []string
	var mu sync.Mutex
	var group sync.WaitGroup
	for worker := range workers {
		url := pgtest.Database(t)
		pgtest.ExecScript(t, url, undoLab)
		conn := pgtest.Connect(t, url)
		tables = pgtest.QueryColumn(t, conn, `SELECT tgrelid::regclass::text FROM pg_trigger
			WHERE tgname = 'record_change' ORDER BY 1`)
		seed := rand.Uint64()
		run := &undoRun{conn, rand.New(rand.NewPCG(seed, 0)), tables, map[string]int{}}
		group.Go(func() {
			for n := range total / workers {
				if err := run.sequence(t.Context(), n); err != nil {
					t.Errorf("worker %d, seed %d, sequence %d: %v", worker, seed, n, err)
					break
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for kind, changes := range run.touched {
				touched[kind] += changes
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	for _, table := range tables {
		for _, action := range []string{"insert", "update", "delete"} {
			if kind := table + " " + action; touched[kind] == 0 && !slices.Contains(neverUndone, kind) {
				t.Errorf("no change was undone: %s", kind)
			}
		}
	}
	t.Logf("%v", touched)
}
