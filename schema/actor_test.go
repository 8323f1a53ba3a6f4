package schema_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

func TestUsernameKey(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	key := func(username string) string {
		return pgtest.QueryValue[string](t, pool, "SELECT username_key($1)", username)
	}
	for _, alike := range [][]string{
		{"Ada", "ADA", "ada", "\u0430da", "\uff21da", "\U0001d400da", "A\u200dda", " Ada", "ad\u0251"},
		{"Zoë", "Zoe\u0308", "ZOË"},
		{"Stra\u00dfe", "STRASSE"},
		{"Kim I", "KIM  \u0406", "kim\u00a0i"},
		{"o'brien", "O\u2019Brien"},
		{"os:root", "O\u0455:root", "os\uff1aroot", "\u03bfs\ua789root"},
		{"νικος", "ΝΙΚΟΣ"},
	} {
		for _, other := range alike[1:] {
			if key(alike[0]) != key(other) {
				t.Errorf("%q and %q: keys %q and %q, want equal keys", alike[0], other, key(alike[0]), key(other))
			}
		}
	}
	for _, pair := range [][2]string{
		{"Zoe", "Zoë"}, {"lab1", "labl"}, {"O", "0"}, {"Søren", "Soren"}, {"Ада", "Aдам"}, {"ab", "a b"},
	} {
		if key(pair[0]) == key(pair[1]) {
			t.Errorf("%q and %q have the same key", pair[0], pair[1])
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-zA-Zàëßéñøșčžабвгдежзийкλμνξοπ :'-]{1,12}`).Draw(t, "name")
		form := rapid.SampledFrom([]norm.Form{norm.NFC, norm.NFD, norm.NFKC, norm.NFKD}).Draw(t, "form")
		change := rapid.SampledFrom([]func(string) string{strings.ToUpper, strings.ToLower, strings.Clone}).Draw(t, "case")
		if a, b := key(name), key(form.String(change(name))); a != b {
			t.Errorf("%q in another form has the key %q, want %q", name, b, a)
		}
		if again := key(key(name)); again != key(name) {
			t.Errorf("the key of the key of %q is %q, want %q", name, again, key(name))
		}
	})
}

// Names of actors outside the accounts have a prefix that no username may have.
func TestActorsOutsideAccounts(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	mustExec(t, pool, "INSERT INTO todo (description, status) VALUES ('d', 'open')")
	if owner := queryStrings(t, pool, "SELECT owner FROM todo ORDER BY id DESC LIMIT 1")[0]; owner != "db:labledger" {
		t.Errorf("owner %q of a todo of psql, want db:labledger", owner)
	}
	for _, username := range []string{"db:x", "OS:x", "\uff4fs:x", "Anonymous", "anonymou\u0455"} {
		var pgErr *pgconn.PgError
		_, err := pool.Exec(t.Context(), "INSERT INTO account (username) VALUES ($1)", username)
		if !errors.As(err, &pgErr) || pgErr.Code != "23514" {
			t.Errorf("%s: %v, want 23514", username, err)
		}
	}
	// Former usernames, and actors of an old history, are not free.
	mustExec(t, pool, `UPDATE account SET username = 'Robert' WHERE username = 'Bob';
		INSERT INTO change (actor, table_name, row_key, action) VALUES ('root', 'site', '1', 'insert')`)
	for username, free := range map[string]bool{"bob": false, "root": false, "Robert Smith": true} {
		if err := exec(pool, "SELECT assert_username_unused('"+username+"')"); (err == nil) != free {
			t.Errorf("%s: %v, want free: %v", username, err, free)
		}
	}
}

// versionOf returns the version of the migration with a name.
func versionOf(t *testing.T, name string) (version int) {
	t.Helper()
	files, err := fs.Glob(schema.Files, "*_"+name+".up.sql")
	if err != nil || len(files) != 1 {
		t.Fatalf("migrations named %s: %v, %v", name, files, err)
	}
	if _, err := fmt.Sscanf(files[0], "%d", &version); err != nil {
		t.Fatal(err)
	}
	return version
}

// databaseBefore returns a database before the migration with a name. up applies that migration and the later ones.
func databaseBefore(t *testing.T, name string) (pool *pgxpool.Pool, up func() error) {
	t.Helper()
	ctx := context.Background()
	url := pgtest.Database(t)
	pool, err := postgres.Open(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	for version := versionOf(t, name); ; {
		_, to, err := migrate.Down(ctx, url, schema.Files, 1)
		if err != nil {
			t.Fatal(err)
		}
		if int(to) < version {
			break
		}
	}
	return pool, func() error {
		_, _, err := migrate.Up(ctx, url, schema.Files)
		return err
	}
}

func TestActorsMigration(t *testing.T) {
	t.Parallel()
	pool, up := databaseBefore(t, "actors")
	mustExec(t, pool, `DELETE FROM todo;
		INSERT INTO account (username) VALUES ('former'), ('renamed');
		DELETE FROM account WHERE username = 'former';
		UPDATE account SET username = 'new name' WHERE username = 'renamed';
		INSERT INTO todo (description, status, owner)
		SELECT 'd', 'open', unnest(ARRAY['root', 'labledger', 'former', 'renamed', 'Bob', 'anonymous'])`)
	mustExec(t, pool, "INSERT INTO account (username) VALUES ('BOB')")
	if err := up(); err == nil || !strings.Contains(err.Error(), "'Bob', 'BOB'") {
		t.Errorf("with usernames that look alike: %v, want an error that names them", err)
	}
	mustExec(t, pool, "DELETE FROM account WHERE username = 'BOB'")
	if err := up(); err != nil {
		t.Fatal(err)
	}
	owners := queryStrings(t, pool, "SELECT string_agg(owner, ' ' ORDER BY id) FROM todo")[0]
	if want := "os:root db:labledger former renamed Bob anonymous"; owners != want {
		t.Errorf("owners %s, want %s", owners, want)
	}
}

// Two transactions create usernames that look alike: the second waits for the first and fails. Without the index, both
// succeed.
func TestUsernameKey_concurrently(t *testing.T) {
	t.Parallel()
	for _, names := range [][2]string{{"Ada", "ADA"}, {"ADA", "Ada"}} {
		pool := pgtest.Pool(t)
		insertBoth := func() error {
			tx, err := pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			mustExec(t, tx, "INSERT INTO account (username) VALUES ($1)", names[0])
			done := make(chan error, 1)
			go func() {
				_, err := pool.Exec(context.Background(), "INSERT INTO account (username) VALUES ($1)", names[1])
				done <- err
			}()
			if queryStrings(t, pool, "SELECT coalesce(to_regclass('account_username_key_idx')::text, '')")[0] != "" {
				pgtest.WaitForLockWait(t, pool)
			}
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			return <-done
		}
		var pgErr *pgconn.PgError
		if err := insertBoth(); !errors.As(err, &pgErr) || pgErr.ConstraintName != "account_username_key_idx" {
			t.Errorf("%v: %v, want a violation of account_username_key_idx", names, err)
		}
		mustExec(t, pool, "DELETE FROM account WHERE username = $1", names[0])
		mustExec(t, pool, "DROP INDEX account_username_key_idx")
		if err := insertBoth(); err != nil {
			t.Errorf("%v without the index: %v, want success", names, err)
		}
	}
}
