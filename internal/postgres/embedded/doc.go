// Package embedded runs a private PostgreSQL server for Labledger, the embedded Postgres, under a state directory.
// It must not know the API, nor what the schema holds.
package embedded
