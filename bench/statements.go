package main

import (
	"context"
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
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/dbtx"
)

// This file runs the server's SQL statements outside the server: with pgbench and with EXPLAIN.

// eventSQL holds the statements of the transaction that records one event, in order.
type eventSQL struct{ set, lock, rules, event, alert, save string }

func newEventSQL(ctx context.Context) eventSQL {
	return eventSQL{
		set:   dbtx.SQL(func(q *db.Queries) error { return q.SetLockTimeout(ctx, db.SetLockTimeoutParams{}) }),
		lock:  dbtx.SQL(func(q *db.Queries) error { _, err := q.LockState(ctx, db.LockStateParams{}); return err }),
		rules: dbtx.SQL(func(q *db.Queries) error { _, err := q.GetLatestRuleset(ctx); return err }),
		event: dbtx.SQL(func(q *db.Queries) error { return q.InsertEvent(ctx, db.InsertEventParams{}) }),
		alert: dbtx.SQL(func(q *db.Queries) error { return q.InsertAlerts(ctx, db.InsertAlertsParams{}) }),
		save:  dbtx.SQL(func(q *db.Queries) error { return q.SaveState(ctx, db.SaveStateParams{}) }),
	}
}

// sampleValues are JSON values that the statements write.
type sampleValues struct{ state, facts, reasons string }

// latestValues returns values that the server wrote last.
func latestValues(ctx context.Context, pool *pgxpool.Pool) (v sampleValues, err error) {
	err = pool.QueryRow(ctx, `SELECT
		(SELECT state::text FROM user_state WHERE last_id IS NOT NULL ORDER BY user_id LIMIT 1),
		(SELECT facts::text FROM event ORDER BY id DESC LIMIT 1),
		(SELECT reasons::text FROM alert ORDER BY id DESC LIMIT 1)`).Scan(&v.state, &v.facts, &v.reasons)
	return v, err
}

func arrayLiteral(value string) string { return "ARRAY[" + value + "]" }

func quoteLiteral(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }

func textArray(value string) string { return arrayLiteral(quoteLiteral(value)) }

func (s eventSQL) lockState(user string) string { return bindLiterals(s.lock, user) }

func (s eventSQL) insertEvent(user, id string, v sampleValues) string {
	time := strconv.Itoa(startTime)
	return bindLiterals(s.event, user, id, quoteLiteral("deposit"), quoteLiteral("20.00"), time, time,
		quoteLiteral("medium"), "1", quoteLiteral(v.facts), quoteLiteral("{}"), quoteLiteral(uuid.Nil.String()),
		"now()", quoteLiteral("bench"))
}

func (s eventSQL) insertAlert(user, id, eventID string, v sampleValues) string {
	return bindLiterals(s.alert, arrayLiteral(user), arrayLiteral(id), arrayLiteral(eventID), textArray("{300}"),
		arrayLiteral(strconv.Itoa(startTime)), textArray("medium"), "1", textArray(v.reasons), "now()",
		textArray("bench"))
}

func (s eventSQL) saveState(user, id string, v sampleValues) string {
	return bindLiterals(s.save, id, quoteLiteral(v.state), user)
}

var placeholderPattern = regexp.MustCompile(`\$[0-9]+`)

// bindLiterals replaces the parameters of a statement with SQL expressions and appends a semicolon.
func bindLiterals(sql string, values ...string) string {
	return placeholderPattern.ReplaceAllStringFunc(sql, func(p string) string {
		n, _ := strconv.Atoi(p[1:])
		return values[n-1]
	}) + ";\n"
}

// pgbench runs the statements of one event as a pgbench script.
type pgbench struct {
	program, url, script string
}

// newPgbench writes the script. It uses as many users as the server, with different IDs. Their facts and states are
// copies of those of one of the server's users.
func newPgbench(ctx context.Context, env environment) (*pgbench, error) {
	program, err := exec.LookPath("pgbench")
	if err != nil {
		matches, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
		if len(matches) == 0 {
			return nil, err
		}
		program = slices.Max(matches)
	}
	values, err := latestValues(ctx, env.pool)
	if err != nil {
		return nil, err
	}
	const selectAlertPercent = "SELECT 100 * count(alert_id) / count(*) FROM event"
	var alertPercent int
	if err := env.pool.QueryRow(ctx, selectAlertPercent).Scan(&alertPercent); err != nil {
		return nil, err
	}
	fmt.Printf("\n%d %% of events raise an alert\n", alertPercent)
	const insertUsers = `INSERT INTO user_state (user_id)
		SELECT generate_series($1::bigint, $2::bigint) ON CONFLICT DO NOTHING`
	if _, err := env.pool.Exec(ctx, insertUsers, users+1, 2*users); err != nil {
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
		"\\startpipeline\nbegin isolation level read committed;\n" +
		bindLiterals(stmts.set, "'2s'") +
		stmts.lockState(":user") +
		bindLiterals(stmts.rules) +
		"\\endpipeline\n\\startpipeline\n" +
		stmts.insertEvent(":user", eventID, values) +
		fmt.Sprintf("\\if :chance <= %d\n", alertPercent) +
		stmts.insertAlert(":user", alertID, eventID, values) +
		"\\endif\n" +
		stmts.saveState(":user", eventID, values) +
		"commit;\n\\endpipeline\n"
	b := &pgbench{program, env.url, filepath.Join(env.dir, "event.sql")}
	return b, os.WriteFile(b.script, []byte(script), 0o644)
}

// uuidv7Expr returns a pgbench expression for a UUIDv7: an ID that starts with the time. tail is the variable with the
// last 64 bits.
func uuidv7Expr(tail string) string {
	return "(lpad(to_hex(:front::bigint), 16, '0') || to_hex(:" + tail + "::bigint))::uuid"
}

var tpsPattern = regexp.MustCompile(`tps = ([0-9.]+)`)

// run runs the script for a duration and returns the transactions per second.
func (b *pgbench) run(clients int, duration time.Duration) (float64, error) {
	out, err := exec.Command(b.program, "-n", "-M", "prepared", "-j", "1", "-c", strconv.Itoa(clients),
		"-T", strconv.Itoa(int(duration.Seconds())),
		"-D", "n=0", "-D", fmt.Sprint("now=", time.Now().UnixMilli()),
		"-f", b.script, b.url).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w: %s", err, out)
	}
	match := tpsPattern.FindSubmatch(out)
	if match == nil {
		return 0, fmt.Errorf("no tps value in the output of pgbench: %s", out)
	}
	return strconv.ParseFloat(string(match[1]), 64)
}
