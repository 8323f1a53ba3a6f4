package cli

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"labledger/db"
	"labledger/internal/durable"
	"labledger/internal/history"
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
	for _, file := range []string{b.File, b.File + sealSuffix} {
		if _, err := os.Lstat(file); err == nil {
			return fmt.Errorf("%s already exists; a backup never overwrites a file", file)
		}
	}
	return c.withOwnerDB(ctx, func(d *database) (err error) {
		seal, err := newestSeal(ctx, d) // which the dump contains, because it begins later
		if err != nil {
			return fmt.Errorf("backup failed: %w", err)
		}
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
		if seal == nil {
			return nil
		}
		if err := writeSeal(b.File, *seal); err != nil {
			return fmt.Errorf("the backup is complete, but its seal could not be written: %w", err)
		}
		fmt.Printf("newest seal: %s, also in %s\n", history.ExpectationOf(*seal), b.File+sealSuffix)
		return nil
	})
}

// sealSuffix is appended to the name of a backup for the file with its newest seal.
const sealSuffix = ".seal.json"

// newestSeal returns the newest seal of the history, or nil if there is none or the schema is older than seals.
func newestSeal(ctx context.Context, d *database) (*db.HistorySeal, error) {
	seal, err := history.Newest(ctx, db.New(d.pool))
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == pgerrcode.UndefinedTable {
		return nil, nil
	}
	return seal, err
}

// writeSeal writes the newest seal of a backup to a file beside it.
func writeSeal(backup string, seal db.HistorySeal) (err error) {
	text, err := json.MarshalIndent(struct {
		Backup     string    `json:"backup"`
		Seal       string    `json:"seal"` // for history verify --expect
		SealedAt   time.Time `json:"sealed_at"`
		LastChange int64     `json:"last_change"`
		Root       string    `json:"root"`
	}{
		filepath.Base(backup), history.ExpectationOf(seal).String(), seal.SealedAt, seal.LastID,
		hex.EncodeToString(seal.Root),
	}, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(backup), filepath.Base(backup)+sealSuffix+".part-*")
	if err != nil {
		return err
	}
	defer func() {
		_ = file.Close()
		err = errors.Join(err, os.Remove(file.Name()))
	}()
	if _, err := file.Write(append(text, '\n')); err != nil {
		return err
	}
	return durable.Link(file, backup+sealSuffix)
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
