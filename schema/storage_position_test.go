package schema_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"labledger/internal/pgtest"
)

// TestPositions_parseIsInverseOfLabel: each position of a grid has its own label, which is read as that position.
func TestPositions_parseIsInverseOfLabel(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	const wrong = `
		SELECT format('%s: %s-%s is %s', layout, cell.position_row, cell.position_column, cell.label)
		FROM (VALUES (1, 1), (1, 100), (100, 1), (2, 3), (8, 12), (26, 26), (27, 27), (99, 99), (100, 100))
			AS grid (rows, columns)
		CROSS JOIN unnest(ARRAY['A1', '1-1', '1']) AS scheme
		CROSS JOIN grid_layout(rows, columns, scheme, NULL) AS layout
		CROSS JOIN list_positions(layout) AS cell
		CROSS JOIN parse_position(layout, cell.label) AS parsed
		CROSS JOIN parse_position(layout, ' ' || regexp_replace(lower(cell.label), '(\d+)', '00\1', 'g')) AS other
		WHERE (cell.position_row, cell.position_column)
			IS DISTINCT FROM (parsed.position_row, parsed.position_column)
		   OR (cell.position_row, cell.position_column)
			IS DISTINCT FROM (other.position_row, other.position_column)`
	for i, problem := range queryStrings(t, pool, wrong) {
		if i < 5 {
			t.Error(problem)
		}
	}
	const unlike = `SELECT count(*) - count(DISTINCT label) FROM list_positions($1)`
	for layout, label := range map[string][2]string{
		"100x100 A1":  {"AA1", "CV100"},
		"100x100 1-1": {"27-1", "100-100"},
		"100x100 1":   {"2601", "10000"},
	} {
		if n := pgtest.QueryValue[int](t, pool, unlike, layout); n != 0 {
			t.Errorf("%s: %d labels name two positions", layout, n)
		}
		const labels = "SELECT position_label($1, 27, 1) || ' ' || position_label($1, 100, 100)"
		if got := pgtest.QueryValue[string](t, pool, labels, layout); got != label[0]+" "+label[1] {
			t.Errorf("%s has the labels %s, want %s", layout, got, label)
		}
	}
}

// FuzzParsePosition: a label of any text names a position of the grid or none, and raises no error. The label of that
// position is read as the same position.
func FuzzParsePosition(f *testing.F) {
	for _, label := range []string{
		"A1", "cv100", " 1-1 ", "100 - 100", "00010000", "", "-", "1-", "A", "AAA1", "A-1", "99999",
		"99999999999999999999",
		"A1\nB2", "\u00c41", "\u0661", "\uff21\uff11", "\u01311", "\u017f1", "A1.0", "'; --", "\u00a0A1\u2003", "1e3",
	} {
		for scheme := range byte(3) {
			f.Add(label, scheme, byte(99), byte(99))
		}
	}
	pool := pgtest.Pool(f)
	f.Fuzz(func(t *testing.T, label string, scheme, rows, columns byte) {
		if !utf8.ValidString(label) || strings.Contains(label, "\x00") {
			return // no text of Postgres
		}
		const check = `
			WITH layout AS (
				SELECT grid_layout($2::integer % 100 + 1, $3::integer % 100 + 1, $4, NULL) AS layout
			), parsed AS (
				SELECT layout, parsed.*, position_label(layout, position_row, position_column) AS label
				FROM layout CROSS JOIN parse_position(layout, $1) AS parsed
			)
			SELECT position_row IS NULL AND position_column IS NULL OR coalesce(
				position_row BETWEEN 1 AND layout_rows(layout)
				AND position_column BETWEEN 1 AND layout_columns(layout)
				AND (position_row, position_column) = (
					SELECT again.position_row, again.position_column FROM parse_position(layout, label) AS again
				), false)
			FROM parsed`
		of := []string{"A1", "1-1", "1"}[scheme%3]
		if !pgtest.QueryValue[bool](t, pool, check, label, int(rows), int(columns), of) {
			t.Errorf("%q is read as another position in a grid of %d×%d labelled %s",
				label, rows%100+1, columns%100+1, of)
		}
	})
}
