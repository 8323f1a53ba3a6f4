//go:build pooler

package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/api/authn"
	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
	"labledger/internal/postgres"
	"labledger/internal/postgres/migrate"
	"labledger/internal/programtest"
	"labledger/schema"
)

// The tests in this file need pgbouncer (apt-get install pgbouncer). Run: go test -tags pooler -run Pooler ./api

const (
	poolerMode    = "cache_describe" // the mode that the documentation recommends
	poolerServers = 2                // server connections that all clients share
	poolerClients = 16
	poolerRounds  = 8
	importBytes   = 3 << 19 // one and a half chunks of an import
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

// startPooler starts a pgbouncer in transaction mode, unless settings say otherwise, in front of the database at the
// URL direct. It returns the URL of the database behind pgbouncer.
func startPooler(t *testing.T, direct string, settings ...string) string {
	t.Helper()
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
	cmd := exec.Command(poolerProgram(t), writePoolerConfig(t, dir, u, settings))
	cmd.Dir, cmd.Env = dir, []string{"LC_ALL=C"}
	if os.Getuid() == 0 {
		runAsOwner(t, cmd, u.Query().Get("host"), dir)
	}
	exited := launchPooler(t, cmd)
	options := u.Query()
	options.Set("host", dir)
	options.Set("port", "6432")
	u.RawQuery = options.Encode()
	pgtest.WaitFor(t, "pgbouncer to accept connections", func() bool {
		select {
		case <-exited:
			t.Fatal("pgbouncer exited: ", cmd.ProcessState)
		default:
		}
		conn, err := pgx.Connect(t.Context(), u.String())
		if err == nil {
			_ = conn.Close(t.Context())
		}
		return err == nil
	})
	return u.String()
}

// writePoolerConfig writes the configuration for the database at the URL direct. It returns the path of the file.
func writePoolerConfig(t *testing.T, dir string, direct *url.URL, settings []string) string {
	t.Helper()
	path := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf(`[databases]
%s = host=%s port=%s dbname=%[1]s user=%[4]s
[pgbouncer]
pool_mode = transaction
default_pool_size = %[5]d
max_client_conn = 200
auth_type = any
unix_socket_dir = %[6]s
listen_port = 6432
`, strings.TrimPrefix(direct.Path, "/"), direct.Query().Get("host"), direct.Query().Get("port"),
		direct.User.Username(), poolerServers, dir)
	text += strings.Join(settings, "\n") // the last value counts
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// runAsOwner sets the user of a command to the owner of the socket directory of Postgres, and gives this user the files
// in dir. pgbouncer rejects root, and only the owner can access the socket directory.
func runAsOwner(t *testing.T, cmd *exec.Cmd, socketDir, dir string) {
	t.Helper()
	info, err := os.Stat(socketDir)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(files, dir) {
		if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
}

// launchPooler starts pgbouncer and stops it when the test ends. The channel is closed when it has exited.
func launchPooler(t *testing.T, cmd *exec.Cmd) (exited <-chan struct{}) {
	t.Helper()
	var log programtest.Output
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // callers look at cmd.ProcessState
		close(done)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(pgtest.WaitTimeout):
			_ = cmd.Process.Kill()
			<-done
			t.Error("pgbouncer did not stop")
		}
		if t.Failed() {
			t.Logf("log of pgbouncer:\n%s", &log)
		}
	})
	return done
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

// readHistory pages through the changes after an ID to their end.
func readHistory(t *testing.T, h http.Handler, after int64) (history []historyRow, last int64) {
	t.Helper()
	last = after
	for {
		resp := apitest.Do(h, "GET", fmt.Sprintf("/api/v1/changes?limit=%d&after=%d", rest.MaxPageSize, last), "")
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
			return history, last
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
}

// onEachServer runs f in a transaction on each connection of pgbouncer to Postgres.
func onEachServer(t *testing.T, pool *pgxpool.Pool, f func(tx pgx.Tx)) {
	t.Helper()
	var open []pgx.Tx // an open transaction occupies its connection, so the next one uses another connection
	for range poolerServers {
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = tx.Rollback(context.Background()) }) // after a failure
		open = append(open, tx)
		f(tx)
	}
	for _, tx := range open {
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// serverConnections inspects each connection of pgbouncer to Postgres. It returns their process IDs and the session
// state that earlier transactions left behind.
func serverConnections(t *testing.T, pool *pgxpool.Pool) (pids []int, leaks []string) {
	t.Helper()
	onEachServer(t, pool, func(tx pgx.Tx) {
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
	})
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
		fmt.Fprintf(&body, "%s,%s,1\n", key, strings.Repeat("x", importBytes/lines))
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
func TestPooler(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pool := openPooled(t, startPooler(t, url)+"&default_query_exec_mode="+poolerMode)
	reader := apitest.NewPublic(pool)
	_, last := readHistory(t, reader, 0)
	before, leaks := serverConnections(t, pool)
	if len(leaks) > 0 {
		t.Fatal("session state before the first request:", leaks)
	}

	writes := &writeLog{authors: map[rowState]author{}}
	var clients sync.WaitGroup
	for n := range poolerClients {
		actor := fmt.Sprintf("actor-%02d", n)
		c := &poolerClient{t: t, h: newPooledAPI(pool, actor), actor: actor, writes: writes}
		clients.Go(func() {
			for i := range poolerRounds {
				c.round()
				if i == n%poolerRounds { // spreads the imports over the rounds
					c.bulk(n%4 == 3)
				}
			}
		})
	}
	clients.Wait()

	history, _ := readHistory(t, reader, last)
	misattributed, missing, unexpected := writes.compare(history)
	counts := fmt.Sprintf("%d changes: %d misattributed, %d missing, %d unexpected",
		len(history), len(misattributed), len(missing), len(unexpected))
	t.Logf("%d clients, %s", poolerClients, counts)
	if all := slices.Concat(misattributed, missing, unexpected); len(all) > 0 {
		t.Errorf("%s, such as:\n%s", counts, strings.Join(all[:min(5, len(all))], "\n"))
	}
	dry := apitest.Do(reader, "GET", "/api/v1/computers?name=dry", "").Body.String()
	if strings.TrimSpace(dry) != "[]" {
		t.Errorf("dry runs stored %.300s", dry)
	}
	after, leaks := serverConnections(t, pool)
	if len(leaks) > 0 {
		t.Error("session state after the requests:", strings.Join(leaks, "\n"))
	}
	if !slices.Equal(before, after) {
		t.Errorf("pgbouncer replaced server connections: %v before, %v after", before, after)
	}
}

// newPooledAPI returns an API without authentication whose callers are an actor.
func newPooledAPI(pool *pgxpool.Pool, actor string) http.Handler {
	return api.New(api.Options{
		Pool:    pool,
		Log:     slog.New(slog.DiscardHandler),
		Access:  authn.Options{AnonymousActor: actor},
		Version: "test",
	})
}

// TestPooler_sessionSettings is the negative control of TestPooler. A client that sets its actor for the session
// instead of the transaction changes the actor of other clients. The checks of TestPooler must detect this.
func TestPooler_sessionSettings(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pool := openPooled(t, startPooler(t, url)+"&default_query_exec_mode="+poolerMode)
	reader := apitest.NewPublic(pool)
	_, last := readHistory(t, reader, 0)

	victim := author{"victim", "victim.1"}
	setForSession(t, pool, victim)
	setForSession(t, pool, author{"intruder", "intruder.1"})
	key := uuid.NewString()
	pgtest.Exec(t, pool, "INSERT INTO container (uuid, freezer_id) VALUES ($1::text::uuid, 1)", key)
	writes := &writeLog{authors: map[rowState]author{}}
	writes.add(victim, rowState{"container", key, "insert", 1})

	history, _ := readHistory(t, reader, last)
	misattributed, missing, unexpected := writes.compare(history)
	isOne := len(misattributed) == 1 && strings.Contains(misattributed[0], "intruder.1")
	if !isOne || len(missing)+len(unexpected) > 0 {
		t.Errorf("misattributed %v, missing %v, unexpected %v; want one change, misattributed to the intruder",
			misattributed, missing, unexpected)
	}
	if _, leaks := serverConnections(t, pool); len(leaks) != poolerServers {
		t.Errorf("session state on %d of %d server connections: %v", len(leaks), poolerServers, leaks)
	}
}

// setForSession sets the author for the session of each server connection.
func setForSession(t *testing.T, pool *pgxpool.Pool, by author) {
	t.Helper()
	onEachServer(t, pool, func(tx pgx.Tx) {
		pgtest.Exec(t, tx, `SELECT
			set_config('labledger.actor', $1, false),
			set_config('labledger.request_id', $2, false)`, by.Actor, by.Request)
	})
}

// TestPooler_defaultModeFails: without the documented mode, requests fail behind pgbouncer. In the default mode of pgx,
// its prepared statements belong to a server connection. pgbouncer 1.21 and later can track prepared statements
// (max_prepared_statements), and newer versions do so by default.
func TestPooler_defaultModeFails(t *testing.T) {
	t.Parallel()
	pooled := startPooler(t, pgtest.Database(t))
	var log programtest.Output
	h := api.New(api.Options{
		Pool: openPooled(t, pooled+"&pool_max_conns=1"),
		Log:  slog.New(slog.NewTextHandler(&log, nil)),
	})
	listSites := func() (status int) { return apitest.Do(h, "GET", "/api/v1/sites", "").Code }

	unprepared, release := occupyServer(t, pooled)
	if status := listSites(); status != http.StatusOK { // prepares the statement on the other connection
		t.Fatalf("first request: status %d\n%s", status, &log)
	}
	release()
	releases := map[int]func(){}
	for range poolerServers {
		pid, release := occupyServer(t, pooled)
		releases[pid] = release
	}
	releases[unprepared]() // is now the only free connection
	switch status := listSites(); {
	case status < http.StatusInternalServerError:
		output, err := exec.Command(poolerProgram(t), "--version").Output()
		var minor int
		if n, _ := fmt.Sscanf(string(output), "PgBouncer 1.%d", &minor); err != nil || n == 1 && minor < 21 {
			t.Errorf("the documented mode is unnecessary: the default mode of pgx works behind %s %v", output, err)
		}
	case !strings.Contains(log.String(), "prepared statement") || !strings.Contains(log.String(), poolerMode):
		t.Errorf("the log does not mention prepared statements and the remedy:\n%s", &log)
	}
}

// TestPooler_startNamesRemedy: the program refuses a URL behind pgbouncer in transaction mode that lacks the documented
// mode, and says how to mend it. It accepts the mode, pgbouncer in session mode, and Postgres itself.
func TestPooler_startNamesRemedy(t *testing.T) {
	t.Parallel()
	direct := pgtest.Database(t)
	pooled := startPooler(t, direct)
	for _, env := range [][]string{
		{"DATABASE_URL=" + pooled}, {"DATABASE_URL=" + direct, "READ_DATABASE_URL=" + pooled},
	} {
		message := programtest.MustFail(t, env, "", "serve")
		name, _, _ := strings.Cut(env[len(env)-1], "=")
		programtest.AssertContains(t, message, name, "default_query_exec_mode="+poolerMode)
	}
	programtest.AssertContains(t, programtest.MustFail(t, []string{"DATABASE_URL=" + pooled}, "", "export", "sites"),
		"default_query_exec_mode="+poolerMode)
	session := startPooler(t, direct, "pool_mode = session", "default_pool_size = 20")
	for _, url := range []string{pooled + "&default_query_exec_mode=" + poolerMode, session, direct} {
		s := programtest.Start(t, "DATABASE_URL="+url, "READ_DATABASE_URL="+url)
		s.Get("/api/v1/sites", http.StatusOK)
	}
}

// occupyServer occupies a connection of pgbouncer to Postgres until release is called or the test ends. It returns the
// process ID of the connection.
func occupyServer(t *testing.T, pooled string) (pid int, release func()) {
	t.Helper()
	tx, err := pgtest.Connect(t, pooled+"&default_query_exec_mode="+poolerMode).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pgtest.QueryValue[int](t, tx, "SELECT pg_backend_pid()"), func() {
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPooler_streamPolls: behind pgbouncer the stream shows events, and leaves no LISTEN with a session of other
// clients.
func TestPooler_streamPolls(t *testing.T) {
	t.Parallel()
	pool := openPooled(t, startPooler(t, pgtest.Database(t))+"&default_query_exec_mode="+poolerMode)
	h := apitest.NewPublic(pool)
	server := httptest.NewServer(h)
	defer server.Close()
	response, err := server.Client().Get(server.URL + "/api/v1/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	apitest.Do(h, "POST", "/event", `{"type": "deposit", "amount": "1.00", "user_id": 1, "time": 1}`)
	ended := time.AfterFunc(pgtest.WaitTimeout, func() { _ = response.Body.Close() })
	defer ended.Stop()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() && lines.Text() != "event: event" {
	}
	if err := lines.Err(); err != nil {
		t.Error("the stream does not show the event:", err)
	}
	onEachServer(t, pool, func(tx pgx.Tx) {
		if n := pgtest.QueryValue[int](t, tx, "SELECT count(*) FROM pg_listening_channels()"); n != 0 {
			t.Errorf("a session of pgbouncer listens to %d channels", n)
		}
	})
}

// TestPooler_clientEncoding: text is UTF-8 behind pgbouncer, although the database, the role and another client of the
// same sessions use LATIN1.
func TestPooler_clientEncoding(t *testing.T) {
	t.Parallel()
	direct := pgtest.Database(t)
	pgtest.ExecScript(t, direct, `DO $$ BEGIN
		EXECUTE format('ALTER DATABASE %I SET client_encoding = LATIN1', current_database());
		EXECUTE format('ALTER ROLE %I IN DATABASE %I SET client_encoding = LATIN1', current_user, current_database());
	END $$`)
	for _, settings := range []string{"", "ignore_startup_parameters = client_encoding"} {
		pooled := startPooler(t, direct, settings) + "&default_query_exec_mode=" + poolerMode
		other, err := pgxpool.New(t.Context(), pooled+"&client_encoding=LATIN1")
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		pool := openPooled(t, pooled)
		h := apitest.NewPublic(pool)
		for _, when := range []string{"new sessions", "sessions of another client"} {
			onEachServer(t, pool, func(tx pgx.Tx) {
				if encoding := pgtest.QueryValue[string](t, tx, "SHOW client_encoding"); encoding != "UTF8" {
					t.Errorf("%s, %q: client_encoding is %s", when, settings, encoding)
				}
			})
			created := apitest.Do(h, "POST", "/api/v1/sites", `{"name": "Zoë"}`)
			list := apitest.Do(h, "GET", "/api/v1/sites?name=Zo%C3%AB", "")
			for _, resp := range []*httptest.ResponseRecorder{created, list} {
				if resp.Code >= 300 || !strings.Contains(resp.Body.String(), `"name":"Zoë"`) {
					t.Errorf("%s, %q: %d %s", when, settings, resp.Code, resp.Body)
				}
			}
			onEachServer(t, other, func(tx pgx.Tx) { // the negative control, and the other client
				result := tx.Conn().PgConn().ExecParams(t.Context(), "SELECT 'Zo' || chr(235)", nil, nil, nil, nil).Read()
				if result.Err != nil || string(result.Rows[0][0]) != "Zo\xeb" {
					t.Errorf("got %q, %v; want LATIN1", result.Rows, result.Err)
				}
			})
		}
	}
}

// TestPooler_migrate: migrating through a pooler fails with ErrPooled and leaves no lock behind.
func TestPooler_migrate(t *testing.T) {
	t.Parallel()
	direct := pgtest.Database(t)
	if _, _, err := migrate.Down(t.Context(), direct, schema.Files, 1); err != nil {
		t.Fatal(err)
	}
	pooled := startPooler(t, direct) + "&default_query_exec_mode=" + poolerMode
	if _, _, err := migrate.Up(t.Context(), pooled, schema.Files); !errors.Is(err, migrate.ErrPooled) {
		t.Errorf("through the pooler: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), pgtest.WaitTimeout) // in which it would wait for the lock
	defer cancel()
	if _, _, err := migrate.Up(ctx, direct, schema.Files); err != nil {
		t.Errorf("without the pooler: %v", err)
	}
}
