package schema_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
)

// undoCases are requests that are undone, after later statements. want is a part of the error or of its list, "" for an
// undo that restores the tables, and "kept" for one that succeeds beside later changes.
var undoCases = map[string]struct{ setup, request, later, as, want string }{
	"changed since": {
		request: "UPDATE site SET country = 'Chile'", later: "UPDATE site SET country = 'Peru' WHERE id = 2",
		want: `"Site 2 was changed by db:labledger on `,
	},
	"number of rows that were changed since": {
		request: "UPDATE site SET country = 'Chile'", later: "UPDATE site SET country = 'Peru' WHERE id > 3",
		want: "2 rows were changed since. Nothing was changed.",
	},
	"changed and changed back": {
		request: "UPDATE site SET country = 'Chile' WHERE id = 2",
		later:   "UPDATE site SET name = 'X' WHERE id = 2; UPDATE site SET name = 'Site 2' WHERE id = 2",
	},
	"created again since": {
		request: "DELETE FROM computer WHERE id = 2", later: "INSERT INTO computer (id, name, site_id) VALUES (2, 'X', 1)",
		want: `"X was changed by db:labledger on `,
	},
	"former UUID used in between": {
		request: "UPDATE container SET barcode = 'X' WHERE description = 'Tube 9';" + newUUID,
		later: `INSERT INTO container (uuid, freezer_id) VALUES ('00000000-0000-0000-0000-000000000009', 2);
			DELETE FROM container WHERE uuid = '00000000-0000-0000-0000-000000000009'`,
	},
	"former UUID taken since": {
		request: newUUID,
		later: `INSERT INTO container (uuid, description, freezer_id)
			VALUES ('00000000-0000-0000-0000-000000000009', 'Again', 2)`,
		want: `"Again was changed by db:labledger on `,
	},
	"UUID of a deleted container used in between": {
		request: "DELETE FROM container WHERE description = 'Tube 9'",
		later: `UPDATE container SET uuid = '00000000-0000-0000-0000-000000000009' WHERE description = 'Tube 10';
			UPDATE container SET uuid = '00000000-0000-0000-0000-000000000010' WHERE description = 'Tube 10'`,
	},
	"UUID of a deleted container taken since": {
		request: "DELETE FROM container WHERE description = 'Tube 9'",
		later:   "UPDATE container SET uuid = '00000000-0000-0000-0000-000000000009' WHERE description = 'Tube 10'",
		want:    `"Tube 10 was changed by db:labledger on `,
	},
	"deleted since": {
		request: "UPDATE computer SET name = 'X' WHERE id = 2", later: "DELETE FROM computer WHERE id = 2",
		want: `"X was changed by `,
	},
	"undone already": {
		request: "UPDATE site SET country = 'Chile'", later: "SELECT undo_changeset('r')",
		want: "db:labledger has undone this change set already, in change set ",
	},
	"row of the site was created since": {
		request: "INSERT INTO site (id, name) VALUES (9, 'New')",
		later:   "INSERT INTO freezer (name, site_id) VALUES ('F', 9)",
		want:    "A freezer refers to a site that the undo would delete. Nothing was changed.",
	},
	"referenced row was deleted since": {
		setup:   "INSERT INTO site (id, name) VALUES (9, 'New'); INSERT INTO freezer (id, name, site_id) VALUES (9, 'F', 9)",
		request: "DELETE FROM freezer WHERE id = 9", later: "DELETE FROM site WHERE id = 9",
		want: "A freezer would refer to a site that was deleted since. Nothing was changed.",
	},
	"reference that the deletion would remove": {
		request: "INSERT INTO site (id, name) VALUES (9, 'New')",
		later:   "INSERT INTO todo (description, status, site_id) VALUES ('Paint', 'open', 9)",
		want:    `"Paint would be changed or deleted, too"`,
	},
	"stock-take": {request: "INSERT INTO stocktake (freezer_id) VALUES (3)"},
	"stock-take with scans since": {
		request: "INSERT INTO stocktake (id, freezer_id) VALUES (9, 3)", later: "SELECT scan_code(9, 'B8', NULL, NULL)",
		want: `"Box 8 would be changed or deleted, too"`,
	},
	"closed stock-take": {request: "SELECT close_stocktake(1, NULL, true, true, true)"},
	"container with a stock-take since": {
		request: "INSERT INTO container (uuid, freezer_id) VALUES ('00000000-0000-0000-0000-000000000099', 1)",
		later:   "INSERT INTO stocktake (container_uuid) VALUES ('00000000-0000-0000-0000-000000000099')",
		want:    "would be changed or deleted, too",
	},
	"position taken since": {
		request: "DELETE FROM container WHERE description = 'Tube 11'",
		later:   "INSERT INTO container (parent_uuid, position) VALUES ('00000000-0000-0000-0000-000000000007', 'B1')",
		want:    "The position of a container was taken since. Nothing was changed.",
	},
	"barcode taken since": {
		request: "UPDATE container SET barcode = NULL WHERE barcode = 'B8'",
		later:   "UPDATE container SET barcode = 'B8' WHERE barcode = 'B7'",
		want:    "Another container has the same barcode by now. Nothing was changed.",
	},
	"freezer full since": {
		request: "UPDATE container SET parent_uuid = NULL, freezer_id = 1 WHERE freezer_id = 3 AND description = 'Rack 3'",
		later:   "UPDATE freezer SET capacity = 1 WHERE id = 3; INSERT INTO container (freezer_id) VALUES (3)",
		want:    "Small holds at most 1 containers directly. Nothing was changed.",
	},
	"container full since": {
		setup:   "UPDATE container SET rows = NULL, columns = NULL, capacity = 2 WHERE description = 'Box 8'",
		request: "DELETE FROM container WHERE description = 'New'",
		later: `INSERT INTO container (parent_uuid) SELECT '00000000-0000-0000-0000-000000000008'
			FROM generate_series(1, 2)`,
		want: "Box 8 holds at most 2 containers. Nothing was changed.",
	},
	"check-out": {
		request: "INSERT INTO checkout (container_uuid, holder) VALUES ('00000000-0000-0000-0000-000000000011', 'Bob')",
		want:    `"A check-out recorded an event, which stays in the ledger. Check the container in."`,
	},
	"check-in": {
		request: "UPDATE checkout SET returned_at = now(), returned_by = 'Bob', outcome = 'returned' WHERE id = 5",
		want:    `"A check-in recorded an event, which stays in the ledger. Check the container out again."`,
	},
	"due date of a check-out": {request: "UPDATE checkout SET due_on = '2031-01-01' WHERE id = 5"},
	"deleted containers with check-outs": {
		request: "DELETE FROM container WHERE description LIKE 'Tube%'",
	},
	"renamed user": {request: "UPDATE account SET username = 'Robert' WHERE username = 'Bob'"},
	"password": {
		request: "INSERT INTO credential (account_id, password_hash) VALUES (1, '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE')",
		want:    `"1 password", "message": "Passwords cannot be restored: their hashes are not in the history."`,
	},
	"password link": {
		request: `INSERT INTO password_link (account_id, hash, expires_at)
			VALUES (1, sha256('x'), now() + interval '1 day')`,
		want: `"Password links cannot be restored`,
	},
	"new user":     {request: "INSERT INTO account (username) VALUES ('New')", want: `"Users are neither removed nor `},
	"deleted user": {request: "DELETE FROM account WHERE username = 'Jane'", want: `"Users are neither removed nor `},
	"new file": {
		request: `INSERT INTO attachment (name, url, type, size, sha256)
			VALUES ('a.txt', '/media/cc/' || repeat('c', 26) || '.txt', 'text/plain', 1, repeat('0', 64))`,
		want: `"Files are not removed by an undo. Delete the attachment."`,
	},
	"deleted file": {
		request: "DELETE FROM attachment WHERE id = 1",
		want:    `"The file was deleted with the attachment. Upload the file again."`,
	},
	"several reasons": {
		request: "DELETE FROM attachment WHERE id = 1; DELETE FROM account WHERE username = 'Jane'",
		want:    `"1 user"`,
	},
	"own change set of an operator": {as: "ada operator", request: "UPDATE site SET country = 'Chile' WHERE id = 2"},
	"other rows changed since":      {request: "UPDATE site SET country = 'Chile' WHERE id = 2", later: "DELETE FROM todo", want: "kept"},
	"change set of another user": {
		as: "eve operator", request: "UPDATE site SET country = 'Chile' WHERE id = 2",
		want: "the change set belongs to ada",
	},
	"change set of another user as an admin": {as: "eve admin", request: "UPDATE site SET country = 'Chile' WHERE id = 2"},
	"rule as an operator": {
		as: "ada operator", request: `UPDATE rule SET "limit" = 7 WHERE code = 30`, want: `"Only admins change rules."`,
	},
	"profile as an operator": {
		as: "ada operator", request: "UPDATE account SET country = 'Chile' WHERE id = 1", want: `"Only admins change users."`,
	},
	"todo of another user that lost its site": {
		as: "ada operator", request: "DELETE FROM site WHERE id = 5",
	},
	"several requests with the ID": {
		request: "UPDATE site SET country = 'Chile' WHERE id = 2",
		later: `BEGIN; SELECT set_request_context('ada', 'operator', 'r');
			UPDATE site SET country = 'Peru' WHERE id = 3; COMMIT`,
		want: "Several requests had the ID r. Use the ID of one of their change sets: ",
	},
	"in a transaction with other changes": {
		request: "UPDATE site SET country = 'Chile' WHERE id = 2", as: "in transaction",
		want: "An undo needs a transaction of its own, without other changes before it.",
	},
}

// undo undoes the request r as a user with a role, "" for psql. It returns the error with its list.
func undo(ctx context.Context, pool *pgxpool.Pool, as string) error {
	actor, role, _ := strings.Cut(as, " ")
	sql := fmt.Sprintf("BEGIN; SELECT set_request_context('%s', '%s', 'undo'); SELECT undo_changeset('r'); COMMIT", actor, role)
	switch as {
	case "":
		sql = "SELECT undo_changeset('r')"
	case "in transaction":
		sql = "BEGIN; UPDATE site SET name = 'X' WHERE id = 1; SELECT undo_changeset('r'); COMMIT"
	}
	_, err := pool.Exec(ctx, sql)
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return fmt.Errorf("%w %s", err, pgErr.Detail)
	}
	return err
}

const newUUID = "UPDATE container SET uuid = '00000000-0000-0000-0000-000000000018' WHERE description = 'Tube 9'"

func TestUndo(t *testing.T) {
	t.Parallel()
	for name, c := range undoCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.Pool(t)
			conn := pgtest.Connect(t, pool.Config().ConnString())
			tables := queryStrings(t, pool, "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'record_change'")
			state := func() string {
				text, err := auditedState(t.Context(), conn, tables)
				if err != nil {
					t.Fatal(err)
				}
				return text
			}
			script := func(sql string) {
				if err := conn.PgConn().Exec(t.Context(), sql).Close(); err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
			}
			script(undoLab + ";" + `RESET labledger.actor;
				INSERT INTO container (description, parent_uuid) VALUES ('New', '00000000-0000-0000-0000-000000000008');
				INSERT INTO todo (description, status, owner, site_id) VALUES ('Paint', 'open', 'Jane', 5);` + c.setup)
			before := state()
			script("BEGIN; SELECT set_request_context('ada', '', 'r'); " + c.request + "; COMMIT")
			script(c.later)
			after := state()
			err := undo(t.Context(), pool, c.as)
			switch {
			case c.want == "" || c.want == "kept":
				if err != nil {
					t.Fatal(err)
				}
				if got := state(); (got == before) != (c.want == "") {
					t.Error(differingLines(got, before))
				}
			case err == nil || !strings.Contains(err.Error(), c.want):
				t.Errorf("%v; want %s", err, c.want)
			case state() != after:
				t.Error("the rejected undo changed rows")
			}
		})
	}
}

// TestUndo_alerts: a request that changed only alerts has no change set, and the error says why.
func TestUndo_alerts(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	insertLedgerRows(t, pool)
	pgtest.ExecScript(t, pool.Config().ConnString(),
		"BEGIN; SELECT set_request_context('ada', '', 'r'); UPDATE alert SET note = 'Seen'; COMMIT")
	if err := undo(t.Context(), pool, ""); err == nil || !strings.Contains(err.Error(), "Changes of alerts stay in the ledger") {
		t.Error(err)
	}
}

// undoRaces are statements of another transaction beside the undo of an UPDATE of site 2, of an INSERT of box 'R', or of
// the DELETE of computer 2. The second one waits for the first. want is its error.
var undoRaces = []struct{ name, request, other, wantUndo, wantOther string }{
	{
		"update of the row", "UPDATE site SET country = 'Chile' WHERE id = 2", "UPDATE site SET contact = 'Ada' WHERE id = 2",
		"LL409 state", "",
	},
	{
		"deletion of the row", "UPDATE site SET country = 'Chile' WHERE id = 3", "DELETE FROM site WHERE id = 3",
		"LL409 state", "",
	},
	{
		"content of a new container", "INSERT INTO container (uuid, freezer_id) VALUES (repeat('9', 32)::uuid, 1)",
		"INSERT INTO container (parent_uuid) VALUES (repeat('9', 32)::uuid)",
		"LL409 state", "23514 parent_uuid: refers to no existing container",
	},
	{
		"row with the same key", "DELETE FROM computer WHERE id = 2",
		"INSERT INTO computer (id, name, site_id) VALUES (2, 'Other', 1)",
		"LL409 state", "23505 computer_pkey",
	},
	{
		"another undo", "UPDATE site SET country = 'Chile' WHERE id = 2", "SELECT undo_changeset('r')",
		"LL409 state", "LL409 state",
	},
}

// TestUndo_races: an undo and another transaction that changes the same rows have the result of one after the other, or
// the second fails. In the negative control, the undo locks and compares nothing before it restores rows, and the change
// of the other transaction is lost.
func TestUndo_races(t *testing.T) {
	t.Parallel()
	const undoing = "SELECT undo_changeset('r')"
	setUp := func(t *testing.T, request string) string {
		url := pgtest.Database(t)
		pgtest.ExecScript(t, url, "BEGIN; SELECT set_request_context('ada', '', 'r'); "+request+"; COMMIT")
		return url
	}
	for _, c := range undoRaces {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got, waited := inRace(t, setUp(t, c.request), c.other, undoing); got != c.wantUndo || !waited {
				t.Errorf("the undo gets %q (waited: %t), want %q", got, waited, c.wantUndo)
			}
			if got, waited := inRace(t, setUp(t, c.request), undoing, c.other); got != c.wantOther || !waited {
				t.Errorf("the other gets %q (waited: %t), want %q", got, waited, c.wantOther)
			}
		})
	}
	t.Run("control", func(t *testing.T) {
		t.Parallel()
		url := setUp(t, undoRaces[0].request)
		pgtest.ExecScript(t, url, `CREATE OR REPLACE FUNCTION lock_changed_rows(changeset bigint) RETURNS void
			LANGUAGE sql AS ''`)
		if got, _ := inRace(t, url, undoRaces[0].other, undoing); got != "" {
			t.Fatalf("the undo gets %q", got)
		}
		if contact := pgtest.QueryValue[*string](t, pgtest.Connect(t, url), "SELECT contact FROM site WHERE id = 2"); contact != nil {
			t.Errorf("without locks, the contact is still %q: the test proves nothing", *contact)
		}
	})
}

// TestIsUndo_serverRole: the setting of a running undo does not turn off the checks of other roles. The owner, who could
// disable the triggers as well, is the control.
func TestIsUndo_serverRole(t *testing.T) {
	t.Parallel()
	owner, server := pgtest.Pools(t)
	const forged = `SET LOCAL labledger.undoes_id = '1';
		INSERT INTO container (freezer_id, status, holder, held_since) VALUES (1, 'checked_out', 'Bob', now())`
	for name, pool := range map[string]*pgxpool.Pool{"server": server, "owner": owner} {
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = tx.Conn().PgConn().Exec(t.Context(), forged).ReadAll()
		if (err != nil) != (name == "server") || err != nil && !strings.Contains(err.Error(), "is set by a check-out") {
			t.Errorf("%s: %v", name, err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
