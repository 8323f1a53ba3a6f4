// Package embedded runs the embedded Postgres: a PostgreSQL server that Labledger starts for itself. Its data is under a
// state directory. It must not know the API, nor what the schema holds.
package embedded
