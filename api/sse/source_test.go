package sse

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
)

// TestLedger_usesIndex: the stream uses an index even on a connection that was first used while the ledger was empty,
// when a sequential scan was the best plan.
func TestLedger_usesIndex(t *testing.T) {
	t.Parallel()
	pool, err := postgres.Open(t.Context(), pgtest.Database(t)+"&pool_max_conns=1")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	l := newLedger(pool)
	exec := func(sql string) { pgtest.Exec(t, pool, sql, pgx.QueryExecModeSimpleProtocol) }
	exec("VACUUM ANALYZE event")
	readBothEnds(t, l, 0)
	exec(`INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes,
			created_at, actor)
		SELECT n, gen_random_uuid(), 'deposit', 1, 1, 1, 'medium', 1, '{}', '{}', now(), 'test'
		FROM generate_series(1, 30000) AS n`)
	counters := func() (scanned, fetched int) {
		exec("SELECT pg_stat_force_next_flush()")
		const sql = "SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'event'"
		if err := pool.QueryRow(t.Context(), sql).Scan(&scanned, &fetched); err != nil {
			t.Fatal(err)
		}
		return scanned, fetched
	}
	scannedBefore, fetchedBefore := counters()
	readBothEnds(t, l, pageRows)
	scanned, fetched := counters()
	scanned, fetched = scanned-scannedBefore, fetched-fetchedBefore
	const limit = 6 * pageRows
	if scanned != 0 || fetched > limit {
		t.Errorf("read %d rows by sequential scans, want 0; by index %d, want at most %d", scanned, fetched, limit)
	}
}

// readBothEnds reads the first page, which must have some rows, and the empty page at the end, five times each:
// Postgres may choose a generic plan after five executions.
func readBothEnds(t *testing.T, l *ledger, wantRows int) {
	t.Helper()
	for range 5 {
		first := streamPage{limit: pageRows}
		if err := l.readPage(t.Context(), &first); err != nil || len(first.rows) != wantRows {
			t.Fatalf("first page: %d rows, want %d: %v", len(first.rows), wantRows, err)
		}
		end, err := l.fetchEnd(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		last := streamPage{limit: pageRows, after: end.pos}
		if err := l.readPage(t.Context(), &last); err != nil || len(last.rows) != 0 {
			t.Fatalf("page at the end: %d rows, want 0: %v", len(last.rows), err)
		}
	}
}

// FuzzPosition: parsePosition accepts exactly what String returns, with letters in either case.
func FuzzPosition(f *testing.F) {
	f.Add("0")
	f.Add("748.1.01890a5d-ac96-774b-bcce-b302099a8057")
	f.Add("0748.1.01890a5d-ac96-774b-bcce-b302099a8057")
	f.Add("+1.2.01890a5d-ac96-774b-bcce-b302099a8057")
	f.Add("1.2.01890a5dac96774bbcceb302099a8057")
	f.Add("1.2.{01890a5d-ac96-774b-bcce-b302099a8057}")
	f.Fuzz(func(t *testing.T, text string) {
		pos, ok := parsePosition(text)
		if ok && !strings.EqualFold(pos.String(), text) || !ok && pos.kind > 0 && pos.String() == text {
			t.Errorf("parsePosition(%q) = %q, %v", text, pos, ok)
		}
	})
}
