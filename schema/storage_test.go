package schema_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/internal/pgtest"
)

// storageLab is a small lab. A name with a colon stands for the UUID of a container.
const storageLab = `
	INSERT INTO freezer (id, name, site_id, capacity) VALUES (3, 'Small', 1, 2);
	INSERT INTO container (uuid, description, freezer_id, parent_uuid, capacity) VALUES
		(:rack, 'Rack', 1, NULL, 3),
		(:drawer, 'Drawer', 2, NULL, NULL),
		(:tray, 'Tray', NULL, :rack, NULL);
	INSERT INTO container (uuid, description, freezer_id, parent_uuid, rows, columns, scheme, blocked) VALUES
		(:box, 'Box', NULL, :tray, 10, 10, 'A1', 'C3, C4'),
		(:pairs, 'Pairs', 1, NULL, 12, 8, '1-1', NULL),
		(:numbers, 'Numbers', 1, NULL, 2, 3, '1', NULL),
		(:tall, 'Tall', 1, NULL, 100, 2, 'A1', NULL);
	INSERT INTO container (uuid, description, parent_uuid, position) VALUES
		(:tube, 'Tube', :box, 'B4'),
		(:vial, 'Vial', :box, 'J10');
	INSERT INTO container (uuid, description, freezer_id, barcode) VALUES
		(:loose, 'Loose', 2, 'L-1'),
		(:small1, 'Small 1', 3, NULL),
		(:new, ' ', 2, NULL);
	DELETE FROM container WHERE uuid = :new`

// withUUIDs replaces the names of containers in SQL.
var withUUIDs = func() func(sql string) string {
	var pairs []string
	for i, name := range []string{
		"rack", "drawer", "tray", "box", "pairs", "numbers", "tall", "tube", "vial", "loose", "small1", "new",
	} {
		pairs = append(pairs, ":"+name, fmt.Sprintf("'00000000-0000-4000-8000-%012d'", i+1))
	}
	return strings.NewReplacer(pairs...).Replace
}()

// A storageCase is a statement as typed into psql. want is its error (SQLSTATE, column or constraint, and message), or
// the containers that it changed: name, version, place and grid. The version of the containers of the lab is 1.
type storageCase struct{ sql, want string }

// changedContainers lists the containers that were changed after a change, each with as many changes as new versions.
const changedContainers = `
	SELECT coalesce(string_agg(concat(
		state.description, CASE
			WHEN container.uuid IS NULL THEN ' deleted'
			ELSE concat(
				' v', container.version, ' freezer ', container.freezer_id,
				', ' || container.position, ' in ' || parent.description,
				', depth ' || nullif(container.depth, 0),
				', grid ' || nullif(container.layout, ''),
				', capacity ' || container.capacity,
				', barcode ' || container.barcode
			)
		END,
		CASE WHEN changes <> container.version - former THEN format(' with %s changes', changes) END
	), '; ' ORDER BY state.id), 'nothing')
	FROM (
		SELECT
			row_key::uuid AS uuid,
			count(*) FILTER (WHERE change.id > $1) AS changes,
			coalesce(max((coalesce(after, before) ->> 'version')::bigint) FILTER (WHERE change.id <= $1), 0) AS former,
			max((coalesce(after, before) ->> 'id')::bigint) AS id,
			(array_agg(coalesce(after, before) ->> 'description' ORDER BY change.id DESC))[1] AS description
		FROM change
		WHERE table_name = 'container'
		GROUP BY row_key
		HAVING max(change.id) > $1
	) AS state
	LEFT JOIN container USING (uuid)
	LEFT JOIN container AS parent ON parent.uuid = container.parent_uuid`

// runStorageCases runs each statement in a transaction of its own that is rolled back.
func runStorageCases(t *testing.T, cases []storageCase) {
	t.Helper()
	url := pgtest.Database(t)
	conn := pgtest.Connect(t, url)
	pgtest.ExecScript(t, url, withUUIDs(storageLab))
	last := pgtest.QueryValue[int64](t, conn, "SELECT max(id) FROM change")
	for _, c := range cases {
		if got := storageResult(t, conn, withUUIDs(c.sql), last); got != c.want {
			t.Errorf("%s\n got  %s\n want %s", strings.TrimSpace(c.sql), got, c.want)
		}
	}
}

// storageResult runs a statement, rolls it back and returns its error or the containers that it changed.
func storageResult(t *testing.T, conn *pgx.Conn, sql string, last int64) string {
	t.Helper()
	mustExec(t, conn, "BEGIN")
	defer mustExec(t, conn, "ROLLBACK")
	_, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
	if err == nil {
		_, err = conn.Exec(t.Context(), "SET CONSTRAINTS ALL IMMEDIATE")
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		message := ": " + pgErr.Message
		if pgErr.ConstraintName != "" {
			message = ""
		}
		return strings.TrimSpace(pgErr.Code+" "+pgErr.ColumnName+pgErr.ConstraintName) + message
	}
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return pgtest.QueryValue[string](t, conn, changedContainers, last)
}

func TestStorage_position(t *testing.T) {
	t.Parallel()
	const (
		tubeTo = "UPDATE container SET position = '%s' WHERE uuid = :tube"
		moveTo = "UPDATE container SET parent_uuid = %s, position = '%s' WHERE uuid = :tube"
		insert = "INSERT INTO container (uuid, description, parent_uuid, position) VALUES (:new, 'New', %s, %s)"
	)
	at := func(format string, args ...any) string { return fmt.Sprintf(format, args...) }
	runStorageCases(t, []storageCase{
		// Labels.
		{at(tubeTo, "a1"), "Tube v2 freezer 1, A1 in Box, depth 3"},
		{at(tubeTo, " J009\t"), "Tube v2 freezer 1, J9 in Box, depth 3"},
		{at(tubeTo, "b04"), "nothing"},
		{at(moveTo, ":pairs", "12-08"), "Tube v2 freezer 1, 12-8 in Pairs, depth 1"},
		{at(moveTo, ":pairs", "1 - 1"), "Tube v2 freezer 1, 1-1 in Pairs, depth 1"},
		{at(moveTo, ":numbers", "006"), "Tube v2 freezer 1, 6 in Numbers, depth 1"},
		{at(moveTo, ":tall", "cv2"), "Tube v2 freezer 1, CV2 in Tall, depth 1"},
		{at(insert, ":box", "'d1'"), "New v2 freezer 1, D1 in Box, depth 3"},
		{at(insert, ":box", "NULL"), "New v2 freezer 1 in Box, depth 3"},
		// Positions that the grid does not have.
		{at(tubeTo, "A0"), "23514 position: must be from A1 to J10"},
		{at(tubeTo, "A11"), "23514 position: must be from A1 to J10"},
		{at(tubeTo, "K1"), "23514 position: must be from A1 to J10"},
		{at(tubeTo, "1-1"), "23514 position: must be from A1 to J10"},
		{at(tubeTo, ""), "23514 position: must be from A1 to J10"},
		{at(tubeTo, "A99999999999999999999"), "23514 position: must be from A1 to J10"},
		{at(moveTo, ":tall", "CW1"), "23514 position: must be from A1 to CV2"},
		{at(moveTo, ":pairs", "13-1"), "23514 position: must be from 1-1 to 12-8"},
		{at(moveTo, ":pairs", "1-9"), "23514 position: must be from 1-1 to 12-8"},
		{at(moveTo, ":numbers", "7"), "23514 position: must be from 1 to 6"},
		{at(moveTo, ":numbers", "0"), "23514 position: must be from 1 to 6"},
		{at(moveTo, ":rack", "A1"), "23514 position: needs a parent with a grid"},
		{at(moveTo, "NULL", "A1"), "23514 position: needs a parent with a grid"},
		{at(insert, ":tray", "'A1'"), "23514 position: needs a parent with a grid"},
		// Positions that cannot be used.
		{at(tubeTo, "c3"), "23514 position: C3 is blocked"},
		{at(tubeTo, "j10"), "23505 position: J10 of Box is taken by Vial"},
		{at(insert, ":box", "'B4'"), "23505 position: B4 of Box is taken by Tube"},
		{
			`UPDATE container SET description = NULL, barcode = 'V-1' WHERE uuid = :vial;
				UPDATE container SET position = 'J10' WHERE uuid = :tube`,
			"23505 position: J10 of Box is taken by V-1",
		},
		{
			`UPDATE container SET description = ' ' WHERE uuid = :vial;
				UPDATE container SET position = 'J10' WHERE uuid = :tube`,
			"23505 position: J10 of Box is taken by 00000000-0000-4000-8000-000000000009",
		},
		{
			`INSERT INTO container (uuid, description, parent_uuid, position)
				VALUES (:new, 'New', :box, 'E1'), (gen_random_uuid(), 'Newer', :box, 'e01')`,
			"23505 position: E1 of Box is taken by New",
		},
		// Row and column determine the label, too.
		{
			"UPDATE container SET position_row = 7 WHERE uuid = :tube",
			"Tube v2 freezer 1, G4 in Box, depth 3",
		},
		{
			"UPDATE container SET position = 'A1', position_row = 7 WHERE uuid = :tube",
			"Tube v2 freezer 1, A1 in Box, depth 3",
		},
		{
			"UPDATE container SET parent_uuid = :pairs, position_row = 12 WHERE uuid = :tube",
			"Tube v2 freezer 1, 12-4 in Pairs, depth 1",
		},
		{
			"INSERT INTO container (uuid, parent_uuid, position_row, position_column) VALUES (:new, :numbers, 2, 1)",
			" v2 freezer 1, 4 in Numbers, depth 1",
		},
		{"UPDATE container SET position_row = NULL WHERE uuid = :tube", "Tube v2 freezer 1 in Box, depth 3"},
		{"UPDATE container SET position_row = 0 WHERE uuid = :tube", "23514 position: must be from A1 to J10"},
		{"UPDATE container SET position_row = 2147483647 WHERE uuid = :tube", "23514 position: must be from A1 to J10"},
		{"UPDATE container SET position_column = -2147483648 WHERE uuid = :tube",
			"23514 position: must be from A1 to J10"},
		{"UPDATE container SET position_column = NULL WHERE uuid = :tube", "23514 position: must be from A1 to J10"},
		{"UPDATE container SET position_column = 3, position_row = 3 WHERE uuid = :tube",
			"23514 position: C3 is blocked"},
		{
			"INSERT INTO container (parent_uuid, position_row) VALUES (:numbers, 2)",
			"23514 position: must be from 1 to 6",
		},
		// Several rows in one statement are checked one by one.
		{
			`UPDATE container SET position = CASE position WHEN 'B4' THEN 'J10' ELSE 'B4' END
				WHERE parent_uuid = :box`,
			"23505 position: J10 of Box is taken by Vial",
		},
		{
			"UPDATE container SET position_row = position_row - 1 WHERE parent_uuid = :box",
			"Tube v2 freezer 1, A4 in Box, depth 3; Vial v2 freezer 1, I10 in Box, depth 3",
		},
		{"UPDATE container SET position = NULL WHERE uuid = :tube", "Tube v2 freezer 1 in Box, depth 3"},
	})
}
