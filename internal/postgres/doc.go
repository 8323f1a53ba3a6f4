// Package postgres connects to Postgres: it finds the server's programs, runs a private cluster when
// there is no other, opens pools and applies migrations.
// It must not know the API, nor what the schema holds: migrations come in as an fs.FS.
package postgres
