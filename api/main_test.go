package api

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"labledger/internal/pgtest"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

func TestMain(m *testing.M) { pgtest.Main(m, schema.Files, seed) }

// seed loads the mock data into the template that every test's database is a clone of.
func seed(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.PgConn().Exec(ctx, schema.MockData).ReadAll()
	return err
}

// migrateAndSeed makes a database of a test's own what the template is.
func migrateAndSeed(ctx context.Context, url string) error {
	if _, _, err := migrate.Up(ctx, url, schema.Files); err != nil {
		return err
	}
	return seed(ctx, url)
}
