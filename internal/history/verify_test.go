package history_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/history"
	"labledger/internal/pgtest"
)

// sealedHistory makes a history with four seals and returns them. Each of the last three has seven changes: three
// inserts, three updates with a message and a deletion. No change has the ID after the second of them.
func sealedHistory(t *testing.T, pool *pgxpool.Pool) (seals []db.HistorySeal) {
	t.Helper()
	seals = append(seals, *seal(t, pool))
	for range 3 {
		pgtest.Exec(t, pool, "INSERT INTO site (name) VALUES ('first'), ('second')")
		rollBackInsert(t, pool)
		for _, sql := range []string{
			"INSERT INTO site (name) VALUES ('third')",
			"UPDATE site SET contact = concat(contact, '.') WHERE id IN (SELECT id FROM site ORDER BY id DESC LIMIT 3)",
			"DELETE FROM site WHERE id = (SELECT max(id) FROM site)",
		} {
			pgtest.Exec(t, pool, sql)
		}
		seals = append(seals, *seal(t, pool))
	}
	for _, s := range seals[1:] {
		if s.Changes != 7 || s.LastID-s.FirstID != 7 {
			t.Fatalf("seal %+v, want 7 changes of 8 IDs", s)
		}
	}
	return seals
}

// sealAgain is what an owner would do to hide a change: it deletes all seals. The next seal covers the whole history.
const sealAgain = "DELETE FROM history_seal; DELETE FROM history_seal_pending"

// sealAgainFrom2 is what an owner would do to hide a change in seal 2: it computes that seal and all later ones again.
const sealAgainFrom2 = `
	DO $$
	DECLARE
		s history_seal;
		previous bytea := (SELECT chain FROM history_seal WHERE id = 1);
	BEGIN
		FOR s IN SELECT * FROM history_seal WHERE id > 1 ORDER BY id LOOP
			s.root := (SELECT merkle_root(string_agg(change_leaf(change), ''::bytea ORDER BY change.id))
				FROM change WHERE change.id BETWEEN s.first_id AND s.last_id);
			previous := sha256(previous || int8send(s.id) || int8send(unix_microseconds(s.sealed_at))
				|| int8send(s.first_id) || int8send(s.last_id) || int8send(s.changes) || s.root);
			UPDATE history_seal SET root = s.root, chain = previous WHERE id = s.id;
		END LOOP;
	END $$`

// TestVerify_findings manipulates the history as its owner, with the triggers disabled. $first and $last are the first
// and the last change of seal 2, $gap an ID in between without a change. Without a want, nothing can be found; the
// seal with the number expect, recorded before, finds it.
func TestVerify_findings(t *testing.T) {
	t.Parallel()
	const changed = "seal 2: a row of the history was changed"
	const forge = "UPDATE change SET actor = 'mallory' WHERE id = $first"
	for name, c := range map[string]struct {
		sql, want string
		expect    int    // 0 for none
		expected  string // with expect
	}{
		"nothing":       {sql: "SELECT", expect: 4},
		"xid":           {sql: "UPDATE change SET xid = 0", expect: 4},
		"actor":         {sql: forge, want: changed},
		"at":            {sql: "UPDATE change SET at = at + interval '1 microsecond' WHERE id = $last", want: changed},
		"request_id":    {sql: "UPDATE change SET request_id = '' WHERE id = $first", want: changed},
		"message":       {sql: "UPDATE change SET message = '' WHERE id = $first", want: changed},
		"table_name":    {sql: "UPDATE change SET table_name = 'freezer' WHERE id = $first", want: changed},
		"row_key":       {sql: "UPDATE change SET row_key = '99' WHERE id = $first", want: changed},
		"action":        {sql: "UPDATE change SET action = 'delete' WHERE id = $first", want: changed},
		"before":        {sql: "UPDATE change SET before = before - 'name' WHERE id = $last", want: changed},
		"before null":   {sql: "UPDATE change SET before = 'null' WHERE id = $first", want: changed},
		"after":         {sql: `UPDATE change SET after = after || '{"name": "forged"}' WHERE id = $first`, want: changed},
		"after null":    {sql: "UPDATE change SET after = NULL WHERE id = $first", want: changed},
		"changeset_id":  {sql: "UPDATE change SET changeset_id = 1 WHERE id = $first", want: changed},
		"undoes_id":     {sql: "UPDATE change SET undoes_id = 1 WHERE id = $first", want: changed},
		"moved text":    {sql: "UPDATE change SET table_name = 'sit', row_key = 'e' || row_key WHERE id = $first", want: changed},
		"another ID":    {sql: "UPDATE change SET id = $gap WHERE id = $first", want: changed},
		"infinite time": {sql: "UPDATE change SET at = 'infinity' WHERE id = $first", want: changed},
		"two rows swapped": {
			sql: "UPDATE change SET id = -1 WHERE id = $first; UPDATE change SET id = $first WHERE id = $first + 1; " +
				"UPDATE change SET id = $first + 1 WHERE id = -1",
			want: changed,
		},
		"rows of two seals swapped": {
			sql: "UPDATE change SET id = -1 WHERE id = $first; UPDATE change SET id = $first WHERE id = $last + 1; " +
				"UPDATE change SET id = $last + 1 WHERE id = -1",
			want: changed + "\nseal 3: a row of the history was changed",
		},
		"deleted row": {
			sql: "DELETE FROM change WHERE id = $first", want: "seal 2: rows of the history are missing: 1",
		},
		"all rows of a seal deleted": {
			sql:  "DELETE FROM change WHERE id BETWEEN $first AND $last",
			want: "seal 2: rows of the history are missing: 7",
		},
		"inserted row": {
			sql: "INSERT INTO change (id, actor, table_name, row_key, action, changeset_id) " +
				"VALUES ($gap, 'x', 'site', '1', 'insert', $gap)",
			want: "seal 2: rows were added to the history: 1",
		},
		"replaced row": {
			sql: "DELETE FROM change WHERE id = $last; " +
				"INSERT INTO change (id, actor, table_name, row_key, action, changeset_id) " +
				"VALUES ($last, 'x', 'site', '1', 'insert', $last)",
			want: changed,
		},
		"row before the first ID": {
			sql: "INSERT INTO change (id, actor, table_name, row_key, action, changeset_id) " +
				"VALUES (-7, 'x', 'site', '1', 'insert', 0)",
			want: "changes -7 to -7: no seal covers these rows of the history, but a later one exists",
		},
		"truncated": {
			sql:  "DELETE FROM change WHERE id >= $last - 1",
			want: "seal 2 to seal 4: the history is truncated",
		},
		"last row deleted": {
			sql:  "DELETE FROM change WHERE id = (SELECT max(id) FROM change)",
			want: "seal 4: the history is truncated",
		},
		"emptied": {sql: "TRUNCATE change", want: "seal 1 to seal 4: the history is truncated"},
		"truncated, new changes follow": {
			sql: "DELETE FROM change WHERE id > $last; SET session_replication_role = origin; " +
				"INSERT INTO site (name) VALUES ('new')",
			want: "seal 3 to seal 4: the history is truncated",
		},
		"truncated with its seals": {
			sql:    "DELETE FROM change WHERE id > $last; DELETE FROM history_seal WHERE id > 2",
			expect: 4, expected: "seal 4: the expected seal is missing",
		},
		"truncated with its seals and an older expectation": {
			sql:    "DELETE FROM change WHERE id > $last; DELETE FROM history_seal WHERE id > 2",
			expect: 2,
		},
		"all emptied": {
			sql:    "TRUNCATE change; " + sealAgain,
			expect: 1, expected: "seal 1: the expected seal is missing",
		},
		"root": {
			sql:  "UPDATE history_seal SET root = sha256('') WHERE id = 2",
			want: "seal 2: the chain is broken: this seal was changed, or the one before\n" + changed,
		},
		"root of the forged rows": {
			sql: forge + "; UPDATE history_seal SET root = (SELECT merkle_root(string_agg(change_leaf(change), " +
				"''::bytea ORDER BY change.id)) FROM change WHERE change.id BETWEEN first_id AND last_id)",
			want: "seal 2: the chain is broken: this seal was changed, or the one before",
		},
		"chain": {
			sql: "UPDATE history_seal SET chain = sha256('') WHERE id = 2",
			want: "seal 2: the chain is broken: this seal was changed, or the one before\n" +
				"seal 3: the chain is broken: this seal was changed, or the one before",
		},
		"time of a seal": {
			sql:  "UPDATE history_seal SET sealed_at = sealed_at - interval '1 day' WHERE id = 3",
			want: "seal 3: the chain is broken: this seal was changed, or the one before",
		},
		"missing seal": {
			sql: "DELETE FROM history_seal WHERE id = 2",
			want: "seals 2 to 2: seals are missing\n" +
				"changes $first to $last: no seal covers these rows of the history, but a later one exists",
		},
		"seals numbered again": {
			sql: "DELETE FROM history_seal WHERE id = 2; UPDATE history_seal SET id = id - 1 WHERE id > 2; " + sealAgainFrom2,
			want: "seal 2: the ranges of the seals leave a gap or overlap\n" +
				"changes $first to $last: no seal covers these rows of the history, but a later one exists",
			expect: 3,
			expected: "seal 2: the ranges of the seals leave a gap or overlap\n" +
				"changes $first to $last: no seal covers these rows of the history, but a later one exists\n" +
				"seal 3: the seal is not the expected one",
		},
		"forged, and the later seals computed again": {
			sql:    forge + "; " + sealAgainFrom2,
			expect: 3, expected: "seal 3: the seal is not the expected one",
		},
		"forged, and an expected seal from before": {sql: forge + "; " + sealAgainFrom2, expect: 1},
		"forged, and all seals made again": {
			sql: forge + "; " + sealAgain, expect: 4, expected: "seal 4: the expected seal is missing",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.Pool(t)
			seals := sealedHistory(t, pool)
			wantIntact(t, pool, 4, 0)
			ids := strings.NewReplacer("$first", fmt.Sprint(seals[1].FirstID), "$last", fmt.Sprint(seals[1].LastID),
				"$gap", fmt.Sprint(seals[1].FirstID+2))
			pgtest.ExecScript(t, pool.Config().ConnString(),
				"SET session_replication_role = replica; "+ids.Replace(c.sql))
			if strings.HasSuffix(c.sql, sealAgain) {
				seal(t, pool)
			}
			if _, got := verify(t, pool); short(got) != ids.Replace(c.want) {
				t.Errorf("found:\n%s\nwant:\n%s", got, ids.Replace(c.want))
			}
			if c.expect > 0 {
				_, got := verify(t, pool, history.ExpectationOf(seals[c.expect-1]))
				if short(got) != ids.Replace(c.expected) {
					t.Errorf("with seal %d, found:\n%s\nwant:\n%s", c.expect, got, ids.Replace(c.expected))
				}
			}
		})
	}
}

var sealRange = regexp.MustCompile(`(seal \d+), changes \d+ to \d+, sealed at [^ :]+(:\d\d:\d\dZ)`)

// short removes the ranges and times of seals from findings.
func short(findings string) string {
	return sealRange.ReplaceAllString(findings, "$1")
}

// One seal can be expected several times, and the expectations can be in any order.
func TestVerify_expectations(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	seals := sealedHistory(t, pool)
	newest := history.ExpectationOf(seals[3])
	if _, got := verify(t, pool, newest, history.ExpectationOf(seals[0]), newest); got != "" {
		t.Errorf("found:\n%s", got)
	}
	wrong := newest
	wrong.Chain[31] ^= 1
	if _, got := verify(t, pool, wrong, newest); short(got) != "seal 4: the seal is not the expected one" {
		t.Errorf("found:\n%s", got)
	}
}

func TestParseExpectation(t *testing.T) {
	t.Parallel()
	digits := strings.Repeat("0f", 32)
	if e, err := history.ParseExpectation("12:" + digits); err != nil || e.SealID != 12 || e.String() != "12:"+digits {
		t.Errorf("got %v, %v", e, err)
	}
	for _, text := range []string{
		"", "12", "12:", digits, "0:" + digits, "-1:" + digits, "x:" + digits, "12:" + digits[1:], "12:0" + digits,
		"12:" + strings.Repeat("0g", 32), "12:" + strings.Repeat("é", 32), "99999999999999999999:" + digits,
	} {
		if e, err := history.ParseExpectation(text); err == nil || e != (history.Expectation{}) {
			t.Errorf("%q: got %v, %v; want an error", text, e, err)
		}
	}
}

func FuzzParseExpectation(f *testing.F) {
	f.Add("12:" + strings.Repeat("0f", 32))
	f.Add("0:x")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := history.ParseExpectation(text)
		if err != nil {
			return
		}
		if again, err := history.ParseExpectation(e.String()); err != nil || again != e {
			t.Errorf("%q: %v, then %v, %v", text, e, again, err)
		}
	})
}
