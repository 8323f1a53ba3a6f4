package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
)

// This file has the intake's own statements run by others: by pgbench, and under EXPLAIN.

var errSeen = errors.New("bench: only seen")

// seen is a db.DBTX that takes a statement down.
type seen struct{ sql string }

func (s *seen) Exec(_ context.Context, sql string, _ ...any) (pgconn.CommandTag, error) {
	s.sql = sql
	return pgconn.CommandTag{}, errSeen
}

func (s *seen) Query(_ context.Context, sql string, _ ...any) (pgx.Rows, error) {
	s.sql = sql
	return nil, errSeen
}

func (s *seen) QueryRow(_ context.Context, sql string, _ ...any) pgx.Row {
	s.sql = sql
	return unread{}
}

func (*seen) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errSeen
}

type unread struct{}

func (unread) Scan(...any) error { return errSeen }

// sqlOf is the statement of a query.
func sqlOf(call func(q *db.Queries) error) string {
	var s seen
	_ = call(db.New(&s)) // always errSeen
	return s.sql
}

// intake is the statements that record one event, in order, in one transaction.
type intake struct{ set, lock, rules, event, alert, save string }

func newIntake(ctx context.Context) intake {
	return intake{
		set:   sqlOf(func(q *db.Queries) error { return q.SetLockTimeout(ctx, db.SetLockTimeoutParams{}) }),
		lock:  sqlOf(func(q *db.Queries) error { _, err := q.LockState(ctx, db.LockStateParams{}); return err }),
		rules: sqlOf(func(q *db.Queries) error { _, err := q.GetLatestRuleset(ctx); return err }),
		event: sqlOf(func(q *db.Queries) error { return q.InsertEvent(ctx, db.InsertEventParams{}) }),
		alert: sqlOf(func(q *db.Queries) error { return q.InsertAlerts(ctx, db.InsertAlertsParams{}) }),
		save:  sqlOf(func(q *db.Queries) error { return q.SaveState(ctx, db.SaveStateParams{}) }),
	}
}

// example is what the statements write, for a user or an id that stand in the place of a literal.
type example struct{ state, facts, reasons string }

// exampleOf takes what the server has written last.
func exampleOf(ctx context.Context, pool *pgxpool.Pool) (e example, err error) {
	err = pool.QueryRow(ctx, `SELECT
		(SELECT state::text FROM user_state WHERE last_id IS NOT NULL ORDER BY user_id LIMIT 1),
		(SELECT facts::text FROM event ORDER BY id DESC LIMIT 1),
		(SELECT reasons::text FROM alert ORDER BY id DESC LIMIT 1)`).Scan(&e.state, &e.facts, &e.reasons)
	return e, err
}

func array(value string) string { return "ARRAY[" + value + "]" }

func quote(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }

func text(value string) string { return array(quote(value)) }

func (in intake) lockOf(user string) string { return with(in.lock, user) }

func (in intake) eventOf(user, id string, e example) string {
	return with(in.event, user, id, quote("deposit"), quote("20.00"), strconv.Itoa(startOfTime), strconv.Itoa(startOfTime),
		quote("medium"), "1", quote(e.facts), quote("{}"), quote(uuid.Nil.String()), "now()", quote("bench"))
}

func (in intake) alertOf(user, id, eventID string, e example) string {
	return with(in.alert, array(user), array(id), array(eventID), text("{300}"), array(strconv.Itoa(startOfTime)), text("medium"), "1", text(e.reasons),
		"now()", text("bench"))
}

func (in intake) saveOf(user, id string, e example) string {
	return with(in.save, id, quote(e.state), user)
}

var parameter = regexp.MustCompile(`\$[0-9]+`)

// with puts expressions in the places of the parameters.
func with(sql string, values ...string) string {
	return parameter.ReplaceAllStringFunc(sql, func(p string) string {
		n, _ := strconv.Atoi(p[1:]) // it is digits
		return values[n-1]
	}) + ";\n"
}

// A pgbench runs the statements of one event.
type pgbench struct {
	program, url, script string
}

// newPgbench writes the script. Its users are others than the server's, as many; facts and state are those of one of the server's users.
func newPgbench(ctx context.Context, at place) (*pgbench, error) {
	program, err := exec.LookPath("pgbench")
	if err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench") // the pattern is good
		if len(found) == 0 {
			return nil, err
		}
		program = slices.Max(found)
	}
	e, err := exampleOf(ctx, at.pool)
	if err != nil {
		return nil, err
	}
	var alerts int
	if err := at.pool.QueryRow(ctx, "SELECT 100 * count(alert_id) / count(*) FROM event").Scan(&alerts); err != nil {
		return nil, err
	}
	fmt.Printf("\n%d of 100 events raise an alert\n", alerts)
	const add = "INSERT INTO user_state (user_id) SELECT generate_series($1::bigint, $2::bigint) ON CONFLICT DO NOTHING"
	if _, err := at.pool.Exec(ctx, add, users+1, 2*users); err != nil {
		return nil, err
	}
	in := newIntake(ctx)
	eventID, alertID := newestID("low"), newestID("high")
	script := fmt.Sprintf(`\set user random(%d, %d)
\set n :n + 1
\set front (:now + :n) * 65536 + 28672
\set low random(-9223372036854775808, -9000000000000000000)
\set high random(-8000000000000000000, -7000000000000000000)
\set chance random(1, 100)
`, users+1, 2*users) +
		"\\startpipeline\nbegin isolation level read committed;\n" + with(in.set, "'2s'") + in.lockOf(":user") + with(in.rules) + "\\endpipeline\n" +
		"\\startpipeline\n" + in.eventOf(":user", eventID, e) +
		fmt.Sprintf("\\if :chance <= %d\n", alerts) + in.alertOf(":user", alertID, eventID, e) + "\\endif\n" +
		in.saveOf(":user", eventID, e) + "commit;\n\\endpipeline\n"
	b := &pgbench{program, at.url, filepath.Join(at.dir, "event.sql")}
	return b, os.WriteFile(b.script, []byte(script), 0o644)
}

// newestID is an id as UUIDv7 are: it begins with the time.
func newestID(tail string) string {
	return "(lpad(to_hex(:front::bigint), 16, '0') || to_hex(:" + tail + "::bigint))::uuid"
}

var perSecond = regexp.MustCompile(`tps = ([0-9.]+)`)

// run returns the transactions a second.
func (b *pgbench) run(clients int, howLong time.Duration) (float64, error) {
	out, err := exec.Command(b.program, "-n", "-M", "prepared", "-D", "n=0", "-D", fmt.Sprint("now=", time.Now().UnixMilli()), "-c", strconv.Itoa(clients), "-j", "1",
		"-T", strconv.Itoa(int(howLong.Seconds())), "-f", b.script, b.url).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w: %s", err, out)
	}
	found := perSecond.FindSubmatch(out)
	if found == nil {
		return 0, fmt.Errorf("pgbench says %s", out)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}
