//go:build pooler

package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
)

// The tests in this file need pgbouncer (apt-get install pgbouncer). Run: go test -tags pooler -run Pooler ./api

const (
	poolerMode    = "cache_describe" // the mode that the documentation recommends
	poolerServers = 2                // server connections that all clients share
	poolerClients = 16
	poolerRounds  = 8
)

// poolerProgram returns the path of pgbouncer.
func poolerProgram(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/pgbouncer") // not in the PATH of unprivileged users
	}
	if err != nil {
		t.Fatal("pgbouncer is not installed (apt-get install pgbouncer):", err)
	}
	return program
}

// startPooler starts a pgbouncer in transaction mode in front of the database at the URL direct. It returns the URL of
// the database behind pgbouncer.
func startPooler(t *testing.T, direct string) string {
	t.Helper()
	program := poolerProgram(t)
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "labledger-pooler-") // short, because the path of a socket is limited
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	options := u.Query()
	name, socket := strings.TrimPrefix(u.Path, "/"), options.Get("host")
	config := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf(`[databases]
%s = host=%s port=%s dbname=%[1]s user=%[4]s
[pgbouncer]
pool_mode = transaction
default_pool_size = %[5]d
max_client_conn = 200
auth_type = any
unix_socket_dir = %[6]s
listen_port = 6432
`, name, socket, options.Get("port"), u.User.Username(), poolerServers, dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = output.Close() }()
	cmd := exec.Command(program, config)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, []string{"LC_ALL=C"}, output, output
	if os.Getuid() == 0 { // pgbouncer rejects root, and only the owner of Postgres can access its socket directory
		info, err := os.Stat(socket)
		if err != nil {
			t.Fatal(err)
		}
		owner := info.Sys().(*syscall.Stat_t)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
		for _, path := range []string{dir, config} {
			if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-exited:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			t.Error("pgbouncer did not stop:", <-exited)
		}
		if t.Failed() {
			text, _ := os.ReadFile(output.Name())
			t.Logf("log of pgbouncer:\n%s", text)
		}
	})
	options.Set("host", dir)
	options.Set("port", "6432")
	u.RawQuery = options.Encode()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := pgx.Connect(t.Context(), u.String())
		if err == nil {
			_ = conn.Close(t.Context())
			return u.String()
		}
		select {
		case err := <-exited:
			exited <- err
			t.Fatal("pgbouncer exited:", err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("pgbouncer does not accept connections:", err)
		}
	}
}

// openPooled opens a connection pool as the program does.
func openPooled(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// A rowState is the version of a row that a change created, or that a delete removed. Exactly one request can have
// caused it.
type rowState struct {
	table, key, action string
	version            int64
}

// An author is the actor and the request that the history must contain.
type author struct{ Actor, Request string }

// A writeLog records the author of each acknowledged change, as known from the responses.
type writeLog struct {
	sync.Mutex
	authors map[rowState]author
}

// add records the author of changes.
func (l *writeLog) add(by author, all ...rowState) {
	l.Lock()
	defer l.Unlock()
	for _, s := range all {
		l.authors[s] = by
	}
}

// compare compares the history with the log. It returns changes with the wrong author, logged changes that are missing
// in the history, and unexpected changes in the history.
func (l *writeLog) compare(history []historyRow) (misattributed, missing, unexpected []string) {
	seen := map[rowState]bool{}
	for _, r := range history {
		by, known := l.authors[r.rowState]
		switch {
		case !known || seen[r.rowState]:
			unexpected = append(unexpected, fmt.Sprintf("%+v", r))
		case by != r.author:
			misattributed = append(misattributed, fmt.Sprintf("%+v, want author %+v", r, by))
		}
		seen[r.rowState] = true
	}
	for s, by := range l.authors {
		if !seen[s] {
			missing = append(missing, fmt.Sprintf("%+v by %+v", s, by))
		}
	}
	return misattributed, missing, unexpected
}

// A historyRow is one change of the history.
type historyRow struct {
	rowState
	author
}

// readHistory pages through the changes after an ID until it has read all changes of the database.
func readHistory(t *testing.T, h http.Handler, direct *pgx.Conn, after int64) (history []historyRow, last int64) {
	t.Helper()
	var total int
	if err := direct.QueryRow(t.Context(), "SELECT count(*) FROM change WHERE id > $1", after).Scan(&total); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for last = after; len(history) < total; {
		resp := apitest.Do(h, "GET", fmt.Sprintf("/api/v1/changes?limit=%d&after=%d", maxPageSize, last), "")
		var page []struct {
			ID        int64
			Actor     string
			RequestID *string `json:"request_id"`
			Table     string  `json:"table_name"`
			Key       string  `json:"row_key"`
			Action    string
			Before    *struct{ Version int64 }
			After     *struct{ Version int64 }
		}
		if err := json.Unmarshal(resp.Body.Bytes(), &page); err != nil || resp.Code != http.StatusOK {
			t.Fatalf("%d %.200s: %v", resp.Code, resp.Body, err)
		}
		if len(page) == 0 {
			if time.Now().After(deadline) {
				t.Fatalf("read %d of %d changes before the deadline", len(history), total)
			}
			time.Sleep(10 * time.Millisecond) // running transactions of other tests delay the changes
		}
		for _, c := range page {
			r := historyRow{rowState{c.Table, c.Key, c.Action, 0}, author{Actor: c.Actor, Request: "none"}}
			if c.RequestID != nil {
				r.Request = *c.RequestID
			}
			if c.After != nil {
				r.version = c.After.Version
			} else {
				r.version = c.Before.Version
			}
			history, last = append(history, r), c.ID
		}
	}
	return history, last
}

// serverConnections inspects each connection of pgbouncer to Postgres. It returns their process IDs and the session
// state that earlier transactions left behind.
func serverConnections(t *testing.T, pool *pgxpool.Pool) (pids []int, leaks []string) {
	t.Helper()
	var open []pgx.Tx // an open transaction occupies its connection, so the next one uses another connection
	defer func() {
		for _, tx := range open {
			rollback(tx)
		}
	}()
	for range poolerServers {
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, tx)
		var pid, locks, statements int
		var actor, request, lockTimeout, statementTimeout string
		if err := tx.QueryRow(t.Context(), `SELECT
			pg_backend_pid(),
			coalesce(current_setting('labledger.actor', true), ''),
			coalesce(current_setting('labledger.request_id', true), ''),
			current_setting('lock_timeout'),
			current_setting('statement_timeout'),
			(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
			(SELECT count(*) FROM pg_prepared_statements)`,
		).Scan(&pid, &actor, &request, &lockTimeout, &statementTimeout, &locks, &statements); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(pids, pid) {
			t.Fatalf("two open transactions use server connection %d", pid)
		}
		pids = append(pids, pid)
		hasSettings := actor != "" || request != "" || lockTimeout != "0" || statementTimeout != "0"
		if hasSettings || locks != 0 || statements != 0 {
			leaks = append(leaks, fmt.Sprintf("server connection %d: actor %q, request %q, lock_timeout %s, "+
				"statement_timeout %s, %d advisory locks, %d prepared statements",
				pid, actor, request, lockTimeout, statementTimeout, locks, statements))
		}
	}
	slices.Sort(pids)
	return pids, leaks
}

// A poolerClient sends requests as its own actor and records its changes.
type poolerClient struct {
	t      *testing.T
	h      http.Handler
	actor  string
	writes *writeLog
	sent   int
}

// do sends one request and records the change, unless action is "".
func (c *poolerClient) do(
	action string, want int, method, target, body string, header ...string,
) (row struct{ ID, Version int64 }) {
	c.sent++
	self := author{c.actor, fmt.Sprintf("%s.%d", c.actor, c.sent)}
	resp := apitest.Do(c.h, method, target, body, append(header, "X-Request-Id: "+self.Request)...)
	if resp.Code != want || resp.Header().Get("X-Request-Id") != self.Request {
		c.t.Errorf("%s %s: status %d, want %d; request %s: %.300s",
			method, target, resp.Code, want, resp.Header().Get("X-Request-Id"), resp.Body)
		return row
	}
	if action == "" {
		return row
	}
	var full struct {
		ID, Version int64
		UUID        *string
	}
	if err := json.Unmarshal(resp.Body.Bytes(), &full); err != nil {
		c.t.Errorf("%s %s: %v: %.300s", method, target, err, resp.Body)
	}
	table := strings.TrimSuffix(strings.Split(strings.TrimPrefix(target, "/api/v1/"), "/")[0], "s")
	key := fmt.Sprint(full.ID)
	if full.UUID != nil {
		key = *full.UUID
	}
	c.writes.add(self, rowState{table, key, action, full.Version})
	row.ID, row.Version = full.ID, full.Version
	return row
}

// round sends one request for each way in which the API uses a connection.
func (c *poolerClient) round() {
	const ok, created, failed = http.StatusOK, http.StatusCreated, http.StatusPreconditionFailed
	computer := fmt.Sprintf(`{"name":"of %s","mac":null,"site_id":1}`, c.actor)
	row := c.do("insert", created, "POST", "/api/v1/computers", computer)
	c.do("", created, "POST", "/api/v1/computers?dry_run=true", `{"name":"dry","mac":null,"site_id":1}`)
	one := fmt.Sprintf("/api/v1/computers/%d", row.ID)
	c.do("update", ok, "PATCH", one, `{"name":"patched"}`)
	c.do("", ok, "PATCH", one+"?dry_run=true", `{"name":"dry"}`)
	c.do("", failed, "PATCH", one, `{"name":"stale"}`, `If-Match: "1"`) // the error aborts the transaction
	c.do("", http.StatusConflict, "DELETE", "/api/v1/sites/1", "")      // a constraint aborts the transaction
	c.do("", ok, "GET", "/api/v1/computers?limit=10", "")
	c.do("", ok, "GET", "/api/v1/computers?limit=10&site_id=1&name=patched", "")
	contact := fmt.Sprintf(`{"contact":"%s.%d"}`, c.actor, c.sent)
	c.do("update", ok, "PATCH", "/api/v1/sites/2", contact) // all clients update this row
	c.do("", ok, "GET", "/api/v1/instruments?site_id=1", "", "Accept: text/csv")
	box := "/api/v1/containers/" + uuid.NewString()
	c.do("insert", created, "PUT", box, `{"description":null,"freezer_id":1}`)
	c.do("update", ok, "POST", box, `{"description":"full","freezer_id":2}`)
	c.do("", ok, "DELETE", box+"?dry_run=true", "")
	c.do("", ok, "GET", box, "")
	c.do("delete", ok, "DELETE", box, "")
	c.do("", ok, "GET", "/api/v1/computers", "", "Accept: text/csv")
	c.do("delete", ok, "DELETE", one, "", `If-Match: "2"`)
}

// bulk imports one body of one and a half chunks.
func (c *poolerClient) bulk(dryRun bool) {
	const lines = 30
	var body strings.Builder
	var all []rowState
	body.WriteString("uuid,description,freezer_id\n")
	for range lines {
		key := uuid.NewString()
		fmt.Fprintf(&body, "%s,%s,1\n", key, strings.Repeat("x", maxChunkBytes*3/2/lines))
		all = append(all, rowState{"container", key, "insert", 1})
	}
	target := "/api/v1/containers"
	if dryRun {
		target += "?dry_run=true"
	}
	c.do("", http.StatusOK, "POST", target, body.String(), "Content-Type: text/csv")
	if !dryRun {
		c.writes.add(author{c.actor, fmt.Sprintf("%s.%d", c.actor, c.sent)}, all...)
	}
}

// TestPooler runs the API behind pgbouncer in transaction mode. Many clients with different actors share two server
// connections. The history must attribute each change to its author, and no transaction may leave session state behind.
// The negative control sets the actor for the session instead of the transaction and must misattribute changes.
func TestPooler(t *testing.T) {
	url := pgtest.Database(t)
	pool := openPooled(t, startPooler(t, url)+"&default_query_exec_mode="+poolerMode)
	direct, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = direct.Close(context.Background()) }()
	reader := apitest.NewPublic(pool)
	_, last := readHistory(t, reader, direct, 0)
	before, leaks := serverConnections(t, pool)
	if len(leaks) > 0 {
		t.Fatal("session state before the first request:", leaks)
	}

	writes := &writeLog{authors: map[rowState]author{}}
	runPoolerClients(func(n int) {
		actor := fmt.Sprintf("actor-%02d", n)
		quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
		h := api.New(api.Options{Pool: pool, Log: quiet, AnonymousActor: actor, Version: "test"})
		c := &poolerClient{t: t, h: h, actor: actor, writes: writes}
		for i := range poolerRounds {
			c.round()
			if i == n%poolerRounds { // spreads the imports over the rounds
				c.bulk(n%4 == 3)
			}
		}
	})
	history, last := readHistory(t, reader, direct, last)
	misattributed, missing, unexpected := writes.compare(history)
	counts := fmt.Sprintf("%d changes: %d misattributed, %d missing, %d unexpected",
		len(history), len(misattributed), len(missing), len(unexpected))
	t.Logf("%d clients, %s", poolerClients, counts)
	if all := slices.Concat(misattributed, missing, unexpected); len(all) > 0 {
		t.Errorf("%s, such as:\n%s", counts, strings.Join(all[:min(5, len(all))], "\n"))
	}
	if resp := apitest.Do(reader, "GET", "/api/v1/computers?name=dry", ""); strings.TrimSpace(resp.Body.String()) != "[]" {
		t.Errorf("dry runs stored %.300s", resp.Body)
	}
	after, leaks := serverConnections(t, pool)
	if len(leaks) > 0 {
		t.Error("session state after the requests:", strings.Join(leaks, "\n"))
	}
	if !slices.Equal(before, after) {
		t.Errorf("pgbouncer replaced server connections: %v before, %v after", before, after)
	}

	control := &writeLog{authors: map[rowState]author{}}
	runPoolerClients(func(n int) {
		for i := range 50 {
			by := author{fmt.Sprintf("control-%02d", n), fmt.Sprintf("control-%02d.%d", n, i)}
			key := uuid.NewString()
			err := pool.AcquireFunc(t.Context(), func(conn *pgxpool.Conn) error {
				_, err := conn.Exec(t.Context(), `SELECT
					set_config('labledger.actor', $1, false),
					set_config('labledger.request_id', $2, false)`, by.Actor, by.Request)
				if err == nil {
					_, err = conn.Exec(t.Context(), "INSERT INTO container (uuid, freezer_id) VALUES ($1::text::uuid, 1)", key)
				}
				return err
			})
			if err != nil {
				t.Error("control:", err)
				return
			}
			control.add(by, rowState{"container", key, "insert", 1})
		}
	})
	history, _ = readHistory(t, reader, direct, last)
	misattributed, missing, unexpected = control.compare(history)
	counts = fmt.Sprintf("control: %d changes: %d misattributed, %d missing, %d unexpected",
		len(history), len(misattributed), len(missing), len(unexpected))
	t.Log(counts)
	if len(misattributed) == 0 || len(missing)+len(unexpected) > 0 {
		t.Errorf("%s; want only misattributed changes", counts)
	}
	if _, leaks = serverConnections(t, pool); len(leaks) != poolerServers {
		t.Errorf("the control left session state on %d of %d server connections: %v", len(leaks), poolerServers, leaks)
	}
}

// TestPooler_defaultModeFails: as the documentation says, the default mode of pgx fails behind pgbouncer, because its
// prepared statements belong to a server connection. pgbouncer 1.21 and later can track prepared statements
// (max_prepared_statements), and newer versions do so by default.
func TestPooler_defaultModeFails(t *testing.T) {
	pool := openPooled(t, startPooler(t, pgtest.Database(t)))
	var log bytes.Buffer
	h := api.New(api.Options{Pool: pool, Log: slog.New(slog.NewTextHandler(&log, nil)), AnonymousActor: "tester", Version: "test"})
	var responses, failures atomic.Int64
	runPoolerClients(func(int) {
		for range 20 {
			for _, code := range []int{
				apitest.Do(h, "PATCH", "/api/v1/sites/2", `{"contact":"x"}`).Code,
				apitest.Do(h, "GET", "/api/v1/computers", "").Code,
			} {
				responses.Add(1)
				if code >= http.StatusInternalServerError {
					failures.Add(1)
				}
			}
		}
	})
	_, reason, _ := strings.Cut(log.String(), "error=")
	reason, _, _ = strings.Cut(reason, "\n")
	t.Logf("in the default mode of pgx, %d of %d requests failed, the first with: %s",
		failures.Load(), responses.Load(), reason)
	if failures.Load() == 0 {
		output, err := exec.Command(poolerProgram(t), "--version").Output()
		var minor int
		if n, _ := fmt.Sscanf(string(output), "PgBouncer 1.%d", &minor); err != nil || n == 1 && minor < 21 {
			t.Errorf("the default mode of pgx works behind this pgbouncer, so the documented mode is unnecessary: %s %v",
				output, err)
		}
	} else if !strings.Contains(log.String(), "prepared statement") {
		t.Error("the log does not mention prepared statements")
	}
}

// runPoolerClients runs all clients concurrently and waits for them.
func runPoolerClients(client func(n int)) {
	var all sync.WaitGroup
	for n := range poolerClients {
		all.Go(func() { client(n) })
	}
	all.Wait()
}

// TestPooler_migrate: migrating through a pooler fails with ErrPooled and leaves no lock behind.
func TestPooler_migrate(t *testing.T) {
	direct := pgtest.Database(t)
	if _, _, err := migrate.Down(t.Context(), direct, schema.Files, 1); err != nil {
		t.Fatal(err)
	}
	pooled := startPooler(t, direct) + "&default_query_exec_mode=" + poolerMode
	if _, _, err := migrate.Up(t.Context(), pooled, schema.Files); !errors.Is(err, migrate.ErrPooled) {
		t.Errorf("through the pooler: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, _, err := migrate.Up(ctx, direct, schema.Files); err != nil {
		t.Errorf("without the pooler: %v", err)
	}
}
