package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"labledger/internal/durable"
	"labledger/internal/postgres"
)

type backupCmd struct {
	File     string `arg:"" optional:"" help:"File to write; it must not exist. Default: labledger-<time>.dump in the current directory."`
	NoVerify bool   `help:"Do not verify the backup by restoring it into a scratch database. For roles that may not create databases."`
}

// Run writes a dump and verifies it: restored into a scratch database, it must have the same rows and objects as the
// database had at the time of the dump. Until then the file has a temporary name.
func (b backupCmd) Run(ctx context.Context, c *config) error {
	if b.File == "" {
		b.File = "labledger-" + time.Now().UTC().Format("20060102-150405") + ".dump"
	}
	if _, err := os.Lstat(b.File); err == nil {
		return fmt.Errorf("%s already exists; a backup never overwrites a file", b.File)
	}
	return c.withOwnerDB(ctx, func(d *database) (err error) {
		// Another backup may write to the same file, so the temporary name is unique. Only the owner may read it: a dump
		// contains all data, including password hashes.
		tmp, err := os.CreateTemp(filepath.Dir(b.File), filepath.Base(b.File)+".part-*")
		if err != nil {
			return fmt.Errorf("backup failed: %w", err)
		}
		defer func() {
			_ = tmp.Close()
			err = errors.Join(err, os.Remove(tmp.Name()))
		}()
		dumped, err := postgres.Dump(ctx, d.url, tmp)
		if err != nil {
			return fmt.Errorf("backup failed: %w", err)
		}
		if !b.NoVerify {
			fmt.Fprintln(os.Stderr, "dump written; verifying it by a restore into a scratch database")
			restored, err := postgres.VerifyDump(ctx, d.url, tmp.Name())
			if err != nil {
				return fmt.Errorf("backup deleted because it could not be verified "+
					"(--no-verify skips the verification): %w", err)
			}
			if differences := dumped.Differences(restored); len(differences) > 0 {
				return fmt.Errorf("backup deleted because it differs from the database:\n  %s",
					strings.Join(differences, "\n  "))
			}
		}
		err = durable.Link(tmp, b.File)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s was created meanwhile; this backup was deleted", b.File)
		}
		if err != nil {
			return err
		}
		info, err := os.Stat(b.File)
		if err != nil {
			return err
		}
		verified := "verified by a restore"
		if b.NoVerify {
			verified = "not verified"
		}
		fmt.Printf("%s: %d rows in %d tables, %d bytes, %s\n",
			b.File, dumped.Total(), len(dumped.Rows), info.Size(), verified)
		return nil
	})
}

type restoreCmd struct {
	File string `arg:"" help:"A file written by labledger backup."`
}

// Run restores a backup into an empty database and migrates its schema.
func (r restoreCmd) Run(ctx context.Context, c *config) error {
	info, err := os.Stat(r.File)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", r.File)
	}
	file, err := filepath.Abs(r.File)
	if err != nil {
		return err
	}
	return c.withOwnerDB(ctx, func(d *database) error {
		restored, err := postgres.RestoreDump(ctx, d.url, file, c.serverRoles()...)
		switch {
		case errors.Is(err, postgres.ErrNotEmpty) && d.cluster != nil:
			return fmt.Errorf("nothing was changed: %w; "+
				"restore into an empty database: set another STATE_DIR, or a DATABASE_URL", err)
		case errors.Is(err, postgres.ErrNotEmpty):
			return fmt.Errorf("nothing was changed: %w; restore into an empty database: createdb creates one", err)
		case err != nil:
			return fmt.Errorf("nothing was restored: %w", err)
		}
		if d.cluster != nil && d.cluster.IsNew() {
			if err := d.cluster.MarkInitialized(); err != nil { // so that no mock data is loaded
				return err
			}
		}
		if err := d.migrateAndSeed(ctx, slog.New(slog.DiscardHandler)); err != nil {
			return fmt.Errorf("restored, but the migration failed: %w", err)
		}
		fmt.Printf("restored: %d rows in %d tables\n", restored.Total(), len(restored.Rows))
		return c.setUpServerRole(ctx)
	})
}

// serverRoles returns the role of DATABASE_URL if the owner has a separate URL.
func (c *config) serverRoles() []string {
	if c.OwnerURL == "" {
		return nil
	}
	server, err := postgres.ParseConfig(c.DatabaseURL)
	if c.DatabaseURL == "" || err != nil {
		return nil
	}
	return []string{server.User}
}
