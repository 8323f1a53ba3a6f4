package history_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/history"
	"labledger/internal/history/merkle"
	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

func TestMain(m *testing.M) {
	pgtest.Main(m, schema.Files, func(_ context.Context, url string) error {
		_, err := pgtest.Value(url, schema.MockData)
		return err
	})
}

// seal makes all changes pending and seals them. It returns the last new seal, or nil if there is none.
func seal(t *testing.T, pool *pgxpool.Pool) (newest *db.HistorySeal) {
	t.Helper()
	for calls := 0; calls < 2; calls++ {
		s, err := history.Seal(t.Context(), pool, 0)
		if err != nil {
			t.Fatal(err)
		}
		if s != nil {
			newest, calls = s, 0
		}
	}
	return newest
}

// verify returns the result of Verify and the findings, a line for each.
func verify(t *testing.T, pool *pgxpool.Pool, expected ...history.Expectation) (history.Summary, string) {
	t.Helper()
	var findings []string
	summary, err := history.Verify(t.Context(), db.New(pool), expected, func(int64) {}, func(f history.Finding) {
		findings = append(findings, f.Subject+": "+f.What)
	})
	if err != nil {
		t.Fatal(err)
	}
	if summary.Findings != int64(len(findings)) {
		t.Errorf("%d findings, and %d reported", summary.Findings, len(findings))
	}
	return summary, strings.Join(findings, "\n")
}

// wantIntact checks that there are no findings and as many seals and unsealed changes as wanted.
func wantIntact(t *testing.T, pool *pgxpool.Pool, seals, unsealed int64) {
	t.Helper()
	if summary, findings := verify(t, pool); findings != "" || summary.Seals != seals || summary.Unsealed != unsealed {
		t.Errorf("%d seals, %d unsealed changes, want %d and %d; findings:\n%s",
			summary.Seals, summary.Unsealed, seals, unsealed, findings)
	}
}

// replaceInFunction replaces a part of seal_history, for a negative control.
func replaceInFunction(t *testing.T, q pgtest.Querier, part, replacement string) {
	t.Helper()
	definition := pgtest.QueryValue[string](t, q, "SELECT pg_get_functiondef('seal_history'::regproc)")
	if strings.Count(definition, part) != 1 {
		t.Fatalf("seal_history does not contain %q once", part)
	}
	pgtest.Exec(t, q, strings.Replace(definition, part, replacement, 1))
}

func TestSeal(t *testing.T) {
	t.Parallel()
	owner, server := pgtest.Pools(t)
	all := pgtest.QueryValue[int64](t, owner, "SELECT count(*) FROM change")
	wantIntact(t, owner, 0, all)
	first := seal(t, server)
	if first == nil || first.ID != 1 || first.FirstID != 1 || first.Changes != all {
		t.Fatalf("first seal: %+v, want all %d changes", first, all)
	}
	wantIntact(t, owner, 1, 0)
	if again := seal(t, server); again != nil {
		t.Errorf("without a new change: seal %+v", again)
	}

	// The IDs of rolled back changes belong to no seal by themselves, and make nothing pending.
	pending := func() string {
		return pgtest.QueryValue[string](t, owner, "SELECT format('%s %s', last_id, xid) FROM history_seal_pending")
	}
	before := pending()
	rollBackInsert(t, owner)
	if s := seal(t, server); s != nil || pending() != before {
		t.Errorf("after a rollback: seal %+v, pending %s, want %s", s, pending(), before)
	}
	pgtest.Exec(t, owner, "INSERT INTO site (name) VALUES ('x')")
	if s := seal(t, server); s == nil || s.FirstID != first.LastID+1 || s.LastID != first.LastID+2 || s.Changes != 1 {
		t.Errorf("seal after a rollback: %+v, want 1 change after change %d", s, first.LastID)
	}
	wantIntact(t, owner, 2, 0)

	// A seal that is too new lets nothing become pending, whichever instance made it.
	pgtest.Exec(t, owner, "INSERT INTO site (name) VALUES ('x')")
	for range 3 {
		if s, err := history.Seal(t.Context(), server, time.Minute); s != nil || err != nil {
			t.Errorf("seal %+v, %v; want none within a minute", s, err)
		}
	}
	wantIntact(t, owner, 2, 1)
}

// rollBackInsert assigns the ID of a change that never exists.
func rollBackInsert(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, tx, "INSERT INTO site (name) VALUES ('rolled back')")
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// begin begins a transaction that is rolled back at the end of the test unless it is committed.
func begin(t *testing.T, pool *pgxpool.Pool) pgx.Tx {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	return tx
}

func commit(t *testing.T, tx pgx.Tx) {
	t.Helper()
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A change with a smaller ID can be committed after one with a greater ID. No seal covers either before. The negative
// controls seal at once, and remember a transaction ID that does not follow those of all running transactions.
func TestSeal_lateCommit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, part, replacement string }{
		{"", "", ""},
		{"without a horizon", "(SELECT settled_xid()) < pending.xid", "false"},
		{"with the next ID of the snapshot", "pg_current_xact_id()", "pg_snapshot_xmax(pg_current_snapshot())"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cluster := pgtest.NewCluster(t) // where no other test completes newer transactions
			if _, _, err := migrate.Up(t.Context(), cluster.URL(), schema.Files); err != nil {
				t.Fatal(err)
			}
			pool, err := postgres.Open(t.Context(), cluster.URL())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(pool.Close)
			if c.name != "" {
				replaceInFunction(t, pool, c.part, c.replacement)
			}
			seal(t, pool)
			early, late := begin(t, pool), begin(t, pool)
			pgtest.Exec(t, early, "SELECT pg_current_xact_id()")
			pgtest.Exec(t, late, "INSERT INTO site (name) VALUES ('smaller ID of the change')")
			pgtest.Exec(t, early, "INSERT INTO site (name) VALUES ('greater ID')")
			commit(t, early)
			s := seal(t, pool)
			if (s != nil) != (c.name != "") {
				t.Errorf("while a transaction runs: seal %+v", s)
			}
			if c.name == "" {
				wantIntact(t, pool, 1, 1)
			}
			commit(t, late)
			seal(t, pool)
			_, findings := verify(t, pool)
			if c.name == "" {
				wantIntact(t, pool, 2, 0)
			} else if !strings.Contains(findings, "rows were added to the history: 1") {
				t.Errorf("the control finds %q, so the test proves nothing", findings)
			}
		})
	}
}

// Of two instances that seal at the same time, the second waits and finds nothing to do. Writers do not wait. Without
// the lock, the negative control, the second fails.
func TestSeal_twiceAtOnce(t *testing.T) {
	t.Parallel()
	for _, control := range []bool{false, true} {
		url := pgtest.Database(t)
		first, second, observer := pgtest.Connect(t, url), pgtest.Connect(t, url), pgtest.Connect(t, url)
		if control {
			replaceInFunction(t, observer, "LOCK TABLE history_seal IN SHARE ROW EXCLUSIVE MODE;", "")
		}
		pgtest.Exec(t, first, "SELECT seal_history(0)")
		pgtest.Exec(t, first, "BEGIN")
		if id := pgtest.QueryValue[int](t, first, "SELECT seal_history(0)"); id != 1 {
			t.Fatalf("seal %d, want 1", id)
		}
		type result struct {
			id  int
			err error
		}
		done := make(chan result, 1)
		go func() {
			var r result
			r.err = second.QueryRow(context.Background(), "SELECT seal_history(60)").Scan(&r.id)
			done <- r
		}()
		pgtest.WaitForLockWait(t, observer)
		pgtest.Exec(t, observer, "SET lock_timeout = '1s'")
		pgtest.Exec(t, observer, "INSERT INTO site (name) VALUES ('x')")
		pgtest.Exec(t, first, "COMMIT")
		r := <-done
		var pgErr *pgconn.PgError
		if control && (!errors.As(r.err, &pgErr) || pgErr.Code != "23505") || !control && (r.err != nil || r.id != 0) {
			t.Errorf("control %v: the second seals %d, %v", control, r.id, r.err)
		}
		if n := pgtest.QueryValue[int](t, observer, "SELECT count(*) FROM history_seal"); n != 1 {
			t.Errorf("control %v: %d seals, want 1", control, n)
		}
	}
}

// A pending transaction ID from another cluster, as after a restore from a dump, never holds back a seal.
func TestSeal_restored(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	if s, err := history.Seal(t.Context(), pool, 0); s != nil || err != nil {
		t.Fatalf("seal %+v, %v", s, err)
	}
	pgtest.Exec(t, pool, "UPDATE history_seal_pending SET xid = 1000000000000")
	if s := seal(t, pool); s == nil {
		t.Error("no seal")
	}
	wantIntact(t, pool, 1, 0)
}

// seal_history needs a transaction that has not written and sees what others commit.
func TestSeal_transaction(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	for begin, want := range map[string]string{
		"BEGIN":                                 "",
		"BEGIN; SELECT pg_current_xact_id()":    "must run before the transaction writes",
		"BEGIN ISOLATION LEVEL REPEATABLE READ": "must run at isolation level READ COMMITTED",
		"BEGIN ISOLATION LEVEL SERIALIZABLE":    "must run at isolation level READ COMMITTED",
	} {
		_, err := pgtest.Value(url, begin+"; SELECT seal_history(0)")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", begin, err, want)
		}
	}
}

// The functions of the schema and the Go code compute the same roots.
func TestMerkleRoot(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	var tree merkle.Tree
	for n := range 130 {
		tree.Add([]byte{byte(n)})
		var root []byte
		err := pool.QueryRow(t.Context(), `
			SELECT merkle_root(string_agg(sha256('\x00'::bytea || substring(int4send(n) FROM 4)), ''::bytea ORDER BY n))
			FROM generate_series(0, $1::integer) AS n`, n).Scan(&root)
		if want := tree.Root(); err != nil || string(root) != string(want[:]) {
			t.Errorf("root of %d leaves: %x, %v; want %x", n+1, root, err, want)
		}
	}
}

// Texts of all kinds have the same leaf in SQL and in Go: null, empty, multibyte, and JSON with numbers and escapes.
func TestLeaf(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, `
		INSERT INTO change (at, actor, request_id, message, table_name, row_key, action, before, after, changeset_id)
		VALUES
			('infinity', 'ada', NULL, '', 't', '1', 'insert', NULL, 'null', 1),
			('-infinity', '', '', 'Größe ☃ 𝄞', 't', E'a\nb', 'update', '{}', '{"b": 1.50, "aa": 1e400, "a": "\u00e9\n\\"}', 2),
			('1969-12-31 23:59:59.999999+00', 'x', 'r', NULL, '', '', 'delete', '[1, [], ""]', NULL, -1),
			('4000-01-01 00:00:00.000001+00', 'x', 'r', NULL, '', '', 'delete', '"\u2028<>&"', NULL, 9223372036854775807)`)
	pgtest.Exec(t, pool, "INSERT INTO change (table_name, row_key, action, after) VALUES ('t', '1', 'insert', to_jsonb(repeat('☃', 100000)))")
	seal(t, pool)
	wantIntact(t, pool, 1, 0)
}

// A seal covers all columns of the table change but xid. A new column needs a decision: see change_leaf in the schema.
func TestLeaf_columns(t *testing.T) {
	t.Parallel()
	const covered = "action actor after at before changeset_id id message request_id row_key table_name undoes_id"
	columns := pgtest.QueryValue[string](t, pgtest.Pool(t), `
		SELECT string_agg(column_name, ' ' ORDER BY column_name)
		FROM information_schema.columns
		WHERE table_schema = 'public' AND table_name = 'change' AND column_name <> 'xid'`)
	if columns != covered {
		t.Errorf("the table change has the columns %s; seals cover %s", columns, covered)
	}
}

// An import of 100,000 rows has one seal, and one more change has the next one.
func TestSeal_manyChanges(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	seal(t, pool)
	pgtest.Exec(t, pool, `
		INSERT INTO change (table_name, row_key, action, before, after)
		SELECT 'site', n, 'update', jsonb_build_object('id', n, 'name', 'old'), jsonb_build_object('id', n, 'name', 'new')
		FROM generate_series(1, 100001) AS n`)
	first, err := history.Seal(t.Context(), pool, 0)
	if first != nil || err != nil {
		t.Fatalf("seal %+v, %v; want only pending changes", first, err)
	}
	for _, changes := range []int64{100_000, 1} {
		s, err := history.Seal(t.Context(), pool, 0)
		if err != nil || s == nil || s.Changes != changes {
			t.Fatalf("seal %+v, %v; want %d changes", s, err, changes)
		}
	}
	wantIntact(t, pool, 3, 0)
	const middle = "(SELECT min(id) + 54321 FROM change WHERE table_name = 'site' AND action = 'update')"
	pgtest.ExecScript(t, pool.Config().ConnString(), `SET session_replication_role = replica;
		UPDATE change SET after = '{"name": "forged"}' WHERE id = `+middle)
	if _, findings := verify(t, pool); !strings.HasPrefix(findings, "seal 2, ") || strings.Contains(findings, "\n") {
		t.Errorf("findings: %s; want one in seal 2", findings)
	}
}

// The ranges of the seals leave no gap, also when the owner inserts a seal.
func TestSealConstraints(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	seal(t, pool)
	last := pgtest.QueryValue[int64](t, pool, "SELECT last_id FROM history_seal")
	const insert = `INSERT INTO history_seal (id, sealed_at, first_id, last_id, changes, root, chain)
		VALUES ($1, now(), $2, $3, $4, sha256(''), sha256(''))`
	for _, c := range []struct {
		id, first, last, changes int64
		want                     string
	}{
		{2, last + 2, last + 9, 1, "history_seal_previous_last_id_fkey"},
		{2, last, last + 9, 1, "history_seal_previous_last_id_fkey"},
		{2, 1, last + 9, 1, "history_seal_first_id_1_in_seal_1"},
		{1, last + 1, last + 9, 1, "history_seal_first_id_1_in_seal_1"},
		{2, last + 1, last + 2, 3, "history_seal_changes_fit_into_range"},
		{2, last + 1, last + 2, 0, "history_seal_changes_fit_into_range"},
		{2, last + 1, last + 2, 2, ""},
		{3, last + 1, last + 9, 2, "history_seal_previous_last_id_key"},
	} {
		_, err := pool.Exec(t.Context(), insert, c.id, c.first, c.last, c.changes)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
