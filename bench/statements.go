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

var errCaptured = errors.New("bench: only seen")

// captureDBTX is a db.DBTX that takes a statement down.
type captureDBTX struct{ sql string }

func (s *captureDBTX) Exec(_ context.Context, sql string, _ ...any) (pgconn.CommandTag, error) {
	s.sql = sql
	return pgconn.CommandTag{}, errCaptured
}

func (s *captureDBTX) Query(_ context.Context, sql string, _ ...any) (pgx.Rows, error) {
	s.sql = sql
	return nil, errCaptured
}

func (s *captureDBTX) QueryRow(_ context.Context, sql string, _ ...any) pgx.Row {
	s.sql = sql
	return noRow{}
}

func (*captureDBTX) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errCaptured
}

type noRow struct{}

func (noRow) Scan(...any) error { return errCaptured }

// captureSQL is the statement of a query.
func captureSQL(call func(q *db.Queries) error) string {
	var s captureDBTX
	_ = call(db.New(&s)) // always errCaptured
	return s.sql
}

// eventSQL is the statements that record one event, in order, in one transaction.
type eventSQL struct{ set, lock, rules, event, alert, save string }

func newEventSQL(ctx context.Context) eventSQL {
	return eventSQL{
		set:   captureSQL(func(q *db.Queries) error { return q.SetLockTimeout(ctx, db.SetLockTimeoutParams{}) }),
		lock:  captureSQL(func(q *db.Queries) error { _, err := q.LockState(ctx, db.LockStateParams{}); return err }),
		rules: captureSQL(func(q *db.Queries) error { _, err := q.GetLatestRuleset(ctx); return err }),
		event: captureSQL(func(q *db.Queries) error { return q.InsertEvent(ctx, db.InsertEventParams{}) }),
		alert: captureSQL(func(q *db.Queries) error { return q.InsertAlerts(ctx, db.InsertAlertsParams{}) }),
		save:  captureSQL(func(q *db.Queries) error { return q.SaveState(ctx, db.SaveStateParams{}) }),
	}
}

// sampleValues is what the statements write, for a user or an id that stand in the place of a literal.
type sampleValues struct{ state, facts, reasons string }

// latestValues takes what the server has written last.
func latestValues(ctx context.Context, pool *pgxpool.Pool) (e sampleValues, err error) {
	err = pool.QueryRow(ctx, `SELECT
		(SELECT state::text FROM user_state WHERE last_id IS NOT NULL ORDER BY user_id LIMIT 1),
		(SELECT facts::text FROM event ORDER BY id DESC LIMIT 1),
		(SELECT reasons::text FROM alert ORDER BY id DESC LIMIT 1)`).Scan(&e.state, &e.facts, &e.reasons)
	return e, err
}

func arrayLiteral(value string) string { return "ARRAY[" + value + "]" }

func quoteLiteral(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }

func textArray(value string) string { return arrayLiteral(quoteLiteral(value)) }

func (in eventSQL) lockState(user string) string { return bindLiterals(in.lock, user) }

func (in eventSQL) insertEvent(user, id string, e sampleValues) string {
	return bindLiterals(in.event, user, id, quoteLiteral("deposit"), quoteLiteral("20.00"), strconv.Itoa(startTime), strconv.Itoa(startTime),
		quoteLiteral("medium"), "1", quoteLiteral(e.facts), quoteLiteral("{}"), quoteLiteral(uuid.Nil.String()), "now()", quoteLiteral("bench"))
}

func (in eventSQL) insertAlert(user, id, eventID string, e sampleValues) string {
	return bindLiterals(in.alert, arrayLiteral(user), arrayLiteral(id), arrayLiteral(eventID), textArray("{300}"), arrayLiteral(strconv.Itoa(startTime)), textArray("medium"), "1", textArray(e.reasons),
		"now()", textArray("bench"))
}

func (in eventSQL) saveState(user, id string, e sampleValues) string {
	return bindLiterals(in.save, id, quoteLiteral(e.state), user)
}

var placeholderPattern = regexp.MustCompile(`\$[0-9]+`)

// bindLiterals puts expressions in the places of the parameters.
func bindLiterals(sql string, values ...string) string {
	return placeholderPattern.ReplaceAllStringFunc(sql, func(p string) string {
		n, _ := strconv.Atoi(p[1:]) // it is digits
		return values[n-1]
	}) + ";\n"
}

// A pgbench runs the statements of one event.
type pgbench struct {
	program, url, script string
}

// newPgbench writes the script. Its users are others than the server's, as many; facts and state are those of one of the server's users.
func newPgbench(ctx context.Context, env environment) (*pgbench, error) {
	program, err := exec.LookPath("pgbench")
	if err != nil {
		matches, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench") // the pattern is good
		if len(matches) == 0 {
			return nil, err
		}
		program = slices.Max(matches)
	}
	values, err := latestValues(ctx, env.pool)
	if err != nil {
		return nil, err
	}
	var alerts int
	if err := env.pool.QueryRow(ctx, "SELECT 100 * count(alert_id) / count(*) FROM event").Scan(&alerts); err != nil {
		return nil, err
	}
	fmt.Printf("\n%d of 100 events raise an alert\n", alerts)
	const add = "INSERT INTO user_state (user_id) SELECT generate_series($1::bigint, $2::bigint) ON CONFLICT DO NOTHING"
	if _, err := env.pool.Exec(ctx, add, users+1, 2*users); err != nil {
		return nil, err
	}
	stmts := newEventSQL(ctx)
	eventID, alertID := uuidv7Expr("low"), uuidv7Expr("high")
	script := fmt.Sprintf(`\set user random(%d, %d)
\set n :n + 1
\set front (:now + :n) * 65536 + 28672
\set low random(-9223372036854775808, -9000000000000000000)
\set high random(-8000000000000000000, -7000000000000000000)
\set chance random(1, 100)
`, users+1, 2*users) +
		"\\startpipeline\nbegin isolation level read committed;\n" + bindLiterals(stmts.set, "'2s'") + stmts.lockState(":user") + bindLiterals(stmts.rules) + "\\endpipeline\n" +
		"\\startpipeline\n" + stmts.insertEvent(":user", eventID, values) +
		fmt.Sprintf("\\if :chance <= %d\n", alerts) + stmts.insertAlert(":user", alertID, eventID, values) + "\\endif\n" +
		stmts.saveState(":user", eventID, values) + "commit;\n\\endpipeline\n"
	b := &pgbench{program, env.url, filepath.Join(env.dir, "event.sql")}
	return b, os.WriteFile(b.script, []byte(script), 0o644)
}

// uuidv7Expr is an id as UUIDv7 are: it begins with the time.
func uuidv7Expr(tail string) string {
	return "(lpad(to_hex(:front::bigint), 16, '0') || to_hex(:" + tail + "::bigint))::uuid"
}

var tpsPattern = regexp.MustCompile(`tps = ([0-9.]+)`)

// run returns the transactions a second.
func (b *pgbench) run(clients int, duration time.Duration) (float64, error) {
	out, err := exec.Command(b.program, "-n", "-M", "prepared", "-D", "n=0", "-D", fmt.Sprint("now=", time.Now().UnixMilli()), "-c", strconv.Itoa(clients), "-j", "1",
		"-T", strconv.Itoa(int(duration.Seconds())), "-f", b.script, b.url).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w: %s", err, out)
	}
	match := tpsPattern.FindSubmatch(out)
	if match == nil {
		return 0, fmt.Errorf("pgbench says %s", out)
	}
	return strconv.ParseFloat(string(match[1]), 64)
}
