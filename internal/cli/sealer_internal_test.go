package cli

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

// A transaction that holds back the seals for long is logged once, and again after a seal.
func TestSealer_reportsWait(t *testing.T) {
	t.Parallel()
	url := programtest.DatabaseURL(programtest.Migrated(t, true))
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var log bytes.Buffer
	s := newSealer(pool, slog.New(slog.NewTextHandler(&log, nil)))
	s.pause = 0
	seal := func(minutes string, wantSeals, wantReports int) {
		t.Helper()
		log.Reset()
		pgtest.Exec(t, pool, "INSERT INTO change (at, table_name, row_key, action) "+
			"VALUES (now() - $1::text::interval, 'site', '1', 'insert')", minutes)
		if err := s.seal(t.Context(), 0); err != nil {
			t.Error(err)
		}
		text := log.String()
		if seals := strings.Count(text, "history sealed"); seals != wantSeals {
			t.Errorf("%d seals, want %d: %s", seals, wantSeals, text)
		}
		if n := strings.Count(text, "the history is not sealed: it waits for the transaction of process"); n != wantReports {
			t.Errorf("%d reports, want %d: %s", n, wantReports, text)
		}
	}
	seal("10 minutes", 1, 0)
	for range 2 {
		holder, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pgtest.Exec(t, holder, "SELECT pg_current_xact_id()")
		seal("1 minute", 0, 0)
		pgtest.ExecScript(t, url,
			"SET session_replication_role = replica; UPDATE change SET at = at - interval '5 minutes'")
		seal("0 minutes", 0, 1)
		seal("0 minutes", 0, 0)
		if err := holder.Rollback(context.Background()); err != nil {
			t.Fatal(err)
		}
		seal("0 minutes", 1, 0) // only what was pending
		seal("0 minutes", 1, 0)
	}
}
