package schema_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/internal/pgtest"
)

// movers is the number of concurrent writers, movedContainers the number of containers that they choose from.
const (
	movers          = 16
	movedContainers = 60
)

// movesLab are four freezers. Two of them hold few containers directly.
const movesLab = `
	INSERT INTO freezer (id, name, site_id, capacity) VALUES (3, 'Small', 1, 6), (4, 'Smaller', 1, 3);
	INSERT INTO container (uuid, freezer_id)
	SELECT lpad(n::text, 32, '0')::uuid, 1 + n % 2 FROM generate_series(1, 60) AS n`

// placeViolations are queries that count what the schema excludes. They read the grid of a parent from its own columns,
// not from the copies in its contents. Each query is one statement, so that it sees one state of the database.
var placeViolations = map[string]string{
	"two in one position": `
		SELECT count(*) FROM (
			SELECT FROM container WHERE position IS NOT NULL GROUP BY parent_uuid, position HAVING count(*) > 1
			UNION ALL
			SELECT FROM container WHERE position_row IS NOT NULL
			GROUP BY parent_uuid, position_row, position_column HAVING count(*) > 1
		) AS position`,
	"position outside the grid": `
		SELECT count(*)
		FROM container
		LEFT JOIN container AS parent ON parent.uuid = container.parent_uuid
		WHERE num_nonnulls(container.position, container.position_row, container.position_column) > 0
		  AND (
			container.position_row BETWEEN 1 AND parent.rows
			AND container.position_column BETWEEN 1 AND parent.columns
			AND container.position <> ALL (string_to_array(coalesce(parent.blocked, ''), ', '))
			AND container.position = CASE parent.scheme
				WHEN 'A1' THEN chr(64 + container.position_row) || container.position_column
				WHEN '1-1' THEN concat(container.position_row, '-', container.position_column)
				ELSE ((container.position_row - 1) * parent.columns + container.position_column)::text
			END
		  ) IS NOT TRUE`,
	"cycle": `
		WITH RECURSIVE ancestor AS (
			SELECT uuid, parent_uuid FROM container
			UNION ALL
			SELECT ancestor.uuid, parent.parent_uuid
			FROM ancestor
			JOIN container AS parent ON parent.uuid = ancestor.parent_uuid
		) CYCLE parent_uuid SET is_cycle USING path
		SELECT count(DISTINCT uuid) FROM ancestor WHERE is_cycle`,
	"wrong freezer": `
		WITH RECURSIVE inside AS (
			SELECT uuid, freezer_id AS root_freezer, freezer_id, depth, 0 AS level FROM container WHERE parent_uuid IS NULL
			UNION ALL
			SELECT container.uuid, root_freezer, container.freezer_id, container.depth, level + 1
			FROM inside
			JOIN container ON container.parent_uuid = inside.uuid
			WHERE level < 100
		)
		SELECT count(*) FROM inside WHERE freezer_id <> root_freezer OR depth <> level OR level > 15`,
	"more than the capacity": `
		SELECT (
			SELECT count(*) FROM container AS parent WHERE (
				SELECT count(*) FROM container WHERE container.parent_uuid = parent.uuid
			) > coalesce(capacity, rows * columns - coalesce(array_length(string_to_array(blocked, ','), 1), 0))
		) + (
			SELECT count(*) FROM freezer WHERE capacity < (
				SELECT count(*) FROM container WHERE container.freezer_id = freezer.id AND parent_uuid IS NULL
			)
		)`,
	"wrong copy": `
		SELECT count(*)
		FROM container
		LEFT JOIN container AS parent ON parent.uuid = container.parent_uuid
		WHERE container.parent_uuid IS NOT NULL AND parent.uuid IS NULL
		   OR (container.parent_depth, container.parent_layout) IS DISTINCT FROM (parent.depth, parent.layout)
		   OR container.layout <> concat(
			container.rows || 'x' || container.columns || ' ' || container.scheme,
			' ' || replace(container.blocked, ', ', ',')
		   )`,
}

// violations returns how often each rule is violated, without those that hold.
func violations(ctx context.Context, q pgtest.Querier) (map[string]int, error) {
	found := map[string]int{}
	for rule, sql := range placeViolations {
		var n int
		if err := q.QueryRow(ctx, sql).Scan(&n); err != nil {
			return nil, fmt.Errorf("%s: %w", rule, err)
		}
		if n > 0 {
			found[rule] = n
		}
	}
	return found, nil
}

// A mover generates random statements on the containers of a lab.
type mover struct{ *rand.Rand }

func (m mover) uuid() string {
	return fmt.Sprintf("'%s'", fmt.Sprintf("00000000-0000-0000-0000-%012d", 1+m.IntN(movedContainers)))
}

// choose returns one of the values.
func (m mover) choose(values ...string) string { return values[m.IntN(len(values))] }

func (m mover) parent() string {
	if m.IntN(4) == 0 {
		return "NULL"
	}
	return m.uuid()
}

func (m mover) freezer() string { return strconv.Itoa(1 + m.IntN(4)) }

// position returns a label of a small grid, in one of the schemes.
func (m mover) position() string {
	row, column := 1+m.IntN(3), 1+m.IntN(3)
	switch m.IntN(5) {
	case 0:
		return "NULL"
	case 1:
		return fmt.Sprintf("'%d-%d'", row, column)
	case 2:
		return fmt.Sprintf("'%d'", row*column)
	default:
		return fmt.Sprintf("'%c%d'", 'A'+row-1, column)
	}
}

func (m mover) grid() string {
	if m.IntN(4) == 0 {
		return "rows = NULL, columns = NULL, blocked = NULL, capacity = " + m.choose("NULL", "2", "4")
	}
	return fmt.Sprintf("rows = %d, columns = %d, scheme = '%s', blocked = %s, capacity = NULL",
		1+m.IntN(3), 1+m.IntN(3), m.choose("A1", "A1", "1-1", "1"), m.choose("NULL", "NULL", "blocked", m.position()))
}

// statement returns one random statement.
func (m mover) statement() string {
	switch n := m.IntN(100); {
	case n < 10:
		return fmt.Sprintf("INSERT INTO container (uuid, freezer_id) VALUES (%s, %s)", m.uuid(), m.freezer())
	case n < 20:
		return fmt.Sprintf(`INSERT INTO container (uuid, freezer_id, parent_uuid, position)
			VALUES (%s, %s, %s, %s)`, m.uuid(), m.choose("NULL", "NULL", m.freezer()), m.uuid(), m.position())
	case n < 28:
		return fmt.Sprintf(`INSERT INTO container (uuid, freezer_id, parent_uuid, position)
			SELECT place.uuid, parent.freezer_id, parent.uuid, %s
			FROM (VALUES (%s::uuid, %s::uuid)) AS place (uuid, parent_uuid)
			JOIN container AS parent ON parent.uuid = place.parent_uuid
			ON CONFLICT (uuid) DO UPDATE SET
				freezer_id = excluded.freezer_id, parent_uuid = excluded.parent_uuid, position = excluded.position`,
			m.position(), m.uuid(), m.uuid())
	case n < 50:
		return fmt.Sprintf("UPDATE container SET parent_uuid = %s, position = %s WHERE uuid = %s",
			m.parent(), m.position(), m.uuid())
	case n < 55:
		return fmt.Sprintf("UPDATE container SET parent_uuid = %s WHERE uuid IN (%s, %s)",
			m.parent(), m.uuid(), m.uuid())
	case n < 67:
		return fmt.Sprintf("UPDATE container SET position = %s WHERE uuid = %s", m.position(), m.uuid())
	case n < 74:
		return fmt.Sprintf("UPDATE container SET freezer_id = %s WHERE uuid = %s", m.freezer(), m.uuid())
	case n < 75:
		return fmt.Sprintf("UPDATE container SET freezer_id = %s WHERE freezer_id = %s AND depth < 2",
			m.freezer(), m.freezer())
	case n < 92:
		return fmt.Sprintf("UPDATE container SET %s WHERE uuid = %s", m.grid(), m.uuid())
	case n < 94:
		return fmt.Sprintf("UPDATE freezer SET capacity = %s WHERE id = %s", m.choose("NULL", "6", "20"), m.freezer())
	case n < 97:
		return "DELETE FROM container WHERE uuid = " + m.uuid()
	default:
		return fmt.Sprintf("UPDATE container SET description = '%d' WHERE uuid = %s", m.IntN(10), m.uuid())
	}
}

// transaction returns one statement, or a transaction of several, and the number of statements.
func (m mover) transaction() (sql string, statements int) {
	if m.IntN(4) > 0 {
		return m.statement(), 1
	}
	list := []string{"BEGIN"}
	for range 2 + m.IntN(3) {
		list = append(list, m.statement())
	}
	return strings.Join(append(list, "COMMIT"), ";\n"), len(list) - 1
}

// isExpected reports whether a random statement may fail with an error: a constraint, a deadlock or a lock timeout.
func isExpected(pgErr *pgconn.PgError) bool {
	return strings.HasPrefix(pgErr.Code, "23") || pgErr.Code == "40P01" || pgErr.Code == "55P03"
}

// A moveRun counts what random moves did.
type moveRun struct {
	left   atomic.Int64 // statements that may still begin
	mu     sync.Mutex
	errors map[string]int
	done   int
}

// work runs random transactions until no statements are left.
func (r *moveRun) work(ctx context.Context, url string, seed uint64) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	m := mover{rand.New(rand.NewPCG(seed, 7))}
	for {
		sql, statements := m.transaction()
		if r.left.Add(-int64(statements)) < 0 {
			return nil
		}
		_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
		code := "success"
		var pgErr *pgconn.PgError
		if errors.As(err, &pgErr) && isExpected(pgErr) {
			code = pgErr.Code
			_, err = conn.PgConn().Exec(ctx, "ROLLBACK").ReadAll()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
		r.mu.Lock()
		r.errors[code]++
		r.done += statements
		r.mu.Unlock()
	}
}

// moveRandomly runs n random statements as the server's role. It returns the violations that it finds while they run
// and at the end.
func moveRandomly(t *testing.T, url string, n int) (found map[string]int) {
	t.Helper()
	pgtest.ExecScript(t, url, `DO $$ BEGIN
		EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''20ms''', current_database());
	END $$`)
	observer := pgtest.Connect(t, url)
	run := &moveRun{errors: map[string]int{}}
	run.left.Store(int64(n))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	start, failed := time.Now(), make(chan error, movers)
	for i := range movers {
		go func() {
			failed <- run.work(ctx, pgtest.ServerURL(url), uint64(i)) // #nosec G115
		}()
	}
	found = map[string]int{}
	look := func() {
		now, err := violations(t.Context(), observer)
		if err != nil {
			t.Error(err)
		}
		for rule, count := range now {
			found[rule] = max(found[rule], count)
		}
	}
	for working := movers; working > 0; {
		select {
		case err := <-failed:
			working--
			if err != nil {
				t.Error(err)
				cancel()
			}
		case <-time.After(100 * time.Millisecond):
			look()
		}
	}
	look()
	lab := pgtest.QueryValue[string](t, observer, `
		SELECT format('%s containers, %s nested, %s with a position, depth %s',
			count(*), count(parent_uuid), count(position), max(depth))
		FROM container`)
	var outcomes []string
	for _, code := range slices.Sorted(maps.Keys(run.errors)) {
		outcomes = append(outcomes, fmt.Sprintf("%s %d", code, run.errors[code]))
	}
	t.Logf("%d statements, %.0f/s: %s; %s", run.done, float64(run.done)/time.Since(start).Seconds(),
		strings.Join(outcomes, ", "), lab)
	return found
}

// fullRun returns the number in an environment variable, for runs that take minutes, or else a small one.
func fullRun(t *testing.T, variable string, small int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return small
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// TestRandomMoves: whatever concurrent transactions do, no place is violated. STORAGE_MOVES=1000000 makes more moves.
func TestRandomMoves(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.ExecScript(t, url, movesLab)
	if found := moveRandomly(t, url, fullRun(t, "STORAGE_MOVES", 2000)); len(found) > 0 {
		t.Errorf("violations: %v", found)
	}
}

// TestRandomMoves_control: without the trigger and the constraints, the same moves violate every rule.
func TestRandomMoves_control(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.ExecScript(t, url, movesLab)
	pgtest.ExecScript(t, url, "DROP TRIGGER set_place ON container; DROP TRIGGER assert_freezer_fits ON freezer")
	pgtest.ExecScript(t, url, withoutPlaceConstraints)
	found := moveRandomly(t, url, 2000)
	for rule := range placeViolations {
		if found[rule] == 0 {
			t.Errorf("no violation found: %s", rule)
		}
	}
}

// withoutPlaceConstraints drops what guarantees places without the trigger.
const withoutPlaceConstraints = `
	ALTER TABLE container
		DROP CONSTRAINT container_parent_uuid_fkey,
		DROP CONSTRAINT container_place_unique,
		DROP CONSTRAINT container_position_unique,
		DROP CONSTRAINT container_position_in_the_grid,
		DROP CONSTRAINT container_parent_uuid_with_its_copies,
		DROP CONSTRAINT container_layout_from_the_grid,
		DROP CONSTRAINT container_scheme_null_without_rows,
		DROP CONSTRAINT container_depth_one_more_than_parent_depth`
