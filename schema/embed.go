// Package schema holds the database: its migrations in the order of their numbers, and the mock data.
// It must not know who runs them; it is SQL, embedded.
package schema

import "embed"

// Files are the migrations, 000001_name.up.sql and 000001_name.down.sql.
//
//go:embed *.sql
var Files embed.FS

// MockData fills a new database with something to look at. It may run twice.
//
//go:embed mock_data.sql
var MockData string
