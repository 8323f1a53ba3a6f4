//go:build unix

package programtest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"labledger/internal/pgtest"
	"labledger/internal/postgres/embedded"
)

const (
	// Site1 is the JSON of the first site of the mock data.
	Site1 = `{"id":1,"name":"Site 1","contact":"John Smith","address":"123 Muffin Lane, Ann Arbor",` +
		`"state_or_region":"MI","country":"USA","postcode_or_zip":"48103","version":1}` + "\n"
	// SiteHeader is the header line of a CSV file of sites.
	SiteHeader = "id,name,contact,address,state_or_region,country,postcode_or_zip\n"
	// SampleSecret is a valid JWT_SECRET.
	SampleSecret = "m2Vf8rQx1TzL6pYk0HsWb4NcJ7dGuE9aXiRo5vKtZ3M"
	// SamplePassword is a valid password of an account.
	SamplePassword = "amazing grace 1906"
	// ClosedAddress is an address without a listener: the system never assigns so low a port.
	ClosedAddress = "127.0.0.1:1"
)

// SiteJSON returns the body of an upsert of a site.
func SiteJSON(name string) string {
	return fmt.Sprintf(`{"name": %q, "contact": null, "address": null, "state_or_region": null, "country": null, `+
		`"postcode_or_zip": null}`, name)
}

// StateDir returns the path of a state directory for the embedded Postgres, in subdirectories of a new directory. When
// the test ends, its data is deleted, wherever it is, and a Postgres that a killed server left behind is stopped.
func StateDir(t testing.TB, subdirs ...string) string {
	t.Helper()
	dir := filepath.Join(append([]string{pgtest.StateDir(t)}, subdirs...)...)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), pgtest.WaitTimeout)
		defer cancel()
		if err := embedded.Remove(ctx, dir, slog.New(slog.DiscardHandler)); err != nil {
			t.Error("remove the state directory:", err)
		}
	})
	return dir
}

// WriteFile writes a file into a new directory and returns its path.
func WriteFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Migrated returns the environment of commands on a new, migrated database, with the mock data if seeded. The first
// element is DATABASE_URL: see DatabaseURL.
func Migrated(t testing.TB, seeded bool) []string {
	t.Helper()
	env := []string{"DATABASE_URL=" + pgtest.Database(t)}
	MustRun(t, env, "", "migrate", "up")
	if seeded {
		MustRun(t, env, "", "seed")
	}
	return env
}

// DatabaseURL returns the URL of the database of an environment that Migrated returned.
func DatabaseURL(env []string) string { return strings.TrimPrefix(env[0], "DATABASE_URL=") }

// hbaMu guards pg_hba.conf.
var hbaMu sync.Mutex

// PasswordDatabase returns the URL of a new database whose owner must authenticate with a password.
func PasswordDatabase(t testing.TB, password string) string {
	t.Helper()
	database := pgtest.Database(t)
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	pgtest.ExecScript(t, database, fmt.Sprintf(`SET password_encryption = 'scram-sha-256';
		CREATE ROLE %s_role LOGIN PASSWORD '%s';
		ALTER DATABASE %[1]s OWNER TO %[1]s_role`, name, password))
	t.Cleanup(func() {
		pgtest.ExecScript(t, database, fmt.Sprintf(`ALTER DATABASE %s OWNER TO CURRENT_USER;
			DROP OWNED BY %[1]s_role;
			DROP ROLE %[1]s_role`, name))
	})
	hbaMu.Lock()
	defer hbaMu.Unlock()
	path := filepath.Join(pgtest.Cluster().Dir(), "pg_hba.conf")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rule := fmt.Appendf(nil, "local %s %[1]s_role scram-sha-256\n", name)
	if err := os.WriteFile(path, append(rule, old...), 0o600); err != nil {
		t.Fatal(err)
	}
	pgtest.ExecScript(t, database, "SELECT pg_reload_conf()")
	u.User = url.UserPassword(name+"_role", password)
	return u.String()
}

// Change is a row of the history.
type Change struct {
	Actor     string
	Action    string
	RequestID *string `json:"request_id"`
}

// History requests the history of a row, such as /site/1/history.
func (s *Server) History(path string) (changes []Change) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.Get(path, http.StatusOK)), &changes); err != nil {
		s.t.Fatal(err)
	}
	return changes
}

// Login signs in, checks the status, and returns the headers of requests as that user.
func (s *Server) Login(username, password string, wantStatus int) http.Header {
	s.t.Helper()
	body, err := json.Marshal(map[string]string{"username": username, "password": password})
	if err != nil {
		s.t.Fatal(err)
	}
	var tokens struct {
		Access string `json:"access_token"`
	}
	response := s.Send(http.MethodPost, "/auth/login", string(body), wantStatus)
	if err := json.Unmarshal([]byte(response), &tokens); err != nil {
		s.t.Fatal(err)
	}
	return http.Header{"Authorization": {"Bearer " + tokens.Access}}
}

// RecordedEvent is the response to an event.
type RecordedEvent struct {
	EventID    string  `json:"event_id"`
	AlertID    *string `json:"alert_id"`
	Alert      bool    `json:"alert"`
	AlertCodes []int32 `json:"alert_codes"`
	UserID     int64   `json:"user_id"`
}

// PostEvent sends an event once, with an idempotency key unless key is empty.
func PostEvent(serverURL, key, body string) (event RecordedEvent, err error) {
	header := http.Header{}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	status, response, err := Request(http.MethodPost, serverURL+"/api/v1/events", header, body)
	if err != nil {
		return event, err
	}
	if status != http.StatusCreated {
		return event, fmt.Errorf("status %d: %s", status, response)
	}
	return event, json.Unmarshal([]byte(response), &event)
}
