package schema_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
)

// stocktakeLab creates two freezers, 8 and 9, with boxes that hold five tubes each, and returns the barcodes.
func stocktakeLab(t *testing.T, pool *pgxpool.Pool, boxes int) (codes []string) {
	t.Helper()
	mustExec(t, pool, "INSERT INTO freezer (id, name, site_id) VALUES (8, 'Counted', 1), (9, 'Other', 1)")
	mustExec(t, pool, `INSERT INTO container (description, barcode, freezer_id, rows, columns)
		SELECT 'Box ' || n, 'B' || n, 8 + n % 2, 2, 3 FROM generate_series(1, $1::integer) AS n`, boxes)
	mustExec(t, pool, `INSERT INTO container (barcode, parent_uuid, position)
		SELECT concat('T', box.id, '-', n), box.uuid, position_label('2x3 A1', (n - 1) / 3 + 1, (n - 1) % 3 + 1)
		FROM container AS box, generate_series(1, 5) AS n WHERE box.rows IS NOT NULL`)
	return queryStrings(t, pool, "SELECT barcode FROM container ORDER BY id")
}

// A place is where a container is registered or was scanned.
type place struct{ freezer, parent, position string }

// An oracleItem is what the oracle knows of one container.
type oracleItem struct {
	home     place // at the start, or at the last scan
	expected bool
	scanned  bool
	in       place // where it was scanned; parts that are not known are empty
}

// readRegister returns the places and the status of all containers by barcode. A discarded one has no place.
func readRegister(t *testing.T, pool *pgxpool.Pool) (places map[string]place, status map[string]string) {
	t.Helper()
	places, status = map[string]place{}, map[string]string{}
	for _, line := range queryStrings(t, pool, `SELECT concat_ws('|', c.barcode, c.status, c.freezer_id,
			coalesce(p.barcode, ''), coalesce(c.position, ''))
		FROM container AS c LEFT JOIN container AS p ON p.uuid = c.parent_uuid`) {
		parts := strings.Split(line, "|")
		status[parts[0]] = parts[1]
		if parts[1] != "discarded" {
			places[parts[0]] = place{parts[2], parts[3], parts[4]}
		} else {
			places[parts[0]] = place{}
		}
	}
	return places, status
}

// result evaluates an item naively.
func (i oracleItem) result(now place, status string) string {
	isHome := now == i.home
	agrees := func(with place) bool {
		return (i.in.parent == "" || i.in.parent == with.parent) &&
			(i.in.position == "" || i.in.position == with.position)
	}
	switch {
	case status == "checked_out":
		return "checked_out"
	case !i.scanned && isHome:
		return "missing"
	case !i.scanned:
		return "moved"
	case i.expected && agrees(i.home):
		return "found"
	case !isHome && i.in.parent != "" && agrees(now) && now.freezer == "8":
		return "found"
	case !isHome:
		return "moved"
	case i.expected:
		return "misplaced"
	}
	return "unexpected"
}

// TestStocktakeReport_agreesWithOracle: after random scans, moves, check-outs and other changes, the report has the
// results that an evaluation in Go has. Closing keeps them.
func TestStocktakeReport_agreesWithOracle(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	codes := stocktakeLab(t, pool, 40)
	random := rand.New(rand.NewPCG(7, 7))
	pick := func() string { return codes[random.IntN(len(codes))] }
	mustExec(t, pool, "UPDATE container SET status = 'discarded' WHERE barcode LIKE 'T%-2' AND id % 3 = 0")
	mustExec(t, pool, "INSERT INTO stocktake (id, freezer_id) VALUES (1, 8)")
	items := map[string]*oracleItem{}
	places, _ := readRegister(t, pool)
	for code, at := range places {
		if at.freezer == "8" {
			items[code] = &oracleItem{home: at, expected: true}
		}
	}
	see := func(code string) { // the parent, which lies in the freezer directly
		if i := items[code]; i == nil {
			items[code] = &oracleItem{home: places[code], expected: places[code].freezer == "8", scanned: true}
		} else {
			i.scanned = true
		}
	}
	for range 600 {
		places, _ = readRegister(t, pool)
		code := pick()
		switch n := random.IntN(10); {
		case n < 7:
			scan := &oracleItem{home: places[code], expected: places[code].freezer == "8", scanned: true}
			if parent := places[code].parent; random.IntN(2) == 0 && parent != "" {
				scan.in.parent = parent
			} else if random.IntN(2) == 0 && strings.HasPrefix(code, "T") {
				scan.in.parent = fmt.Sprintf("B%d", 1+random.IntN(40))
			}
			if scan.in.parent != "" {
				scan.in.position = []string{"", places[code].position, "A2"}[random.IntN(3)]
			}
			if err := exec(pool, fmt.Sprintf("SELECT FROM scan_code(1, '%s', nullif('%s', ''), nullif('%s', ''))",
				code, scan.in.parent, scan.in.position)); err != nil {
				t.Fatal(err)
			}
			items[code] = scan
			switch {
			case scan.in.parent != "":
				see(scan.in.parent)
			case scan.expected && places[code].parent != "":
				see(places[code].parent)
			}
		case n == 7:
			if err := exec(pool, fmt.Sprintf("SELECT FROM undo_scan(1, '%s')", code)); err != nil {
				t.Fatal(err)
			}
			if i := items[code]; i != nil && i.scanned && !i.expected {
				delete(items, code)
			} else if i != nil {
				i.scanned, i.in = false, place{}
			}
		case n == 8 && strings.HasPrefix(code, "T"):
			_ = exec(pool, fmt.Sprintf(`UPDATE container SET status = 'stored', position = 'B3',
				parent_uuid = (SELECT uuid FROM container WHERE barcode = 'B%d') WHERE barcode = '%s'`,
				1+random.IntN(40), code)) // fails if the position is taken
		case n == 9 && strings.HasPrefix(code, "T"):
			_ = exec(pool, []string{
				"INSERT INTO checkout (container_uuid, holder) SELECT uuid, 'Bob' FROM container WHERE barcode = '" +
					code + "'",
				"UPDATE container SET status = 'discarded' WHERE barcode = '" + code + "'",
				"UPDATE container SET status = 'missing' WHERE barcode = '" + code + "'",
			}[random.IntN(3)]) // fails if it is checked out or discarded
		}
	}
	mustExec(t, pool, "SELECT FROM scan_code(1, 'smudged', NULL, NULL)")
	want := []string{"smudged unknown"}
	seen := map[string]bool{"unknown": true}
	places, status := readRegister(t, pool)
	for code, i := range items {
		result := i.result(places[code], status[code])
		want, seen[result] = append(want, code+" "+result), true
	}
	slices.Sort(want)
	if len(seen) != 7 {
		t.Errorf("only the results %v occur", seen)
	}
	report := func() []string {
		got := queryStrings(t, pool, "SELECT coalesce(barcode, code) || ' ' || result FROM stocktake_report")
		slices.Sort(got)
		return got
	}
	if got := report(); !slices.Equal(got, want) {
		t.Errorf("the report is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	mustExec(t, pool, "UPDATE stocktake SET closed_at = now()")
	mustExec(t, pool, "DELETE FROM checkout")
	mustExec(t, pool, "UPDATE container SET freezer_id = 9 WHERE freezer_id = 8 AND parent_uuid IS NULL")
	if got := report(); !slices.Equal(got, want) {
		t.Error("the results of a closed stock-take changed")
	}
}

// TestStocktake_constraints: a freezer and a container have one open stock-take each, and its items agree with
// themselves.
func TestStocktake_constraints(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	stocktakeLab(t, pool, 2)
	mustExec(t, pool, "INSERT INTO stocktake (id, freezer_id) VALUES (1, 9)")
	mustExec(t, pool, "INSERT INTO stocktake (id, container_uuid) SELECT 2, uuid FROM container WHERE barcode = 'B1'")
	mustExec(t, pool, "UPDATE stocktake SET closed_at = now() WHERE id = 1")
	mustExec(t, pool, "INSERT INTO stocktake (id, freezer_id) VALUES (3, 9)")
	const box = "(SELECT uuid FROM container WHERE barcode = 'B1')"
	for sql, want := range map[string]string{
		"INSERT INTO stocktake (freezer_id) VALUES (9)":                                    "23505",
		"INSERT INTO stocktake (container_uuid) VALUES (" + box + ")":                      "23505",
		"UPDATE stocktake SET closed_at = NULL, closed_by = NULL WHERE id = 1":             "23505",
		"INSERT INTO stocktake (freezer_id, container_uuid) VALUES (8, " + box + ")":       "23514",
		"INSERT INTO stocktake (container_uuid) VALUES (gen_random_uuid())":                "23503",
		"INSERT INTO stocktake (freezer_id) VALUES (4711)":                                 "23503",
		"INSERT INTO stocktake (note) VALUES ('no scope')":                                 "23502",
		"INSERT INTO stocktake (freezer_id, note) VALUES (8, ' ')":                         "23514",
		"INSERT INTO stocktake (freezer_id, closed_at) VALUES (8, now())":                  "23514",
		"UPDATE stocktake SET closed_at = '2020-01-01' WHERE id = 3":                       "23514",
		"INSERT INTO stocktake_item (stocktake_id, name, expected) VALUES (3, 'x', false)": "23514",
		"UPDATE stocktake_item SET scanned_by = 'x' WHERE stocktake_id = 3":                "23514",
		"UPDATE stocktake_item SET code = 'x' WHERE stocktake_id = 3":                      "23514",
		"UPDATE stocktake_item SET expected = false WHERE stocktake_id = 3":                "23514",
		"UPDATE stocktake_item SET result = 'lost' WHERE stocktake_id = 3":                 "23514",
		"UPDATE stocktake_item SET home_freezer_id = NULL WHERE stocktake_id = 3":          "23514",
		"UPDATE stocktake_item SET scanned_position = 'A1' WHERE stocktake_id = 3":         "23514",
		"INSERT INTO stocktake_item (stocktake_id, container_uuid, name, expected, home_freezer_id) " +
			"SELECT stocktake_id, container_uuid, 'x', true, 8 FROM stocktake_item WHERE stocktake_id = 3": "23505",
		"DELETE FROM stocktake_item WHERE stocktake_id = 1":                 "LL409",
		"UPDATE stocktake_item SET name = 'x' WHERE stocktake_id = 1":       "LL409",
		"UPDATE stocktake_item SET stocktake_id = 1 WHERE stocktake_id = 2": "LL409",
		"INSERT INTO stocktake_item (stocktake_id, name, code, expected, scanned_at, scanned_by) " +
			"VALUES (1, 'x', 'x', false, now(), 'x')": "LL409",
		"TRUNCATE stocktake_item": "23001",
	} {
		var pgErr *pgconn.PgError
		if err := exec(pool, sql); !errors.As(err, &pgErr) || pgErr.Code != want {
			t.Errorf("%s: %v, want %s", sql, err, want)
		}
	}
	// The items of deleted containers remain. A stock-take goes with its container or freezer.
	mustExec(t, pool, "DELETE FROM container WHERE barcode LIKE 'T%'")
	mustExec(t, pool, "DELETE FROM container")
	const report = `SELECT concat(stocktake_id, ' ', result, ' ', count(*)) FROM stocktake_report
		GROUP BY stocktake_id, result ORDER BY 1`
	if got := strings.Join(queryStrings(t, pool, report), ", "); got != "1 missing 6, 3 moved 6" {
		t.Errorf("reports of deleted containers: %s", got)
	}
	mustExec(t, pool, "DELETE FROM freezer WHERE id = 9")
	if got := queryStrings(t, pool, "SELECT id::text FROM stocktake_item"); len(got) > 0 {
		t.Errorf("%d items of a deleted freezer", len(got))
	}
}
