package schema_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
	"labledger/internal/ledger"
	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/migrate"
	"labledger/internal/rules"
	"labledger/internal/sqltype"
	"labledger/schema"
)

// migrations returns the files of the migrations up to a version. change, if not nil, edits the text of each up file.
func migrations(t *testing.T, last int, change func(text string) string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(schema.Files, "0*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		version, err := strconv.Atoi(name[:6])
		if err != nil {
			t.Fatal(err)
		}
		if version > last {
			continue
		}
		text, err := fs.ReadFile(schema.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		if change != nil && strings.HasSuffix(name, ".up.sql") {
			text = []byte(change(string(text)))
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	return files
}

const partitions = 4

var createDistributedTable = regexp.MustCompile(
	`(?s)CREATE TABLE (user_state|event|event_void|alert|alert_change|idempotency) \(\n(.*?)\n\)( WITH \([^)]*\))?;`)

// partitionedPool installs the schema with the distributed tables partitioned by hash of user_id. Postgres then
// requires user_id in every unique index, and statistics show how many partitions a statement reads.
func partitionedPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	ctx := context.Background()
	url := pgtest.Database(t)
	if _, to, err := migrate.Down(ctx, url, schema.Files, 0); err != nil || to != 0 {
		t.Fatal(to, err)
	}
	changed := 0
	files := migrations(t, 999999, func(text string) string {
		return createDistributedTable.ReplaceAllStringFunc(text, func(create string) string {
			changed++
			m := createDistributedTable.FindStringSubmatch(create)
			create = fmt.Sprintf("CREATE TABLE %s (\n%s\n) PARTITION BY HASH (user_id);", m[1], m[2])
			for i := range partitions {
				create += fmt.Sprintf("\nCREATE TABLE %[1]s_part%[2]d PARTITION OF %[1]s "+
					"FOR VALUES WITH (MODULUS %[3]d, REMAINDER %[2]d)%[4]s;", m[1], i, partitions, m[3])
			}
			return create
		})
	})
	if changed != 6 {
		t.Fatalf("%d distributed tables found in the migrations, want 6", changed)
	}
	if _, _, err := migrate.Up(ctx, url, files); err != nil {
		t.Fatal(err)
	}
	pool, err := postgres.Open(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// recordEvents records events one by one and in a batch, and repeats each request.
func recordEvents(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	ctx := t.Context()
	l := ledger.New(pool, nil)
	random := rand.New(rand.NewPCG(1, 1))
	newEvent := func(i int) ledger.UserEvent {
		return ledger.UserEvent{UserID: random.Int64N(30), Event: rules.Event{
			Type: rules.Type(random.IntN(2)), Amount: rules.Cents(1 + random.IntN(150_00)), Time: int64(i),
		}}
	}
	mustExec(t, pool, `INSERT INTO account (id, username, risk) VALUES (5, 'five', 'high'), (6, 'six', 'low')
		ON CONFLICT (id) DO NOTHING`)
	for i := range 300 {
		e := newEvent(i)
		request := ledger.RecordRequest{
			UserID: e.UserID, Event: e.Event, Actor: "me", Key: fmt.Sprint(i), Hash: [32]byte{byte(i)},
		}
		first, err := l.Record(ctx, request)
		if err != nil {
			t.Fatal(err)
		}
		repeated, err := l.Record(ctx, request)
		if err != nil || !repeated.Replayed || repeated.EventID != first.EventID || repeated.AlertID != first.AlertID {
			t.Fatal(first, repeated, err)
		}
		if i == 150 {
			mustExec(t, pool, "UPDATE rule SET window_seconds = window_seconds * 4 WHERE window_seconds IS NOT NULL")
		}
	}
	batch := &ledger.Batch{Actor: "me", Key: "batch"}
	for i := range 1000 {
		batch.Events = append(batch.Events, newEvent(300+i/4))
	}
	for _, replayed := range []bool{false, true} {
		result, err := l.RecordAll(ctx, batch, false)
		if err != nil || result.Replayed != replayed {
			t.Fatal("batch:", err)
		}
		n := 0
		err = result.ForEach(ctx, func(ledger.Result) error { n++; return nil })
		if err != nil || n != len(batch.Events) {
			t.Fatal(n, err)
		}
	}
	mustExec(t, pool, "UPDATE alert SET state = 'closed', note = 'n' WHERE time % 5 = 0")
	mustExec(t, pool, "UPDATE account SET risk = 'medium' WHERE id = 6")
}

// TestPartitionedIntake records the same events in the plain and in the partitioned schema.
func TestPartitionedIntake(t *testing.T) {
	t.Parallel()
	plain, partitioned := pgtest.Pool(t), partitionedPool(t)
	mustExec(t, partitioned, schema.MockData) // as in plain
	recordEvents(t, plain)
	recordEvents(t, partitioned)
	const rows = `
		SELECT concat('event ', n, ' ', to_jsonb(e) - ARRAY['id', 'alert_id', 'created_at', 'xid', 'n'])
			FROM (SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY id) AS n FROM event) AS e
		UNION ALL
		SELECT concat('alert ', n, ' ', to_jsonb(a) - ARRAY['id', 'event_id', 'created_at', 'changed_at', 'xid', 'n'])
			FROM (SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY id) AS n FROM alert) AS a
		UNION ALL SELECT concat('change ', user_id, ' ', version, ' ', before, ' ', after) FROM alert_change
		UNION ALL SELECT concat('state ', user_id, ' ', risk, ' ', state) FROM user_state
		UNION ALL SELECT concat('key ', user_id, ' ', caller, ' ', key) FROM idempotency
		ORDER BY 1`
	want, got := queryStrings(t, plain, rows), queryStrings(t, partitioned, rows)
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			t.Fatalf("row %d of %d plain and %d partitioned rows differs: %.300q and %.300q",
				i, len(want), len(got), want[min(i, len(want)-1)], got[min(i, len(got)-1)])
		}
	}
	if len(want) < 2500 {
		t.Errorf("only %d rows were compared", len(want))
	}
	const used = "SELECT count(DISTINCT tableoid)::text FROM event"
	if n := queryStrings(t, partitioned, used)[0]; n != fmt.Sprint(partitions) {
		t.Errorf("%s partitions of event contain rows, want %d", n, partitions)
	}
	for _, sql := range []string{"UPDATE event SET actor = ''", "TRUNCATE event CASCADE", "DELETE FROM alert"} {
		if exec(partitioned, sql) == nil {
			t.Errorf("%s succeeds in the partitioned schema", sql)
		}
	}
}

// partitionsUsed returns how many partitions of each table the statements of run read or write.
func partitionsUsed(t *testing.T, pool *pgxpool.Pool, run func(q *db.Queries) error) map[string]int {
	t.Helper()
	ctx := context.Background()
	const accesses = `SELECT relname::text, seq_scan + coalesce(idx_scan, 0) + n_tup_ins + n_tup_upd + n_tup_del
		FROM pg_stat_xact_user_tables WHERE relname ~ '_part\d$'`
	used := map[string]int{}
	err := pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		if _, err := conn.Exec(ctx, "SELECT pg_stat_force_next_flush()"); err != nil {
			return err
		}
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(ctx) }()
		if err := db.New(tx).SetLockTimeout(ctx, db.SetLockTimeoutParams{LockTimeout: "2s"}); err != nil {
			return err
		}
		add := func(sign int64, sums map[string]int64) error {
			rows, err := tx.Query(ctx, accesses)
			if err != nil {
				return err
			}
			var name string
			var n int64
			_, err = pgx.ForEachRow(rows, []any{&name, &n}, func() error { sums[name] += sign * n; return nil })
			return err
		}
		sums := map[string]int64{}
		if err := add(-1, sums); err != nil {
			return err
		}
		if err := run(db.New(tx)); err != nil {
			return err
		}
		if err := add(1, sums); err != nil {
			return err
		}
		for name, n := range sums {
			if n > 0 {
				used[name[:strings.LastIndex(name, "_part")]]++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return used
}

// An intakeSample has the parameters of the statements of the intake.
type intakeSample struct {
	user       int64
	event      uuid.UUID // an event of the user with an alert
	key        string    // the idempotency key of this event
	plainEvent uuid.UUID // an event of the user without an alert
	now        time.Time
}

func newIntakeSample(t *testing.T, pool *pgxpool.Pool) intakeSample {
	t.Helper()
	s := intakeSample{user: 5, now: time.Now()}
	const recorded = `SELECT id, key FROM event JOIN idempotency k USING (user_id)
		WHERE k.first_id = id AND k.last_id = id AND user_id = $1 AND alert_id IS NOT NULL LIMIT 1`
	if err := pool.QueryRow(t.Context(), recorded, s.user).Scan(&s.event, &s.key); err != nil {
		t.Fatal(err)
	}
	s.plainEvent = pgtest.QueryValue[uuid.UUID](t, pool,
		"SELECT id FROM event WHERE user_id = $1 AND alert_id IS NULL LIMIT 1", s.user)
	return s
}

// newID returns an ID that no event has.
func newID(n int) uuid.UUID { return uuid.MustParse(eventID(n)) }

// intakeStatements are the statements of the intake.
var intakeStatements = map[string]func(ctx context.Context, q *db.Queries, s intakeSample) error{
	"SetLockTimeout": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		return q.SetLockTimeout(ctx, db.SetLockTimeoutParams{LockTimeout: "1s"})
	},
	"LockState": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		_, err := q.LockState(ctx, db.LockStateParams{UserID: s.user})
		return err
	},
	"InsertEvent": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		return q.InsertEvent(ctx, db.InsertEventParams{
			UserID: s.user, EventID: newID(1), Type: "deposit", Amount: "1", Time: 1, EffectiveTime: 1, Risk: "low",
			RulesetID: 1, EventFacts: []byte("{}"), Codes: "{}", CreatedAt: s.now, Actor: "me",
		})
	},
	"SaveState": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		return q.SaveState(ctx, db.SaveStateParams{UserID: s.user, LastID: newID(1), NewState: "{}"})
	},
	"LockUsers": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		return q.LockUsers(ctx, db.LockUsersParams{UserIds: []int64{s.user}})
	},
	"ListLockedStates": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		_, err := q.ListLockedStates(ctx, db.ListLockedStatesParams{UserIds: []int64{s.user}})
		return err
	},
	"LockKeys": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		return q.LockKeys(ctx, db.LockKeysParams{Callers: []string{"me"}, Keys: []string{s.key}})
	},
	"IsLocked": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		_, err := q.IsLocked(ctx, db.IsLockedParams{UserID: s.user})
		return err
	},
	"GetLastID": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		_, err := q.GetLastID(ctx, db.GetLastIDParams{UserIds: []int64{s.user}})
		return err
	},
	"GetLatestRuleset": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		_, err := q.GetLatestRuleset(ctx)
		return err
	},
	"GetRuleset": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		_, err := q.GetRuleset(ctx, db.GetRulesetParams{ID: 1})
		return err
	},
	"FindKeys": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		_, err := q.FindKeys(ctx, db.FindKeysParams{Callers: []string{"me"}, Keys: []string{s.key}})
		return err
	},
	"FindOtherKeys": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		_, err := q.FindOtherKeys(ctx, db.FindOtherKeysParams{Callers: []string{"me"}, Keys: []string{s.key}})
		return err
	},
	"ListVoidedUsers": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		_, err := q.ListVoidedUsers(ctx, db.ListVoidedUsersParams{UserIds: []int64{s.user}})
		return err
	},
	"GetEventUser": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		_, err := q.GetEventUser(ctx, db.GetEventUserParams{EventID: s.event})
		return err
	},
	"InsertVoid": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		return q.InsertVoid(ctx, db.InsertVoidParams{
			UserID: s.user, VoidID: uuid.Max, EventID: s.event, Reason: "r", CreatedAt: s.now, Actor: "me",
		})
	},
	"MarkAlerts": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		return q.MarkAlerts(ctx, db.MarkAlertsParams{
			UserID: s.user, VoidID: uuid.Max, EventIds: []uuid.UUID{s.plainEvent},
		})
	},
	"ListWindow": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		_, err := q.ListWindow(ctx, db.ListWindowParams{UserID: s.user, Since: 400})
		return err
	},
	"InsertEvents": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		return q.InsertEvents(ctx, db.InsertEventsParams{
			UserIds: []int64{s.user}, Ids: []uuid.UUID{newID(1)}, Types: []string{"deposit"},
			Amounts: []sqltype.Decimal{"1"}, Times: []int64{1}, EffectiveTimes: []int64{1}, Risks: []string{"low"}, RulesetID: 1,
			Facts: []json.RawMessage{[]byte("{}")}, AlertCodes: []string{"{}"}, AlertIds: []uuid.UUID{uuid.Nil},
			CreatedAt: s.now, Actors: []string{"me"}, ContainerUuids: []string{uuid.NewString()},
		})
	},
	"InsertAlerts": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		return q.InsertAlerts(ctx, db.InsertAlertsParams{
			UserIds: []int64{s.user}, Ids: []uuid.UUID{newID(1)}, EventIds: []uuid.UUID{s.plainEvent},
			AlertCodes: []string{"{30}"}, Times: []int64{1}, Risks: []string{"low"}, RulesetID: 1,
			Reasons: []json.RawMessage{[]byte("[]")}, CreatedAt: s.now, Actors: []string{"me"},
		})
	},
	"SaveStates": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		return q.SaveStates(ctx, db.SaveStatesParams{
			UserIds: []int64{s.user}, LastIds: []uuid.UUID{newID(1)}, States: []string{"{}"},
		})
	},
	"SaveKeys": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		return q.SaveKeys(ctx, db.SaveKeysParams{
			UserIds: []int64{s.user}, Callers: []string{"me"}, Keys: []string{"new"}, RequestHashes: [][]byte{{1}},
			FirstIds: []uuid.UUID{newID(1)}, LastIds: []uuid.UUID{newID(1)}, CreatedAt: s.now,
		})
	},
	"CopyEvents": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		_, err := q.CopyEvents(ctx, []db.CopyEventsParams{{
			UserID: s.user, ID: newID(2), Type: "deposit", Amount: "1", Time: 1, EffectiveTime: 1, Risk: "low",
			RulesetID: 1, Facts: []byte("{}"), AlertCodes: []int32{}, CreatedAt: s.now, Actor: "me",
		}})
		return err
	},
	"CopyAlerts": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		_, err := q.CopyAlerts(ctx, []db.CopyAlertsParams{{
			UserID: s.user, ID: newID(2), EventID: s.plainEvent, AlertCodes: []int32{30}, Time: 1,
			Risk: "low", RulesetID: 1, Reasons: []byte("[]"), CreatedAt: s.now, ChangedAt: s.now, Actor: "me",
		}})
		return err
	},
	"ListEventsByIdempotencyKey": func(ctx context.Context, q *db.Queries, s intakeSample) error {
		rows, err := q.ListEventsByIdempotencyKey(ctx, db.ListEventsByIdempotencyKeyParams{
			FirstID: s.event, LastID: s.event, UserID: s.user, Caller: "me", Key: s.key, Limit: 1,
		})
		if err == nil && len(rows) != 1 {
			err = fmt.Errorf("%d rows", len(rows))
		}
		return err
	},
}

// otherLedgerStatements are the statements in queries/ledger.sql that do not belong to the intake.
var otherLedgerStatements = []string{
	"DeleteExpiredKeys", "ListLedger", "ListRulesets", "ListStates", "ListLedgerAlerts", "ForceCustomPlans",
	"RepairState", "ListVoids", "ListConfirmedAlerts",
}

// ledgerQueries returns the comments and the SQL of the queries in queries/ledger.sql by name.
func ledgerQueries(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../queries/ledger.sql")
	if err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{}
	for _, query := range strings.Split(string(text), "-- name: ")[1:] {
		name, rest, _ := strings.Cut(query, " ")
		queries[name] = strings.Join(strings.Fields(strings.ReplaceAll(rest, "\n--", "\n")), " ")
	}
	return queries
}

// TestIntakeStatementsFilterByUser runs each statement of the intake for one user. A statement uses one partition of
// each table, unless its comment says that it does not filter by user.
func TestIntakeStatementsFilterByUser(t *testing.T) {
	t.Parallel()
	pool := partitionedPool(t)
	recordEvents(t, pool)
	mustExec(t, pool, "ANALYZE")
	sample := newIntakeSample(t, pool)
	run := func(name string) map[string]int {
		return partitionsUsed(t, pool, func(q *db.Queries) error {
			return intakeStatements[name](t.Context(), q, sample)
		})
	}
	queries := ledgerQueries(t)
	for name, text := range queries {
		if slices.Contains(otherLedgerStatements, name) {
			continue
		}
		if intakeStatements[name] == nil {
			t.Errorf("queries/ledger.sql has %s, which this test does not run", name)
			continue
		}
		maxPartitions := 1
		if strings.Contains(text, "does not filter by user") {
			maxPartitions = partitions
		}
		for table, n := range run(name) {
			if n > maxPartitions {
				t.Errorf("%s uses %d partitions of %s for one user", name, n, table)
			}
		}
	}
	for name := range intakeStatements {
		if queries[name] == "" {
			t.Errorf("queries/ledger.sql has no %s", name)
		}
	}
	// The negative control: a search without a user ID reads all partitions.
	if control := run("FindKeys"); control["idempotency"] != partitions {
		t.Errorf("FindKeys uses %v: the measurement proves nothing", control)
	}
	if got := partitionsUsed(t, pool, lockAndListWindow(t.Context(), sample.user)); got["user_state"] != 1 ||
		got["event"] != 1 {
		t.Errorf("LockUsers and ListWindow use %v, not one partition each: the measurement proves nothing", got)
	}
}

// lockAndListWindow runs two statements that use one partition each.
func lockAndListWindow(ctx context.Context, user int64) func(q *db.Queries) error {
	return func(q *db.Queries) error {
		if err := q.LockUsers(ctx, db.LockUsersParams{UserIds: []int64{user}}); err != nil {
			return err
		}
		_, err := q.ListWindow(ctx, db.ListWindowParams{UserID: user, Since: 1})
		return err
	}
}
