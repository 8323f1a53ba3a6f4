//go:build pooler

package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
	"labledger/internal/postgres/migrate"
	"labledger/internal/programtest"
	"labledger/schema"
)

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
