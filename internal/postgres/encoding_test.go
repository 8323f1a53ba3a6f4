package postgres_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/migrate"
)

func TestEncodingOfDatabase(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		database := pgtest.DatabaseWithEncoding(t, encoding)
		pool, err := postgres.Open(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		_, _, migrateErr := migrate.Up(t.Context(), database, fstest.MapFS{})
		_, dumpErr := postgres.Dump(t.Context(), database, nil)
		for operation, err := range map[string]error{
			"ping":           pool.Ping(t.Context()),
			"migrate":        migrateErr,
			"dump":           dumpErr,
			"check encoding": postgres.CheckEncoding(t.Context(), database),
		} {
			if !errors.Is(err, postgres.ErrEncoding) || !strings.Contains(err.Error(), encoding) ||
				!strings.Contains(err.Error(), "ENCODING 'UTF8'") {
				t.Errorf("%s, %s: got %v, want ErrEncoding with the remedy", encoding, operation, err)
			}
		}
	}
	for _, database := range []string{pgtest.Database(t), "postgres://u@/d?host=/nowhere"} {
		if err := postgres.CheckEncoding(t.Context(), database); err != nil {
			t.Errorf("%s: %v", database, err)
		}
	}
}

// A client_encoding of the database, the role or the URL does not reach the connections.
func TestOpen_clientEncoding(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	pgtest.ExecScript(t, database, `DO $$ BEGIN
		EXECUTE format('ALTER DATABASE %I SET client_encoding = LATIN1', current_database());
		EXECUTE format('ALTER ROLE %I IN DATABASE %I SET client_encoding = LATIN1', current_user, current_database());
	END $$`)
	const name = `SELECT 'Zo' || chr(235)`
	for _, suffix := range []string{"", "&client_encoding=LATIN1", "&CLIENT_ENCODING=LATIN1"} {
		pool, err := postgres.Open(t.Context(), database+suffix)
		if err != nil {
			t.Fatal(err)
		}
		if got := pgtest.QueryValue[string](t, pool, name); got != "Zoë" {
			t.Errorf("with %q: got %q, want Zoë", suffix, got)
		}
		pool.Close()
	}
	// Negative control: without the parameter of the pool the bytes are not UTF-8.
	conn := pgtest.Connect(t, database)
	result := conn.PgConn().ExecParams(t.Context(), name, nil, nil, nil, nil).Read()
	if result.Err != nil || string(result.Rows[0][0]) != "Zo\xeb" {
		t.Errorf("got %q, %v; want LATIN1", result.Rows, result.Err)
	}
}

// A pooler that ignores client_encoding hands out connections with the setting of the role.
func TestOpen_ignoredClientEncoding(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	cfg, err := postgres.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	cfg.RuntimeParams["client_encoding"] = "LATIN1"
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if !errors.Is(err, postgres.ErrEncoding) || !strings.Contains(err.Error(), "ignore_startup_parameters") {
		t.Errorf("got %v, want ErrEncoding with the remedy", err)
	}
	if err == nil {
		_ = conn.Close(t.Context())
	}
}
