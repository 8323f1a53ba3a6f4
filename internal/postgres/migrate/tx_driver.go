package migrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/golang-migrate/migrate/v4/database"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A txDriver makes each step of golang-migrate atomic. golang-migrate itself marks the version dirty, runs the file and
// clears the mark in three transactions. When it is killed between the last two, the version stays dirty although it is
// applied. A txDriver commits file and version in one transaction, on the connection that holds the lock, and never
// marks a version dirty.
type txDriver struct {
	database.Driver // golang-migrate's own driver: the version table and its lock against other migration tools

	ctx     context.Context // of the caller, since golang-migrate's interface has none
	conn    *pgx.Conn
	table   string // quoted
	target  int    // the version that the current step leads to
	applied bool   // Run has committed target
}

// SetVersion implements database.Driver.
func (d *txDriver) SetVersion(version int, dirty bool) error {
	switch {
	case dirty: // a step begins; no mark is needed, since Run is atomic
		d.target, d.applied = version, false
		return nil
	case d.applied && version == d.target:
		return nil
	}
	return d.Driver.SetVersion(version, false)
}

// Run implements database.Driver.
func (d *txDriver) Run(migration io.Reader) error {
	file, err := io.ReadAll(migration)
	if err != nil {
		return err
	}
	if strings.Contains(strings.ToUpper(string(file)), "CONCURRENTLY") {
		// Such a statement cannot run in a transaction. SetVersion follows it; if the process is killed in between, the
		// next call runs the file again.
		return d.exec(string(file))
	}
	// Several statements in one simple query are one transaction.
	setVersion := "DELETE FROM " + d.table
	if d.target >= 0 {
		setVersion += fmt.Sprintf(";\nINSERT INTO %s (version, dirty) VALUES (%d, false)", d.table, d.target)
	}
	err = d.exec(string(file) + "\n;\n" + setVersion)
	d.applied = err == nil
	return err
}

// exec runs statements and adds the line number to Postgres's error.
func (d *txDriver) exec(sql string) error {
	_, err := d.conn.PgConn().Exec(d.ctx, sql).ReadAll()
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Position > 0 {
		runes := []rune(sql)
		line := 1 + strings.Count(string(runes[:min(int(pgErr.Position)-1, len(runes))]), "\n")
		return fmt.Errorf("line %d: %w", line, err)
	}
	return err
}
