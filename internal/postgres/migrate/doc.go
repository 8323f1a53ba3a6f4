// Package migrate applies a database's migrations and reports its schema version. The migrations come in as an fs.FS:
// the package must not know what the schema holds.
package migrate
