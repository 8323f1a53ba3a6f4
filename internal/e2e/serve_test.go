package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/programtest"
)

const instruments = `[{"site_id":1,"site_name":"Site 1","computer_id":1,"freezer_id":null,"name":"Computer 1"},` +
	`{"site_id":1,"site_name":"Site 1","computer_id":2,"freezer_id":null,"name":"Computer 2"},` +
	`{"site_id":1,"site_name":"Site 1","computer_id":null,"freezer_id":1,"name":"-20C"},` +
	`{"site_id":1,"site_name":"Site 1","computer_id":null,"freezer_id":2,"name":"-40C"}]` + "\n"

// Without configuration, the program starts an embedded Postgres in ./var with mock data, and prints working samples.
func TestServe_withoutConfiguration(t *testing.T) {
	t.Parallel()
	state := stateDir(t, "var")
	s := startServerIn(t, filepath.Dir(state))
	assertEqual(t, "/site/1", s.Get("/site/1", http.StatusOK), programtest.Site1)
	assertEqual(t, "/instruments", s.Get("/instruments", http.StatusOK), instruments)
	assertEqual(t, "/containers", s.Get("/containers", http.StatusOK), "[]\n")

	data := filepath.Join(state, "postgres", "data")
	s.WaitFor("the samples", func() bool { return strings.Contains(s.Stderr.String(), "Ctrl-C") })
	assertContains(t, s.Stderr.String(), s.URL, data, s.URL+"/docs")
	pid := postmasterPID(t, data)
	if !processAlive(pid) {
		t.Error("no Postgres runs on", data)
	}

	samples := regexp.MustCompile(`(?m)^ *(curl .*)$`).FindAllStringSubmatch(s.Stderr.String(), -1)
	if len(samples) != 3 {
		t.Errorf("%d curl commands, want 3:\n%s", len(samples), &s.Stderr)
	}
	for _, sample := range samples {
		command := strings.Replace(sample[1], "curl", "curl -sS --fail", 1)
		out, err := exec.Command("sh", "-c", command).CombinedOutput()
		if err != nil || !json.Valid(out) {
			t.Errorf("%s: %v, %s", command, err, out)
		}
	}
	assertContains(t, s.Get("/site/2", http.StatusOK), "Iceland")

	s.Stop(syscall.SIGINT)
	if processAlive(pid) {
		t.Error("Postgres still runs after the server has stopped")
	}
	assertNoPostgres(t, state)
}

// A restarted server has all acknowledged writes, however the old one ended, and does not load the mock data again.
func TestRestart_keepsAcknowledgedWrites(t *testing.T) {
	t.Parallel()
	for name, sig := range map[string]syscall.Signal{
		"SIGINT": syscall.SIGINT, "SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := stateDir(t)
			s := startServer(t, "STATE_DIR="+state)
			pid := postmasterPID(t, filepath.Join(state, "postgres", "data"))
			s.Send(http.MethodDelete, "/site/3", "", http.StatusOK)
			s.Send(http.MethodPatch, "/site/1", `{"name": "Renamed"}`, http.StatusOK)

			// The signal arrives during writes.
			acknowledged := writeUntilExit(s)
			s.WaitFor("writes", func() bool { return len(acknowledged()) > 20 })
			s.Signal(sig)
			code := s.Wait()
			names := acknowledged()
			if sig == syscall.SIGKILL {
				if code != -1 {
					t.Errorf("exit code %d, want a death by the signal", code)
				}
				if !processAlive(pid) {
					t.Error("Postgres has ended with its server, so this test proves nothing")
				}
			} else {
				if code != 0 {
					t.Errorf("exit code %d, want 0", code)
				}
				if processAlive(pid) {
					t.Error("Postgres still runs after the server has stopped")
				}
				assertNoPostgres(t, state)
			}

			restarted := startServer(t, "STATE_DIR="+state)
			if processAlive(pid) {
				t.Error("the old Postgres still runs")
			}
			assertContains(t, restarted.Get("/site/1", http.StatusOK), "Renamed")
			restarted.Get("/site/3", http.StatusNotFound)
			if lost := missingSites(t, restarted, names); len(lost) > 0 {
				t.Errorf("%d of %d acknowledged writes are lost: %v", len(lost), len(names), lost)
			}
			// Negative control: missingSites finds a deleted site.
			victim := slices.Sorted(maps.Keys(names))[0]
			restarted.Send(http.MethodDelete, fmt.Sprintf("/site/%d", victim), "", http.StatusOK)
			if lost := missingSites(t, restarted, names); !slices.Equal(lost, []int{victim}) {
				t.Errorf("missing sites %v, want only %d", lost, victim)
			}
			restarted.Stop(syscall.SIGTERM)
			assertNoPostgres(t, state)
		})
	}
}

// writeUntilExit writes sites from several connections until the server exits. The function that it returns reports the
// acknowledged writes so far, and all of them after the server has exited.
func writeUntilExit(s *programtest.Server) (acknowledged func() map[int]string) {
	var (
		mu      sync.Mutex
		names   = map[int]string{}
		writers sync.WaitGroup
	)
	for writer := range 3 {
		writers.Go(func() {
			for id := 1000 * (writer + 1); ; id++ {
				name := fmt.Sprintf("written %d", id)
				status, _, err := request(http.MethodPost, fmt.Sprintf("%s/site/%d", s.URL, id), nil, siteJSON(name))
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
		case <-s.Exited():
			writers.Wait()
		default:
		}
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(names)
	}
}

// missingSites returns the IDs of those sites that the server does not have under the given name.
func missingSites(t *testing.T, s *programtest.Server, names map[int]string) (missing []int) {
	t.Helper()
	ndjson := http.Header{"Accept": {"application/x-ndjson"}}
	status, response, err := request(http.MethodGet, s.URL+"/api/v1/sites", ndjson, "")
	if err != nil || status != http.StatusOK {
		t.Fatal(status, response, err)
	}
	stored := map[int]string{}
	for line := range strings.Lines(response) {
		var row struct {
			ID   int
			Name string
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		stored[row.ID] = row.Name
	}
	for id, name := range names {
		if stored[id] != name {
			missing = append(missing, id)
		}
	}
	slices.Sort(missing)
	return missing
}

// /readyz reports both schema versions when the database was migrated to another version while the server runs.
func TestReadiness_reportsChangedSchemaVersion(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	s := startServer(t, "DATABASE_URL="+database)
	assertContains(t, s.Get("/readyz", http.StatusOK), `"schema":"ok"`)
	version := mustValue(t, database, "SELECT version::text FROM schema_migrations")
	execScript(t, database, "UPDATE schema_migrations SET version = version + 100")
	newer := mustValue(t, database, "SELECT version::text FROM schema_migrations")
	assertContains(t, s.Get("/readyz", http.StatusOK),
		"newer: the database has version "+newer+", this program knows "+version+";")
	execScript(t, database, "UPDATE schema_migrations SET version = 1")
	assertContains(t, s.Get("/readyz", http.StatusServiceUnavailable),
		"too old: the database has version 1, this program requires "+version+"; run labledger migrate up")
}
