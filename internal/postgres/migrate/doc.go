// Package migrate applies a database's migrations and reports its schema version. The migrations come in as an fs.FS:
// the package must not know what the schema holds.
//
// It wraps golang-migrate, which reads the files, orders them and keeps schema_migrations, for four reasons:
//   - golang-migrate commits a file and its version separately. A kill in between leaves the database dirty, and every
//     later start fails until an operator repairs it. txDriver commits both at once; Up repairs a dirty database.
//   - Its lock waits without a timeout in a statement that blocks CREATE INDEX CONCURRENTLY. migrator.lock polls.
//   - Its start creates a table, which the server role may not. Up on a current database only reads the version.
//   - Its errors quote the whole file and do not unwrap to *pgconn.PgError.
package migrate
