package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"labledger/db/postgres/pgtest"
)

const (
	site1 = `{"id":1,"name":"Site 1","contact":"John Smith","address":"123 Muffin Lane, Ann Arbor","state_or_region":"MI",` +
		`"country":"USA","postcode_or_zip":"48103","version":1}` + "\n"
	instruments = `[{"site_id":1,"site_name":"Site 1","computer_id":1,"freezer_id":null,"name":"Computer 1"},` +
		`{"site_id":1,"site_name":"Site 1","computer_id":2,"freezer_id":null,"name":"Computer 2"},` +
		`{"site_id":1,"site_name":"Site 1","computer_id":null,"freezer_id":1,"name":"-20C"},` +
		`{"site_id":1,"site_name":"Site 1","computer_id":null,"freezer_id":2,"name":"-40C"}]` + "\n"
)

// nobody listens there: no free port that is handed out has so low a number.
const nobody = "127.0.0.1:1"

func want(t *testing.T, what, got, expected string) {
	t.Helper()
	if got != expected {
		t.Errorf("%s: got\n%s\nwant\n%s", what, got, expected)
	}
}

// site is the body of an upsert.
func site(name string) string {
	return fmt.Sprintf(`{"name": %q, "contact": null, "address": null, "state_or_region": null, "country": null, "postcode_or_zip": null}`, name)
}

// execute runs SQL on a database that is not the program's own.
func execute(t *testing.T, url, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// Nothing but the program's name, in an empty folder.
func TestServeOutOfTheBox(t *testing.T) {
	t.Parallel()
	state := stateDir(t, "var")
	s := startIn(t, filepath.Dir(state))
	want(t, "/site/1", s.get("/site/1", http.StatusOK), site1)
	want(t, "/instruments", s.get("/instruments", http.StatusOK), instruments)
	want(t, "/containers", s.get("/containers", http.StatusOK), "[]\n")

	data := filepath.Join(state, "postgres", "data")
	says(t, s.stderr.String(), s.url, data, s.url+"/docs")
	pid := postmaster(t, data)
	if !alive(pid) {
		t.Error("its Postgres does not run on", data)
	}

	// What it says to try works as it stands there.
	tries := regexp.MustCompile(`(?m)^ *(curl .*)$`).FindAllStringSubmatch(s.stderr.String(), -1)
	if len(tries) != 3 {
		t.Errorf("%d curl lines, want 3:\n%s", len(tries), &s.stderr)
	}
	for _, try := range tries {
		out, err := exec.Command("sh", "-c", strings.Replace(try[1], "curl", "curl -sS --fail", 1)).CombinedOutput()
		if err != nil || !json.Valid(out) {
			t.Errorf("%s: %v, %s", try[1], err, out)
		}
	}
	says(t, s.get("/site/2", http.StatusOK), "Iceland")

	s.stop(syscall.SIGINT)
	if alive(pid) {
		t.Error("its Postgres outlived it")
	}
	noPostgres(t, state)
}

// After each kind of end a server starts again with all that it had acknowledged, and does not load the mock data once more.
func TestStopAndStartAgain(t *testing.T) {
	t.Parallel()
	for name, sig := range map[string]syscall.Signal{"SIGINT": syscall.SIGINT, "SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := stateDir(t)
			s := start(t, "STATE_DIR="+state)
			pid := postmaster(t, filepath.Join(state, "postgres", "data"))
			s.send(http.MethodDelete, "/site/3", "", http.StatusOK)
			s.send(http.MethodPatch, "/site/1", `{"name": "Renamed"}`, http.StatusOK)

			// The signal comes while others write.
			acknowledged := writeUntilGone(s)
			s.await("writes", func() bool { return len(acknowledged()) > 20 })
			s.signal(sig)
			code := s.code()
			names := acknowledged()
			if sig == syscall.SIGKILL {
				if code != -1 {
					t.Errorf("exit code %d; the server should have died by the signal", code)
				}
				if !alive(pid) {
					t.Error("Postgres died with its server, so this test shows nothing")
				}
			} else {
				if code != 0 {
					t.Errorf("exit code %d, want 0", code)
				}
				if alive(pid) {
					t.Error("its Postgres outlived it")
				}
				noPostgres(t, state)
			}

			again := start(t, "STATE_DIR="+state)
			if alive(pid) {
				t.Error("the old Postgres still runs")
			}
			says(t, again.get("/site/1", http.StatusOK), "Renamed")
			again.get("/site/3", http.StatusNotFound)
			if lost := missing(t, again, names); len(lost) > 0 {
				t.Errorf("%d of %d acknowledged writes are lost: %v", len(lost), len(names), lost)
			}
			// The comparison would notice.
			victim := slices.Sorted(maps.Keys(names))[0]
			again.send(http.MethodDelete, fmt.Sprintf("/site/%d", victim), "", http.StatusOK)
			if lost := missing(t, again, names); !slices.Equal(lost, []int{victim}) {
				t.Errorf("missing sites %v, want %d alone", lost, victim)
			}
			again.stop(syscall.SIGTERM)
			noPostgres(t, state)
		})
	}
}

// writeUntilGone writes sites one after another from several connections until the server is gone.
// What it returns waits for that once the server has ended, and tells which writes have been acknowledged so far.
func writeUntilGone(s *server) (acknowledged func() map[int]string) {
	var (
		mu      sync.Mutex
		names   = map[int]string{}
		writers sync.WaitGroup
	)
	for writer := range 3 {
		writers.Go(func() {
			for id := 1000 * (writer + 1); ; id++ {
				name := fmt.Sprintf("written %d", id)
				status, _, err := exchange(http.MethodPost, fmt.Sprintf("%s/site/%d", s.url, id), http.Header{"Content-Type": {"application/json"}}, site(name))
				if err != nil {
					return
				}
				if status == http.StatusOK {
					mu.Lock()
					names[id] = name
					mu.Unlock()
				}
			}
		})
	}
	return func() map[int]string {
		select {
		case <-s.ended:
			writers.Wait()
		default:
		}
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(names)
	}
}

// missing are the ids of those sites that the server does not have under that name.
func missing(t *testing.T, s *server, names map[int]string) (lost []int) {
	t.Helper()
	status, answer, err := exchange(http.MethodGet, s.url+"/api/v1/sites", http.Header{"Accept": {"application/x-ndjson"}}, "")
	if err != nil || status != http.StatusOK {
		t.Fatal(status, answer, err)
	}
	there := map[int]string{}
	for line := range strings.Lines(answer) {
		var row struct {
			ID   int
			Name string
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		there[row.ID] = row.Name
	}
	for id, name := range names {
		if there[id] != name {
			lost = append(lost, id)
		}
	}
	slices.Sort(lost)
	return lost
}

// upload begins to send a CSV of sites and returns once the server reads it. The answer arrives after the body is closed.
func upload(t *testing.T, s *server) (body *io.PipeWriter, answer chan string) {
	t.Helper()
	from, body := io.Pipe()
	reading := make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(reading) }})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/api/v1/sites", from)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "text/csv")
	r.Header.Set("Expect", "100-continue") // the server says so when the handler begins to read
	transport := &http.Transport{ExpectContinueTimeout: patience}
	t.Cleanup(transport.CloseIdleConnections)
	answer = make(chan string, 1)
	go func() {
		response, err := transport.RoundTrip(r)
		if err != nil {
			_ = from.CloseWithError(err)
			answer <- err.Error()
			return
		}
		defer func() { _ = response.Body.Close() }()
		b, err := io.ReadAll(response.Body)
		answer <- fmt.Sprint(response.StatusCode, " ", string(b), err)
	}()
	select {
	case <-reading:
	case a := <-answer:
		t.Fatal(a)
	}
	if _, err := io.WriteString(body, "name,contact,address,state_or_region,country,postcode_or_zip\nSlow 1,,,,,\n"); err != nil {
		t.Fatal(err)
	}
	return body, answer
}

// awaitDrain waits until the server takes no more connections.
func (s *server) awaitDrain() {
	s.t.Helper()
	s.await("the end of listening", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
}

func TestStopFinishesRequestsUnderWay(t *testing.T) {
	t.Parallel()
	state := stateDir(t)
	s := start(t, "STATE_DIR="+state)
	body, answer := upload(t, s)
	s.signal(syscall.SIGTERM)
	s.awaitDrain()
	if _, err := io.WriteString(body, "Slow 2,,,,,\n"); err != nil {
		t.Fatal(err)
	}
	if err := body.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, "the slow upload", <-answer, `200 {"created":2,"updated":0}`+"\n<nil>")
	if code := s.code(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	noPostgres(t, state)
	says(t, succeed(t, []string{"STATE_DIR=" + state}, "", "export", "sites"), "Slow 1", "Slow 2")
}

func TestStopDoesNotWaitForever(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	s := start(t, "DATABASE_URL="+url)
	body, answer := upload(t, s)
	began := time.Now()
	s.signal(syscall.SIGTERM)
	if code := s.code(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if took := time.Since(began); took < drainTime || took > drainTime+5*time.Second {
		t.Errorf("it took %s; requests under way have %s", took, drainTime)
	}
	says(t, s.stdout.String(), "cut off")
	_ = body.Close()
	if a := <-answer; strings.HasPrefix(a, "200") {
		t.Errorf("the upload that was cut off answered %s", a)
	}
	if rows := succeed(t, []string{"DATABASE_URL=" + url}, "", "export", "sites"); strings.Contains(rows, "Slow") {
		t.Errorf("a part of the upload is stored:\n%s", rows)
	}
}

func TestSecondServerOnTheSameState(t *testing.T) {
	t.Parallel()
	state := stateDir(t)
	first := start(t, "STATE_DIR="+state)
	pid := postmaster(t, filepath.Join(state, "postgres", "data"))
	for range 2 {
		says(t, fail(t, []string{"STATE_DIR=" + state}, ""), "in use", fmt.Sprint(first.process.Pid), state)
	}
	if now := postmaster(t, filepath.Join(state, "postgres", "data")); now != pid || !alive(pid) {
		t.Errorf("the first one's Postgres was %d, is %d", pid, now)
	}
	want(t, "/site/1", first.get("/site/1", http.StatusOK), site1)
	first.send(http.MethodPatch, "/site/1", `{"name": "Unharmed"}`, http.StatusOK)
	first.stop(syscall.SIGINT)
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	_, port, _ := net.SplitHostPort(other.Addr().String())
	state := stateDir(t, "state")
	r := run(t, []string{"STATE_DIR=" + state, "PORT=" + port}, "")
	if r.code == 0 || r.took > 5*time.Second {
		t.Errorf("exit code %d after %s", r.code, r.took)
	}
	says(t, r.stderr, other.Addr().String(), "taken", "PORT=")
	untouched(t, state)

	_ = other.Close()
	s := start(t, "STATE_DIR="+state, "PORT="+port)
	want(t, "address", s.url, "http://127.0.0.1:"+port)
}

// untouched fails the test when there is something at path.
func untouched(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); err == nil {
		entries, _ := os.ReadDir(path)
		t.Errorf("%s was made: %v", path, entries)
	}
}

// The name of a Unix socket has room for about 108 bytes.
func TestLongStateDir(t *testing.T) {
	t.Parallel()
	state := stateDir(t, strings.Repeat("long ", 20), strings.Repeat("länger,", 10))
	s := start(t, "STATE_DIR="+state)
	want(t, "/site/1", s.get("/site/1", http.StatusOK), site1)
	b, err := os.ReadFile(filepath.Join(state, "url"))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	socket := u.Query().Get("host")
	if _, err := os.Stat(socket); err != nil {
		t.Error(err)
	}
	want(t, "psql", succeed(t, []string{"STATE_DIR=" + state}, "", "psql", "-Atc", "SELECT name FROM site WHERE id = 1"), "Site 1\n")
	s.stop(syscall.SIGINT)
	noPostgres(t, state)
	untouched(t, socket)
}

// As root, Postgres runs as a user who may be kept out of the state folder; the data then lie elsewhere.
func TestStateDirOfAClosedFolder(t *testing.T) {
	t.Parallel()
	const elsewhere = "/var/lib/labledger"
	if _, err := os.Stat(elsewhere); os.IsNotExist(err) {
		t.Cleanup(func() { _ = os.Remove(elsewhere) }) // unless others use it by now
	}
	state := stateDir(t, "closed", "state")
	if err := os.Mkdir(filepath.Dir(state), 0o700); err != nil {
		t.Fatal(err)
	}
	parent := state
	if os.Getuid() == 0 {
		parent = elsewhere
	}
	placed := regexp.MustCompile(`Its data is in (.*)`)
	var first string
	for range 2 {
		s := start(t, "STATE_DIR="+state)
		found := placed.FindStringSubmatch(s.stderr.String())
		if found == nil || !strings.HasPrefix(found[1], parent+"/") {
			t.Fatalf("the data is at %q, want it below %s", found, parent)
		}
		if first == "" {
			first = found[1]
			want(t, "/site/1", s.get("/site/1", http.StatusOK), site1)
			s.send(http.MethodDelete, "/site/3", "", http.StatusOK)
		}
		want(t, "data folder", found[1], first)
		s.get("/site/3", http.StatusNotFound)
		s.stop(syscall.SIGTERM)
	}
	noPostgres(t, filepath.Dir(first))
}

func TestGivenDatabase(t *testing.T) {
	t.Parallel()
	database, dir := pgtest.Database(t), t.TempDir()
	for _, expected := range []string{"[]\n", `[{"id":1,"name":"Mine","contact":null,"address":null,"state_or_region":null,"country":null,"postcode_or_zip":null,"version":1}]` + "\n"} {
		s := startIn(t, dir, "DATABASE_URL="+database, "STATE_DIR=state")
		want(t, "/sites", s.get("/sites", http.StatusOK), expected)
		for _, path := range []string{"/instruments", "/computers", "/freezers"} {
			want(t, path, s.get(path, http.StatusOK), "[]\n")
		}
		says(t, s.get("/readyz", http.StatusOK), "ready")
		s.send(http.MethodPost, "/site/1", site("Mine"), http.StatusOK)
		s.stop(syscall.SIGTERM)
		untouched(t, filepath.Join(dir, "state"))
		untouched(t, filepath.Join(dir, "var"))
	}
	execute(t, database, "SELECT") // it still runs
}

// rulesOfAccess guards pg_hba.conf.
var rulesOfAccess sync.Mutex

// guarded is a database of this run's cluster to which one needs a password.
func guarded(t *testing.T, password string) string {
	t.Helper()
	database := pgtest.Database(t)
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	execute(t, database, fmt.Sprintf("SET password_encryption = 'scram-sha-256'; CREATE ROLE %s_role LOGIN PASSWORD '%s'; ALTER DATABASE %[1]s OWNER TO %[1]s_role", name, password))
	t.Cleanup(func() {
		execute(t, database, fmt.Sprintf("ALTER DATABASE %s OWNER TO CURRENT_USER; DROP OWNED BY %[1]s_role; DROP ROLE %[1]s_role", name))
	})
	rulesOfAccess.Lock()
	defer rulesOfAccess.Unlock()
	rules := filepath.Join(pgtest.Cluster().Dir(), "pg_hba.conf")
	old, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rules, append(fmt.Appendf(nil, "local %s %[1]s_role scram-sha-256\n", name), old...), 0o600); err != nil {
		t.Fatal(err)
	}
	execute(t, database, "SELECT pg_reload_conf()")
	u.User = url.UserPassword(name+"_role", password)
	return u.String()
}

// A given database that cannot be used ends the program at once. The password is not told.
func TestGivenDatabaseThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	const right, wrong = "right-5d41402a", "wrong-7d793037"
	locked := guarded(t, right)
	s := start(t, "DATABASE_URL="+locked)
	s.get("/sites", http.StatusOK)
	s.stop(syscall.SIGTERM)
	if strings.Contains(s.stdout.String()+s.stderr.String(), right) {
		t.Error("the password is told")
	}
	for name, c := range map[string]struct {
		env   string
		words []string
	}{
		"wrong password": {"DATABASE_URL=" + strings.Replace(locked, right, wrong, 1), []string{"password authentication failed"}},
		"nobody listens": {"DATABASE_URL=postgres://somebody:" + wrong + "@" + nobody + "/lab", []string{nobody, "refused"}},
		"key and value":  {"DATABASE_URL=host=127.0.0.1 port=1 user=somebody password=" + wrong, []string{"127.0.0.1:1", "refused"}},
		"no such port":   {"DATABASE_URL=postgres://somebody:" + wrong + "@127.0.0.1:port/lab", []string{"URL", "port"}},
		"no URL":         {"DATABASE_URL=" + wrong, []string{"URL", "postgres://"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, args := range [][]string{nil, {"migrate", "up"}, {"export", "sites"}} {
				r := run(t, []string{c.env}, "", args...)
				if r.code == 0 || r.took > 10*time.Second {
					t.Errorf("%q: exit code %d after %s", args, r.code, r.took)
				}
				says(t, r.stderr, c.words...)
				if strings.Contains(r.stdout+r.stderr, wrong) {
					t.Errorf("%q: the password is told: %s%s", args, r.stdout, r.stderr)
				}
			}
		})
	}
}

// What the program will not do, it says before it touches anything.
func TestConfigurationRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env   []string
		words []string
	}{
		{[]string{"HOST=0.0.0.0"}, []string{"0.0.0.0", "AUTH=insecure-open", "HOST=127.0.0.1"}},
		{[]string{"HOST=0.0.0.0", "AUTH=open"}, []string{"0.0.0.0", "AUTH=insecure-open"}},
		{[]string{"HOST=::"}, []string{"AUTH=insecure-open"}},
		{[]string{"HOST="}, []string{"AUTH=insecure-open"}},
		{[]string{"HOST=lab.example"}, []string{"lab.example", "AUTH=insecure-open"}},
		{[]string{"AUTH=required"}, []string{"AUTH=required", "accounts"}},
		{[]string{"AUTH=required", "HOST=0.0.0.0"}, []string{"AUTH=required", "accounts"}},
		{[]string{"AUTH=nonsense"}, []string{"auth", "nonsense", "insecure-open"}},
		{[]string{"AUTH=Open"}, []string{"auth", "Open"}},
		// Not refused for its openness, but the address is not ours.
		{[]string{"HOST=203.0.113.9", "AUTH=insecure-open"}, []string{"cannot listen", "203.0.113.9"}},
		{[]string{"LOG_LEVEL=loud"}, []string{"log-level", "loud", "debug"}},
		{[]string{"LOG_FORMAT=xml"}, []string{"log-format", "xml", "json"}},
		{[]string{"PORT=65536"}, []string{"65536", "port"}},
		{[]string{"PORT=http?"}, []string{"http?", "port"}},
	} {
		t.Run(strings.Join(c.env, " "), func(t *testing.T) {
			t.Parallel()
			state := stateDir(t, "state")
			says(t, fail(t, append([]string{"STATE_DIR=" + state}, c.env...), ""), c.words...)
			untouched(t, state)
		})
	}
}

func TestConfigurationAccepted(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	for _, env := range [][]string{
		{"AUTH="}, {"AUTH=open"}, {"AUTH=insecure-open"}, {"HOST=localhost"}, {"HOST=localhost", "AUTH=open"}, {"LOG_FORMAT="},
	} {
		t.Run(strings.Join(env, " "), func(t *testing.T) {
			t.Parallel()
			s := start(t, append([]string{"DATABASE_URL=" + database}, env...)...)
			says(t, s.url, "http://127.0.0.1:")
		})
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	ask := func(s *server) {
		s.get("/sites", http.StatusOK)
		for id, path := range map[string]string{"id-of-a-missing-site": "/site/77", "id-of-no-route": "/nothing/here"} {
			status, _, err := exchange(http.MethodGet, s.url+path, http.Header{"X-Request-Id": {id}}, "")
			if err != nil || status != http.StatusNotFound {
				t.Error(path, status, err)
			}
		}
		s.stop(syscall.SIGTERM)
	}

	s := start(t, "DATABASE_URL="+database, "LOG_FORMAT=json")
	ask(s)
	type line struct {
		Time      time.Time
		Level     string
		Msg       string
		RequestID *string `json:"request_id"`
		Route     *string
		Status    int
	}
	requests := map[string]line{}
	for text := range strings.Lines(s.stdout.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil || l.Time.IsZero() || l.Level == "" || l.Msg == "" {
			t.Errorf("no line of a JSON log: %v: %s", err, text)
		}
		if l.Msg != "request" {
			continue
		}
		if l.RequestID == nil || *l.RequestID == "" || l.Route == nil {
			t.Errorf("a request without id or route: %s", text)
			continue
		}
		requests[*l.RequestID] = l
	}
	if len(requests) != 4 { // these three and the one of start
		t.Errorf("%d requests in the log, want 4:\n%s", len(requests), &s.stdout)
	}
	for id, route := range map[string]string{"id-of-a-missing-site": "/site/{id}", "id-of-no-route": ""} {
		if l, ok := requests[id]; !ok || *l.Route != route || l.Status != http.StatusNotFound {
			t.Errorf("%s: got %+v; want route %q, status 404", id, l, route)
		}
	}

	s = start(t, "DATABASE_URL="+database, "LOG_FORMAT=text")
	ask(s)
	says(t, s.stdout.String(), "request_id=id-of-a-missing-site", "route=/site/{id}", "status=404", "level=INFO")
	if strings.Contains(s.stdout.String(), "{\"") {
		t.Errorf("JSON in a text log:\n%s", &s.stdout)
	}

	s = start(t, "STATE_DIR="+stateDir(t), "LOG_LEVEL=warn") // only a private cluster's address is told without the log
	ask(s)
	want(t, "log of a quiet day", s.stdout.String(), "")
}

// TestReplica tells primary and replica apart by what is in them.
func TestReplica(t *testing.T) {
	t.Parallel()
	primary, replica := pgtest.Database(t), pgtest.Database(t)
	for name, database := range map[string]string{"of the primary": primary, "of the replica": replica} {
		succeed(t, []string{"DATABASE_URL=" + database}, "", "migrate", "up")
		execute(t, database, "INSERT INTO site (id, name) VALUES (1, '"+name+"')")
	}
	s := start(t, "DATABASE_URL="+primary, "READ_DATABASE_URL="+replica)
	for path, name := range map[string]string{
		"/sites": "replica", "/sites/": "replica", "/sites/0/10": "replica", "/api/v1/sites?name=of%20the%20replica": "replica", "/api/v1/changes": "replica",
		"/site/1": "primary", "/api/v1/sites/1": "primary",
	} {
		says(t, s.get(path, http.StatusOK), "of the "+name)
	}
	s.send(http.MethodPost, "/site/2", site("written"), http.StatusOK)
	says(t, s.get("/site/2", http.StatusOK), "written")
	if strings.Contains(s.get("/sites", http.StatusOK), "written") {
		t.Error("a write went to the replica, or a list came from the primary")
	}
}

func TestDeadReplica(t *testing.T) {
	t.Parallel()
	primary := pgtest.Database(t)
	s := start(t, "DATABASE_URL="+primary, "READ_DATABASE_URL=postgres://somebody@"+nobody+"/lab")
	s.send(http.MethodPost, "/site/1", site("alive"), http.StatusOK)
	says(t, s.get("/sites", http.StatusOK), "alive")

	// One that dies while it is used.
	own := pgtest.Own(t)
	succeed(t, []string{"DATABASE_URL=" + own.URL()}, "", "migrate", "up")
	s = start(t, "DATABASE_URL="+primary, "READ_DATABASE_URL="+own.URL())
	want(t, "/sites of the empty replica", s.get("/sites", http.StatusOK), "[]\n")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := own.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		says(t, s.get("/sites", http.StatusOK), "alive")
	}
}
