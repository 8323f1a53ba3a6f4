package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
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

	"labledger/internal/pgtest"
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
	s.await("the server to say what to try", func() bool { return strings.Contains(s.stderr.String(), "Ctrl-C") }) // after it listens
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
	const drainTime = 10 * time.Second // as in internal/cli
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

// A server whose database was brought to another version behind its back says so, with both numbers.
func TestReadinessAfterAnotherVersionMigrated(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	s := start(t, "DATABASE_URL="+database)
	says(t, s.get("/readyz", http.StatusOK), `"schema":"ok"`)
	execute(t, database, "UPDATE schema_migrations SET version = version + 100")
	says(t, s.get("/readyz", http.StatusOK), "newer: the database is at 10", "this program knows ")
	execute(t, database, "UPDATE schema_migrations SET version = 1")
	says(t, s.get("/readyz", http.StatusServiceUnavailable), "the database is at 1, this program needs ", "labledger migrate up")
}
