// Package schema embeds the migrations, in the order of their numbers, and the mock data.
// It contains SQL only and does not depend on the code that runs it.
package schema

import "embed"

// Files are the SQL files of this directory, among them the migrations 000001_name.up.sql and 000001_name.down.sql.
//
//go:embed *.sql
var Files embed.FS

// MockData is SQL that fills a new database with examples. It can run more than once.
//
//go:embed mock_data.sql
var MockData string
