// Package embedded runs the embedded Postgres: a PostgreSQL server that Labledger starts for itself, with its data
// under a state directory. The package must not know the API, nor what the schema holds.
package embedded
