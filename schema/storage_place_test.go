package schema_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestStorage_nesting(t *testing.T) {
	t.Parallel()
	// chain creates containers, each in the one before: container 0 lies in no other.
	chain := func(length int) string {
		return fmt.Sprintf(`INSERT INTO container (uuid, description, freezer_id, parent_uuid)
			SELECT
				lpad(n::text, 32, '0')::uuid, 'Chain', CASE n WHEN 0 THEN 1 END,
				CASE WHEN n > 0 THEN lpad((n - 1)::text, 32, '0')::uuid END
			FROM generate_series(0, %d) AS n`, length)
	}
	moved := func(tray, box, tube, vial string) string {
		return strings.Join([]string{tray, box, tube, vial}, "; ")
	}
	runStorageCases(t, []storageCase{
		// The freezer follows the outermost container. Each container has one new version and one change.
		{
			"UPDATE container SET freezer_id = 2 WHERE uuid = :rack",
			"Rack v2 freezer 2, capacity 3; " + moved(
				"Tray v2 freezer 2 in Rack, depth 1",
				"Box v2 freezer 2 in Tray, depth 2, grid 10x10 A1 C3,C4",
				"Tube v2 freezer 2, B4 in Box, depth 3",
				"Vial v2 freezer 2, J10 in Box, depth 3",
			),
		},
		{
			"UPDATE container SET parent_uuid = :drawer WHERE uuid = :rack",
			"Rack v2 freezer 2 in Drawer, depth 1, capacity 3; " + moved(
				"Tray v2 freezer 2 in Rack, depth 2",
				"Box v2 freezer 2 in Tray, depth 3, grid 10x10 A1 C3,C4",
				"Tube v2 freezer 2, B4 in Box, depth 4",
				"Vial v2 freezer 2, J10 in Box, depth 4",
			),
		},
		{
			"UPDATE container SET parent_uuid = :drawer, freezer_id = 2, description = 'x' WHERE uuid = :box",
			"x v2 freezer 2 in Drawer, depth 1, grid 10x10 A1 C3,C4; " +
				"Tube v2 freezer 2, B4 in x, depth 2; Vial v2 freezer 2, J10 in x, depth 2",
		},
		{
			"UPDATE container SET parent_uuid = :numbers, position = '2' WHERE uuid = :loose",
			"Loose v2 freezer 1, 2 in Numbers, depth 1, barcode L-1",
		},
		// A container and what lies in it, in one statement.
		{
			"UPDATE container SET freezer_id = 2 WHERE uuid IN (:box, :rack, :tray)",
			"Rack v2 freezer 2, capacity 3; " + moved(
				"Tray v2 freezer 2 in Rack, depth 1",
				"Box v2 freezer 2 in Tray, depth 2, grid 10x10 A1 C3,C4",
				"Tube v2 freezer 2, B4 in Box, depth 3",
				"Vial v2 freezer 2, J10 in Box, depth 3",
			),
		},
		// The freezer of a nested container.
		{
			"INSERT INTO container (freezer_id, parent_uuid) VALUES (2, :rack)",
			"23514 freezer_id: must be 1, the freezer of the parent",
		},
		{
			"UPDATE container SET freezer_id = 3, parent_uuid = :rack WHERE uuid = :loose",
			"23514 freezer_id: must be 1, the freezer of the parent",
		},
		{
			"INSERT INTO container (description) VALUES ('nowhere')",
			"23514 freezer_id: is required, unless the container lies in another one",
		},
		{
			"UPDATE container SET parent_uuid = NULL, freezer_id = NULL WHERE uuid = :tube",
			"23514 freezer_id: is required, unless the container lies in another one",
		},
		{"INSERT INTO container (freezer_id) VALUES (99)", "23503 container_freezer_id_fkey"},
		{"UPDATE container SET freezer_id = 99 WHERE uuid = :tube", "23503 container_freezer_id_fkey"},
		{"UPDATE container SET parent_uuid = :new WHERE uuid = :tube",
			"23514 parent_uuid: refers to no existing container"},
		{"INSERT INTO container (uuid, parent_uuid) VALUES (:new, :new)",
			"23514 parent_uuid: refers to no existing container"},
		// Cycles.
		{"UPDATE container SET parent_uuid = :rack WHERE uuid = :rack",
			"23514 parent_uuid: must not be the container itself or one inside it"},
		{"UPDATE container SET parent_uuid = :tray WHERE uuid = :rack",
			"23514 parent_uuid: must not be the container itself or one inside it"},
		{"UPDATE container SET parent_uuid = :box, position = 'A1' WHERE uuid = :rack",
			"23514 parent_uuid: must not be the container itself or one inside it"},
		{
			`UPDATE container SET parent_uuid = CASE uuid WHEN :drawer THEN :loose::uuid ELSE :drawer END
				WHERE uuid IN (:drawer, :loose)`,
			"23514 parent_uuid: must not be the container itself or one inside it",
		},
		{
			`INSERT INTO container (uuid, freezer_id, parent_uuid) VALUES (:rack, 1, :tray)
				ON CONFLICT (uuid) DO UPDATE SET parent_uuid = excluded.parent_uuid`,
			"23514 parent_uuid: must not be the container itself or one inside it",
		},
		// Depth.
		{chain(16), "23514 container_depth_at_most_15"},
		{
			chain(15) + "; DELETE FROM container WHERE description = 'Chain'",
			strings.TrimSuffix(strings.Repeat("Chain deleted; ", 16), "; "),
		},
		{
			chain(14) + "; UPDATE container SET parent_uuid = :tray WHERE uuid = lpad('', 32, '0')::uuid",
			"23514 container_depth_at_most_15",
		},
	})
}

func TestStorage_takingOut(t *testing.T) {
	t.Parallel()
	runStorageCases(t, []storageCase{
		{"UPDATE container SET parent_uuid = NULL WHERE uuid = :tube", "Tube v2 freezer 1"},
		{"UPDATE container SET freezer_id = 2 WHERE uuid = :tube", "Tube v2 freezer 2"},
		{"UPDATE container SET parent_uuid = NULL, freezer_id = 2, position = NULL WHERE uuid = :tube",
			"Tube v2 freezer 2"},
		{"UPDATE container SET freezer_id = 1 WHERE uuid = :tube", "nothing"},
		{
			"UPDATE container SET freezer_id = 2 WHERE uuid = :box",
			"Box v2 freezer 2, grid 10x10 A1 C3,C4; Tube v2 freezer 2, B4 in Box, depth 1; " +
				"Vial v2 freezer 2, J10 in Box, depth 1",
		},
		{
			`INSERT INTO container (uuid, description, freezer_id) VALUES (:tube, 'Taken out', 2)
				ON CONFLICT (uuid) DO UPDATE SET description = excluded.description, freezer_id = excluded.freezer_id`,
			"Taken out v2 freezer 2",
		},
		{"UPDATE container SET freezer_id = 2, position = 'A1' WHERE uuid = :tube",
			"23514 position: needs a parent with a grid"},
		// A container keeps its position in another grid, if that has the position.
		{"UPDATE container SET parent_uuid = :tall WHERE uuid = :tube", "23514 position: must be from A1 to CV2"},
		{"UPDATE container SET parent_uuid = :rack WHERE uuid = :tube", "Tube v2 freezer 1 in Rack, depth 1"},
		{
			`INSERT INTO container (uuid, description, freezer_id, rows, columns) VALUES (:new, 'New', 1, 4, 4);
				UPDATE container SET parent_uuid = :new WHERE uuid = :tube`,
			"Tube v2 freezer 1, B4 in New, depth 1; New v2 freezer 1, grid 4x4 A1",
		},
	})
}

func TestStorage_grid(t *testing.T) {
	t.Parallel()
	const setBox = "UPDATE container SET %s WHERE uuid = :box"
	box := func(values string) string { return fmt.Sprintf(setBox, values) }
	contents := func(grid, tube, vial string) string {
		return fmt.Sprintf("Box v2 freezer 1 in Tray, depth 2, grid %s; Tube v2 freezer 1, %s in Box, depth 3; "+
			"Vial v2 freezer 1, %s in Box, depth 3", grid, tube, vial)
	}
	runStorageCases(t, []storageCase{
		{box("columns = 12"), contents("10x12 A1 C3,C4", "B4", "J10")},
		{box("scheme = '1-1'"), contents("10x10 1-1 3-3,3-4", "2-4", "10-10")},
		{box("scheme = '1', blocked = NULL"), contents("10x10 1", "14", "100")},
		{box("scheme = '1', columns = 12, blocked = '1'"), contents("10x12 1 1", "16", "118")},
		{box("blocked = ' d4,A01 ,a1'"), contents("10x10 A1 A1,D4", "B4", "J10")},
		{box("blocked = 'C4,C3'"), "nothing"},
		{box("blocked = ''"), contents("10x10 A1", "B4", "J10")},
		{box("rows = 9"), "23505 rows: would leave no position for Vial, which is at J10"},
		{box("columns = 3, blocked = NULL"), "23505 rows: would leave no position for Tube, which is at B4"},
		{box("blocked = 'B4'"), "23505 blocked: would leave no position for Tube, which is at B4"},
		{box("rows = NULL, columns = NULL, blocked = NULL"),
			"23505 rows: would leave no position for Tube, which is at B4"},
		{
			"UPDATE container SET position = NULL WHERE parent_uuid = :box; " +
				box("rows = NULL, columns = NULL, blocked = NULL"),
			"Box v2 freezer 1 in Tray, depth 2; Tube v3 freezer 1 in Box, depth 3; Vial v3 freezer 1 in Box, depth 3",
		},
		{
			"DELETE FROM container WHERE uuid = :vial; " + box("rows = 2, columns = 4, blocked = NULL"),
			"Box v2 freezer 1 in Tray, depth 2, grid 2x4 A1; Tube v2 freezer 1, B4 in Box, depth 3; Vial deleted",
		},
		{box("columns = 2"), "23514 blocked: must list positions of the grid, but it has no C3, C4"},
		{box("blocked = 'A1,,K9, x'"), "23514 blocked: must list positions of the grid, but it has no , K9, x"},
		{box("rows = 101"), "23514 container_rows_from_1_to_100"},
		{box("rows = 0, blocked = NULL"), "23505 rows: would leave no position for Tube, which is at B4"},
		{"UPDATE container SET rows = 0 WHERE uuid = :numbers", "23514 container_rows_from_1_to_100"},
		{box("rows = NULL, columns = NULL"), "23514 blocked: needs rows and columns"},
		{"UPDATE container SET rows = 2 WHERE uuid = :drawer", "23514 container_columns_set_together_with_rows"},
		{"UPDATE container SET columns = 2 WHERE uuid = :drawer", "23514 container_columns_set_together_with_rows"},
		{"UPDATE container SET rows = 2, columns = 0 WHERE uuid = :drawer", "23514 container_columns_from_1_to_100"},
		{"UPDATE container SET rows = 2, columns = 2 WHERE uuid = :drawer", "Drawer v2 freezer 2, grid 2x2 A1"},
		{"UPDATE container SET rows = 1, columns = 2, scheme = 'B' WHERE uuid = :drawer",
			"23514 container_scheme_one_of_the_known"},
		{"UPDATE container SET scheme = '1' WHERE uuid = :drawer", "nothing"},
		{"UPDATE container SET rows = 1, columns = 2 WHERE uuid = :rack", "23514 container_capacity_null_with_rows"},
		{"UPDATE container SET columns = 3, rows = 3, scheme = NULL WHERE uuid = :numbers",
			"Numbers v2 freezer 1, grid 3x3 A1"},
	})
}

func TestStorage_capacity(t *testing.T) {
	t.Parallel()
	const (
		fillRack  = "INSERT INTO container (parent_uuid) VALUES (:rack), (:rack); "
		fillSmall = "UPDATE container SET freezer_id = 3 WHERE uuid = :loose; "
		fullRack  = "23505 parent_uuid: is full: Rack holds at most 3 containers"
		fullSmall = "23505 freezer_id: is full: Small holds at most 2 containers directly"
	)
	runStorageCases(t, []storageCase{
		{fillRack + "INSERT INTO container (parent_uuid) VALUES (:rack)", fullRack},
		{"INSERT INTO container (parent_uuid) SELECT :rack FROM generate_series(1, 3)", fullRack},
		{fillRack + "UPDATE container SET parent_uuid = :rack, position = NULL WHERE uuid = :tube", fullRack},
		{
			fillRack + "DELETE FROM container WHERE description IS NULL; " +
				"UPDATE container SET parent_uuid = :rack WHERE uuid IN (:loose, :small1)",
			"Loose v2 freezer 1 in Rack, depth 1, barcode L-1; Small 1 v2 freezer 1 in Rack, depth 1; " +
				" deleted;  deleted",
		},
		{
			fillRack + "UPDATE container SET description = 'x' WHERE description IS NULL; DELETE FROM container " +
				"WHERE description = 'x'",
			"x deleted; x deleted",
		},
		{"UPDATE container SET capacity = 1 WHERE uuid = :rack", "Rack v2 freezer 1, capacity 1"},
		{fillRack + "UPDATE container SET capacity = 2 WHERE uuid = :rack",
			"23505 capacity: is less than the number of containers inside"},
		{"UPDATE container SET capacity = 0 WHERE uuid = :drawer", "23514 container_capacity_from_1_to_100000"},
		// A grid holds one container per position that is not blocked, also without positions.
		{
			"INSERT INTO container (parent_uuid) SELECT :numbers FROM generate_series(1, 7)",
			"23505 parent_uuid: is full: Numbers holds at most 6 containers",
		},
		{
			`INSERT INTO container (parent_uuid) SELECT :numbers FROM generate_series(1, 6);
				UPDATE container SET blocked = '6' WHERE uuid = :numbers`,
			"23505 blocked: is less than the number of containers inside",
		},
		{
			`INSERT INTO container (parent_uuid) SELECT :numbers FROM generate_series(1, 6);
				UPDATE container SET rows = 1 WHERE uuid = :numbers`,
			"23505 rows: is less than the number of containers inside",
		},
		// A freezer counts what lies in it directly.
		{fillSmall + "INSERT INTO container (freezer_id) VALUES (3)", fullSmall},
		{"INSERT INTO container (freezer_id) SELECT 3 FROM generate_series(1, 2)", fullSmall},
		{fillSmall + "UPDATE container SET freezer_id = 3 WHERE uuid = :tube", fullSmall},
		{
			"UPDATE container SET parent_uuid = :small1 WHERE uuid = :loose; " +
				"UPDATE container SET freezer_id = 3 WHERE uuid = :numbers",
			"Numbers v2 freezer 3, grid 2x3 1; Loose v2 freezer 3 in Small 1, depth 1, barcode L-1",
		},
		{
			fillSmall + "UPDATE container SET parent_uuid = :small1 WHERE uuid = :drawer; " +
				"UPDATE container SET parent_uuid = NULL WHERE uuid = :drawer",
			fullSmall,
		},
		{fillSmall + "UPDATE freezer SET capacity = 1 WHERE id = 3",
			"23505 capacity: is less than the number of containers that lie directly in the freezer"},
		{"UPDATE freezer SET capacity = 3 WHERE id = 1",
			"23505 capacity: is less than the number of containers that lie directly in the freezer"},
		{"INSERT INTO freezer (name, site_id, capacity) VALUES ('x', 1, 0)", "23514 freezer_capacity_from_1_to_100000"},
		{"UPDATE freezer SET capacity = 4 WHERE id = 1", "nothing"}, // no container
		{"UPDATE freezer SET capacity = NULL WHERE id = 3; " + fillSmall, "Loose v2 freezer 3, barcode L-1"},
		// A transaction with an old snapshot cannot count.
		{"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; INSERT INTO container (parent_uuid) VALUES (:rack)",
			"0A000: a capacity can be checked only in a transaction that is READ COMMITTED"},
		{"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; INSERT INTO container (freezer_id) VALUES (3)",
			"0A000: a capacity can be checked only in a transaction that is READ COMMITTED"},
		{"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; UPDATE container SET capacity = 2 WHERE uuid = :drawer",
			"0A000: a capacity can be checked only in a transaction that is READ COMMITTED"},
		{"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; UPDATE freezer SET capacity = 9 WHERE id = 1",
			"0A000: a capacity can be checked only in a transaction that is READ COMMITTED"},
		{
			`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
				UPDATE container SET parent_uuid = :drawer WHERE uuid = :loose`,
			"Loose v2 freezer 2 in Drawer, depth 1, barcode L-1",
		},
	})
}

func TestStorage_row(t *testing.T) {
	t.Parallel()
	runStorageCases(t, []storageCase{
		// Barcodes.
		{"UPDATE container SET barcode = E' \tT-1\r\n' WHERE uuid = :tube",
			"Tube v2 freezer 1, B4 in Box, depth 3, barcode T-1"},
		{"UPDATE container SET barcode = ' L-1' WHERE uuid = :tube", "23505 container_barcode_unique"},
		{"UPDATE container SET barcode = ' ' WHERE uuid = :loose", "Loose v2 freezer 2"},
		{"UPDATE container SET barcode = repeat('x', 201) WHERE uuid = :loose",
			"23514 container_barcode_at_most_200_characters"},
		{"UPDATE container SET barcode = 'l-1' WHERE uuid = :tube",
			"Tube v2 freezer 1, B4 in Box, depth 3, barcode l-1"},
		// Copies and derived columns.
		{"UPDATE container SET parent_depth = 1 WHERE uuid = :tube", "23503 container_parent_uuid_fkey"},
		{"UPDATE container SET parent_layout = '20x20 A1' WHERE uuid = :tube", "23503 container_parent_uuid_fkey"},
		{"UPDATE container SET parent_layout = '' WHERE uuid = :tube", "23514 position: needs a parent with a grid"},
		{"UPDATE container SET parent_layout = NULL WHERE uuid = :tube",
			"23514 position: must be from <NULL>"},
		{"UPDATE container SET parent_depth = NULL WHERE uuid = :tray",
			"23502 depth: null value in column \"depth\" of relation \"container\" violates not-null constraint"},
		{"UPDATE container SET parent_depth = 3, parent_layout = '9x9 A1' WHERE uuid = :loose", "nothing"},
		{"UPDATE container SET depth = 7, layout = '9x9 A1' WHERE uuid = :loose", "nothing"},
		{"UPDATE container SET depth = 7, layout = '9x9 A1' WHERE uuid = :tube", "nothing"},
		{
			`INSERT INTO container (uuid, description, parent_uuid, parent_depth, parent_layout, depth, layout)
				VALUES (:new, 'New', :box, 9, '9x9 A1', 9, '9x9 A1')`,
			"New v2 freezer 1 in Box, depth 3",
		},
		// An update that changes nothing.
		{"UPDATE container SET description = description, position = position", "nothing"},
		{"UPDATE container SET parent_uuid = :box, position = 'b4', freezer_id = 1 WHERE uuid = :tube", "nothing"},
		{"UPDATE container SET version = 9, rows = 10, scheme = NULL WHERE uuid = :box", "nothing"},
		{"UPDATE container SET blocked = ' c3 , C4' WHERE uuid = :box", "nothing"},
		{
			`INSERT INTO container (uuid, parent_uuid, position) VALUES (:tube, :box, 'b4')
				ON CONFLICT (uuid) DO UPDATE SET position = excluded.position`,
			"nothing",
		},
		// The key.
		{
			`UPDATE container SET uuid = :new, rows = 11 WHERE uuid = :box`,
			"Tube v2 freezer 1, B4 in Box, depth 3; Vial v2 freezer 1, J10 in Box, depth 3; " +
				"Box v2 freezer 1 in Tray, depth 2, grid 11x10 A1 C3,C4",
		},
		{"UPDATE container SET uuid = :new, rows = 9 WHERE uuid = :box",
			"23505 rows: would leave no position for Vial, which is at J10"},
		// Deletes.
		{"DELETE FROM container WHERE uuid = :tube", "Tube deleted"},
		{"DELETE FROM container WHERE uuid = :box", "23503 container_parent_uuid_fkey"},
		{"DELETE FROM container WHERE uuid IN (:box, :tube, :vial)", "Box deleted; Tube deleted; Vial deleted"},
		{"DELETE FROM freezer WHERE id = 3", "23503 container_freezer_id_fkey"},
		{"DELETE FROM account WHERE username = 'Bob'", "nothing"},
		{
			`UPDATE container SET owner = 'Bob' WHERE uuid = :tube; DELETE FROM account WHERE username = 'Bob'`,
			"Tube v3 freezer 1, B4 in Box, depth 3",
		},
		{"UPDATE container SET owner = 'bob' WHERE uuid = :tube", "23503 container_owner_fkey"},
	})
}
