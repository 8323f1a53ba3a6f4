package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"labledger/internal/postgres"
)

type backupCmd struct {
	File     string `arg:"" optional:"" help:"File to write; it must not exist. Default: labledger-<date>.dump in this folder."`
	NoVerify bool   `help:"Do not restore it into a scratch database to prove it. For roles that may not create databases."`
}

// Run writes a dump, and proves it: restored into a scratch database, it must hold what the database held at that moment. Until then the file
// has another name.
func (b backupCmd) Run(ctx context.Context, c *config) error {
	if b.File == "" {
		b.File = "labledger-" + time.Now().UTC().Format("20060102-150405") + ".dump"
	}
	if _, err := os.Lstat(b.File); err == nil {
		return fmt.Errorf("%s is there already; a backup does not overwrite one", b.File)
	}
	part := b.File + ".part"
	return c.withOwnerDB(ctx, func(d *database) (err error) {
		defer func() { err = errors.Join(err, removeIfExists(part)) }()
		held, err := postgres.Dump(ctx, d.url, part)
		if err != nil {
			return fmt.Errorf("nothing was backed up: %w", err)
		}
		if !b.NoVerify {
			fmt.Fprintln(os.Stderr, "written; now proving it by a restore into a scratch database")
			restored, err := postgres.VerifyDump(ctx, d.url, part)
			if err != nil {
				return fmt.Errorf("the backup could not be proven, so it was not kept: %w", err)
			}
			if differences := held.Differences(restored); len(differences) > 0 {
				return fmt.Errorf("the backup does not hold what the database held, so it was not kept:\n  %s", strings.Join(differences, "\n  "))
			}
		}
		if err := os.Link(part, b.File); err != nil { // unlike a rename it overwrites nothing
			return err
		}
		info, err := os.Stat(b.File)
		if err != nil {
			return err
		}
		proven := "proven by a restore"
		if b.NoVerify {
			proven = "not proven by a restore"
		}
		fmt.Printf("%s: %d rows of %d tables, %d bytes, %s\n", b.File, held.Total(), len(held.Rows), info.Size(), proven)
		return nil
	})
}

// removeIfExists takes a file away that may be there.
func removeIfExists(file string) error {
	if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

type restoreCmd struct {
	File string `arg:"" help:"What labledger backup wrote."`
}

// Run fills an empty database with a backup, and brings its schema up to date.
func (r restoreCmd) Run(ctx context.Context, c *config) error {
	info, err := os.Stat(r.File)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", r.File)
	}
	file, err := filepath.Abs(r.File)
	if err != nil {
		return err
	}
	return c.withOwnerDB(ctx, func(d *database) error {
		held, err := postgres.RestoreDump(ctx, d.url, file)
		switch {
		case errors.Is(err, postgres.ErrNotEmpty) && d.cluster != nil:
			return fmt.Errorf("%w; restore goes into an empty one: another STATE_DIR, or a DATABASE_URL. Nothing was changed", err)
		case errors.Is(err, postgres.ErrNotEmpty):
			return fmt.Errorf("%w; restore goes into an empty one: createdb makes it. Nothing was changed", err)
		case err != nil:
			return fmt.Errorf("nothing was restored: %w", err)
		}
		if d.cluster != nil && d.cluster.IsNew() {
			if err := d.cluster.MarkInitialized(); err != nil { // no mock data on top
				return err
			}
		}
		if err := d.migrateAndSeed(ctx, slog.New(slog.DiscardHandler)); err != nil {
			return fmt.Errorf("restored, but it is not ready: %w", err)
		}
		fmt.Printf("restored: %d rows of %d tables\n", held.Total(), len(held.Rows))
		return nil
	})
}
