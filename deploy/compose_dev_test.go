//go:build compose

package deploy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestComposeDev uses the development stack as a developer does.
func TestComposeDev(t *testing.T) {
	s := devStack{newComposeStack(t, "dev", "docker-compose.yml")}
	s.compose(t, "up", "-d", "--build")
	took := waitUntil(t, "the API responds", buildTimeout, s.serves)
	t.Logf("the API responded after %v", took.Round(time.Second))
	t.Run("mock data", s.testMockData)
	t.Run("ports on loopback only", s.testPorts)
	t.Run("psql", s.testPsql)
	t.Run("reload on save", s.testReload)
	t.Run("data survives down and up", s.testDataSurvives)
}

// devStack is the development stack.
type devStack struct{ *composeStack }

func (s devStack) serves() bool {
	resp, err := s.trySend("GET", "/site/1", "")
	return err == nil && resp.status == 200
}

func (s devStack) testMockData(t *testing.T) {
	var site struct{ Name, Contact string }
	s.expect(t, 200, "GET", "/site/1", "").decode(t, &site)
	if site.Name != "Site 1" || site.Contact != "John Smith" {
		t.Errorf("site 1: %+v", site)
	}
	var user struct{ Username, Country string }
	if s.expect(t, 200, "GET", "/api/users/Bob", "").decode(t, &user); user.Country != "UK" {
		t.Errorf("user Bob: %+v", user)
	}
}

func (s devStack) testPorts(t *testing.T) {
	for _, service := range []string{"api", "db"} {
		c := s.inspect(t, service)
		if c.isPublished() != (service == "api") {
			t.Errorf("%s: published ports %v; only those of the API may be published",
				service, c.HostConfig.PortBindings)
		}
		c.assertOnLoopback(t)
	}
}

func (s devStack) testPsql(t *testing.T) {
	psql := func(args ...string) string {
		return s.compose(t, append([]string{"exec", "-T", "db", "psql", "-U", "mock_dev_user"}, args...)...)
	}
	psql("-v", "ON_ERROR_STOP=1", "-f", "/var/postgres_scripts/mock_data.sql", "postgres_dev")
	if sites := strings.TrimSpace(psql("-At", "-c", "SELECT count(*) FROM site", "postgres_dev")); sites != "3" {
		t.Errorf("%s sites after loading the mock data again, want 3", sites)
	}
	// The commands of the replaced inventory system: the API continues on the new tables.
	psql("-f", "/var/postgres_scripts/create_tables.sql", "postgres_dev")
	psql("-v", "ON_ERROR_STOP=1", "-f", "/var/postgres_scripts/mock_data.sql", "postgres_dev")
	s.testMockData(t)
	s.expect(t, 200, "PATCH", "/site/2", `{"contact": "Grace Hopper"}`)
	args := []string{"exec", "-T", "db", "psql", "-U", "mock_dev_user", "-f", "/var/postgres_scripts/create_tables.sql"}
	if _, err := s.tryCompose(composeTimeout, append(args, "postgres_dev")...); err == nil ||
		!strings.Contains(err.Error(), "people made 1 changes") {
		t.Errorf("create_tables.sql after a change: got %v, want a refusal", err)
	}
	contact := strings.TrimSpace(psql("-At", "-c", "SELECT contact FROM site WHERE id = 2", "postgres_dev"))
	if contact != "Grace Hopper" {
		t.Errorf("contact of site 2 after the refusal: %q", contact)
	}
	s.compose(t, append(args, "-v", "force=1", "postgres_dev")...)
	psql("-v", "ON_ERROR_STOP=1", "-f", "/var/postgres_scripts/mock_data.sql", "postgres_dev")
	s.testMockData(t)
	s.compose(t, "exec", "-T", "db", "createdb", "-U", "mock_dev_user", "scratch")
	psql("-f", "/var/postgres_scripts/schema.sql", "scratch")
	if sites := strings.TrimSpace(psql("-At", "-c", "SELECT count(*) FROM site", "scratch")); sites != "0" {
		t.Errorf("%s sites in the scratch database, want 0", sites)
	}
}

func (s devStack) testReload(t *testing.T) {
	path := filepath.Join(s.dir, "api", "health.go")
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), `Hello{"world"`) {
		t.Fatalf("health.go does not contain Hello{\"world\": %v", err)
	}
	changed := strings.Replace(string(text), `Hello{"world"`, `Hello{"laboratory"`, 1)
	if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	took := waitUntil(t, "the API returns the changed text", 3*time.Minute, func() bool {
		resp, err := s.trySend("GET", "/", "", "Accept", "application/json")
		return err == nil && strings.Contains(string(resp.body), `"laboratory"`)
	})
	t.Logf("reloaded %v after the file was saved", took.Round(100*time.Millisecond))
}

func (s devStack) testDataSurvives(t *testing.T) {
	s.expect(t, 200, "PATCH", "/site/2", `{"contact": "Ada Lovelace"}`)
	s.compose(t, "down")
	s.compose(t, "up", "-d")
	waitUntil(t, "the API responds after down and up", buildTimeout, s.serves)
	var site struct{ Contact string }
	if s.expect(t, 200, "GET", "/site/2", "").decode(t, &site); site.Contact != "Ada Lovelace" {
		t.Errorf("the change of site 2 is lost: %+v", site)
	}
}
