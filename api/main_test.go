package api

import (
	"context"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

func TestMain(m *testing.M) { pgtest.Main(m, schema.Files, seed) }

// seed loads the mock data into the template database. The database of each test is a clone of the template.
func seed(_ context.Context, url string) error {
	_, err := pgtest.Value(url, schema.MockData)
	return err
}

// migrateAndSeed prepares a database that is not a clone of the template.
func migrateAndSeed(ctx context.Context, url string) error {
	if _, _, err := migrate.Up(ctx, url, schema.Files); err != nil {
		return err
	}
	return seed(ctx, url)
}
