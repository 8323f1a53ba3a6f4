package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/migrate"
)

const sample = `SELECT 1::bigint, timestamptz '2026-11-21 12:34:56.789+00', true, '08:00:2b:01:02:03'::macaddr,
	1.50::numeric, '{"a": 1}'::jsonb, ARRAY[1,2]::bigint[], '\x00ff'::bytea, '018f0000-0000-7000-8000-000000000000'::uuid,
	1.5::float8, date '2026-11-21'`

var sampleText = []string{"1", "2026-11-21 12:34:56.789+00", "t", "08:00:2b:01:02:03", "1.50", `{"a": 1}`, "{1,2}", `\x00ff`,
	"018f0000-0000-7000-8000-000000000000", "1.5", "2026-11-21"}

// checkText reads one row of sample: first its raw bytes, then into Go values.
func checkText(t *testing.T, rows pgx.Rows, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Fatal("no row: ", rows.Err())
	}
	for i, field := range rows.FieldDescriptions() {
		if got := string(rows.RawValues()[i]); field.Format != pgtype.TextFormatCode || got != sampleText[i] {
			t.Errorf("column %d: format %d, %q; want text %q", i, field.Format, got, sampleText[i])
		}
	}
	var (
		id            int64
		at            time.Time
		yes           bool
		mac, amount   string
		doc           json.RawMessage
		list          []int64
		raw           []byte
		uuid          string
		float         float64
		date          time.Time
		wantAt        = time.Date(2026, 11, 21, 12, 34, 56, 789e6, time.UTC)
		scanErr       = rows.Scan(&id, &at, &yes, &mac, &amount, &doc, &list, &raw, &uuid, &float, &date)
		scannedAsText = scanErr == nil && id == 1 && at.Equal(wantAt) && yes && mac == sampleText[3] && amount == "1.50" &&
			string(doc) == `{"a": 1}` && len(list) == 2 && list[1] == 2 && string(raw) == "\x00\xff" && uuid == sampleText[8] &&
			float == 1.5 && date.Day() == 21
	)
	if !scannedAsText {
		t.Error("scanned wrongly:", scanErr, id, at, yes, mac, amount, string(doc), list, raw, uuid, float, date)
	}
	if values, err := rows.Values(); err != nil || len(values) != len(sampleText) {
		t.Error("Values:", values, err)
	}
}

func TestOpen_textResults(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)

	rows, err := pool.Query(t.Context(), sample)
	checkText(t, rows, err)
	rows, err = pool.Query(t.Context(), sample) // now from the statement cache
	checkText(t, rows, err)

	var batch pgx.Batch
	batch.Queue(sample)
	batch.Queue(sample)
	results := pool.SendBatch(t.Context(), &batch)
	for range 2 {
		rows, err := results.Query()
		checkText(t, rows, err)
	}
	if err := results.Close(); err != nil {
		t.Error(err)
	}
}

func TestPgxDefault_binaryResults(t *testing.T) { // the negative control of TestPoolTextResults
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), "SELECT 1::bigint")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if rows.FieldDescriptions()[0].Format != pgtype.BinaryFormatCode {
		t.Error("pgx by itself asks for text: the wrapping is no longer needed")
	}
}

func TestOpen_copyAndParameters(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	ctx := t.Context()
	if _, err := pool.Exec(ctx, "CREATE TABLE c (id bigint, name text, at timestamptz, mac macaddr, amount numeric, doc jsonb, ids bigint[])"); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 12, 34, 56, 789e6, time.FixedZone("", 3600))
	mac, _ := net.ParseMAC("08:00:2b:01:02:03")
	amount := pgtype.Numeric{}
	if err := amount.Scan("1.50"); err != nil {
		t.Fatal(err)
	}
	row := []any{int64(7), "a\tb", at, mac, amount, json.RawMessage(`{"a":1}`), []int64{1, 2}}
	asText := []any{int64(7), "a\tb", at, "08:00:2b:01:02:03", "1.50", `{"a":1}`, "{1,2}"}
	columns := []string{"id", "name", "at", "mac", "amount", "doc", "ids"}
	for _, r := range [][]any{row, asText} {
		if n, err := pool.CopyFrom(ctx, pgx.Identifier{"c"}, columns, pgx.CopyFromRows([][]any{r, r})); err != nil || n != 2 {
			t.Errorf("copy: %d, %v", n, err)
		}
	}
	if _, err := pool.Exec(ctx, "INSERT INTO c VALUES ($1,$2,$3,$4,$5,$6,$7)", row...); err != nil {
		t.Error("parameters:", err)
	}
	var all, good int
	err := pool.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE id = 7 AND name = E'a\tb' AND at = '2026-11-21 11:34:56.789Z'
		AND mac = '08:00:2b:01:02:03' AND amount::text = '1.50' AND doc = '{"a":1}' AND ids = '{1,2}') FROM c`).Scan(&all, &good)
	if err != nil || all != 5 || good != 5 {
		t.Errorf("%d of %d rows as given, %v; want 5 of 5", good, all, err)
	}
}

func TestOpen_settings(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	for _, c := range []struct {
		url      string
		maxConns int32
		timeout  time.Duration
		name     string
	}{
		{url, 16, 2 * time.Second, "labledger"},
		{url + "&pool_max_conns=3&connect_timeout=7&application_name=other&TimeZone=Asia/Tokyo", 3, 7 * time.Second, "other"},
		{url + "&pool_max_conns=1", 1, 2 * time.Second, "labledger"},
	} {
		pool, err := postgres.Open(t.Context(), c.url)
		if err != nil {
			t.Fatal(err)
		}
		cfg := pool.Config()
		if cfg.MaxConns != c.maxConns || cfg.ConnConfig.ConnectTimeout != c.timeout || cfg.MaxConnLifetimeJitter == 0 || cfg.MinConns > cfg.MaxConns {
			t.Errorf("%s: max %d, min %d, timeout %s, jitter %s", c.url, cfg.MaxConns, cfg.MinConns, cfg.ConnConfig.ConnectTimeout, cfg.MaxConnLifetimeJitter)
		}
		for setting, value := range map[string]string{"TimeZone": "UTC", "DateStyle": "ISO, MDY", "application_name": c.name} {
			var got string
			if err := pool.QueryRow(t.Context(), "SELECT current_setting($1)", setting).Scan(&got); err != nil || got != value {
				t.Errorf("%s: %s is %q, %v; want %q", c.url, setting, got, err, value)
			}
		}
		pool.Close()
	}
}

func TestOpen_unreachableServer(t *testing.T) {
	t.Parallel()
	pool, err := postgres.Open(t.Context(), "postgres://u@/d?host=/nowhere")
	if err != nil {
		t.Fatal("Open needs the server:", err)
	}
	defer pool.Close()
	if err := pool.Ping(t.Context()); err == nil {
		t.Error("there is no server at /nowhere")
	}
}

func TestOpen_cancelsStatementOnServer(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := pool.Exec(ctx, "SELECT pg_sleep(30)")
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != "57014" {
		t.Errorf("got %v, want 57014: the server was told, and the connection is still good", err)
	}
	for {
		var running int
		err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid() AND state = 'active'").Scan(&running)
		if err != nil {
			t.Fatal(err)
		}
		if running == 0 {
			break
		}
		if time.Since(began) > 5*time.Second {
			t.Fatal("the server still works for a caller that is gone")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestParseErrorHidesPassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"postgres://u:S3cret@host:notaport/d",
		"postgres://u:S3cret#x@host/d",
		"postgres://u:S3cret/x@host/d",
		"postgres://u:pa%S3cret@host/d",
		"postgres://u:x@host:S3cret/d",
		"host=h password=S3cret port=x",
		"host=h password='S3cret",
		"password=S3cret sslmode=nonsense",
		"postgres://u:S3cret@h/d?sslmode=nonsense",
		"postgres://u:S3cret@h/d?connect_timeout=x",
		"postgres://u:S3cret@h/d?pool_max_conns=x",
		"postgres://u:S3cret@h/d?pool_max_conns=0",
		"postgres://u:S3cret@h/d?sslrootcert=/nowhere&sslmode=verify-full",
		"S3cret",
	} {
		_, err := postgres.Open(t.Context(), url)
		if err == nil {
			t.Logf("%s can be read", url)
			continue
		}
		t.Log(err)
		if strings.Contains(err.Error(), "S3cret") {
			t.Errorf("%s: the message tells the password: %v", url, err)
		}
		_, _, err = migrate.Up(t.Context(), url, fstest.MapFS{})
		if err == nil || strings.Contains(err.Error(), "S3cret") {
			t.Errorf("Migrate %s: %v", url, err)
		}
	}
}
