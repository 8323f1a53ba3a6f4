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

var sampleText = []string{
	"1", "2026-11-21 12:34:56.789+00", "t", "08:00:2b:01:02:03",
	"1.50", `{"a": 1}`, "{1,2}", `\x00ff`, "018f0000-0000-7000-8000-000000000000",
	"1.5", "2026-11-21",
}

// checkText compares one row of sample with sampleText, both as raw bytes and scanned into Go values.
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
		flag          bool
		mac, amount   string
		doc           json.RawMessage
		list          []int64
		raw           []byte
		uuid          string
		float         float64
		date          time.Time
		wantAt        = time.Date(2026, 11, 21, 12, 34, 56, 789e6, time.UTC)
		scanErr       = rows.Scan(&id, &at, &flag, &mac, &amount, &doc, &list, &raw, &uuid, &float, &date)
		scannedAsText = scanErr == nil && id == 1 && at.Equal(wantAt) && flag && mac == sampleText[3] && amount == "1.50" &&
			string(doc) == `{"a": 1}` && len(list) == 2 && list[1] == 2 && string(raw) == "\x00\xff" && uuid == sampleText[8] &&
			float == 1.5 && date.Day() == 21
	)
	if !scannedAsText {
		t.Error("scanned other values:", scanErr, id, at, flag, mac, amount, string(doc), list, raw, uuid, float, date)
	}
	if values, err := rows.Values(); err != nil || len(values) != len(sampleText) {
		t.Errorf("Values: %v, %v; want %d values", values, err, len(sampleText))
	}
}

func TestOpen_textResults(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)

	rows, err := pool.Query(t.Context(), sample)
	checkText(t, rows, err)
	rows, err = pool.Query(t.Context(), sample) // uses the statement cache
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

// TestPgxDefault_binaryResults is the negative control of TestOpen_textResults.
func TestPgxDefault_binaryResults(t *testing.T) {
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
		t.Error("pgx requests text by default: textCodec is no longer needed")
	}
}

func TestOpen_copyAndParameters(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	ctx := t.Context()
	_, err := pool.Exec(ctx, `CREATE TABLE c (
		id bigint, name text, at timestamptz, mac macaddr, amount numeric, doc jsonb, ids bigint[])`)
	if err != nil {
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
	var total, matching int
	err = pool.QueryRow(ctx, `SELECT count(*), count(*) FILTER (
		WHERE id = 7 AND name = E'a\tb' AND at = '2026-11-21 11:34:56.789Z'
		AND mac = '08:00:2b:01:02:03' AND amount::text = '1.50'
		AND doc = '{"a":1}' AND ids = '{1,2}') FROM c`).Scan(&total, &matching)
	if err != nil || total != 5 || matching != 5 {
		t.Errorf("%d of %d rows have the expected values, %v; want 5 of 5", matching, total, err)
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
		if cfg.MaxConns != c.maxConns || cfg.MinConns > cfg.MaxConns ||
			cfg.ConnConfig.ConnectTimeout != c.timeout || cfg.MaxConnLifetimeJitter == 0 {
			t.Errorf("%s: max %d, min %d, timeout %s, jitter %s",
				c.url, cfg.MaxConns, cfg.MinConns, cfg.ConnConfig.ConnectTimeout, cfg.MaxConnLifetimeJitter)
		}
		settings := map[string]string{"TimeZone": "UTC", "DateStyle": "ISO, MDY", "application_name": c.name}
		for setting, want := range settings {
			var got string
			err := pool.QueryRow(t.Context(), "SELECT current_setting($1)", setting).Scan(&got)
			if err != nil || got != want {
				t.Errorf("%s: %s is %q, %v; want %q", c.url, setting, got, err, want)
			}
		}
		pool.Close()
	}
}

func TestOpen_unreachableServer(t *testing.T) {
	t.Parallel()
	pool, err := postgres.Open(t.Context(), "postgres://u@/d?host=/nowhere")
	if err != nil {
		t.Fatal("Open failed without a server:", err)
	}
	defer pool.Close()
	if err := pool.Ping(t.Context()); err == nil {
		t.Error("Ping succeeded without a server")
	}
}

func TestOpen_cancelsStatementOnServer(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	running := func() int {
		return pgtest.QueryValue[int](t, pool, `SELECT count(*) FROM pg_stat_activity
			WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid() AND state = 'active'
				AND datname = current_database()`)
	}
	waitFor := func(n int) {
		t.Helper()
		for start := time.Now(); running() != n; time.Sleep(5 * time.Millisecond) {
			if time.Since(start) > time.Minute {
				t.Fatalf("%d statements run on the server, want %d", running(), n)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() {
		_, err := pool.Exec(ctx, "SELECT pg_sleep(600)")
		result <- err
	}()
	waitFor(1)
	cancel()
	err := <-result
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != "57014" {
		t.Errorf("got %v, want 57014, so that the connection stays usable", err)
	}
	waitFor(0)
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
			t.Logf("%s is valid", url)
			continue
		}
		t.Log(err)
		if strings.Contains(err.Error(), "S3cret") {
			t.Errorf("%s: the message contains the password: %v", url, err)
		}
		_, _, err = migrate.Up(t.Context(), url, fstest.MapFS{})
		if err == nil || strings.Contains(err.Error(), "S3cret") {
			t.Errorf("migrate.Up(%s): %v; want an error without the password", url, err)
		}
	}
}
