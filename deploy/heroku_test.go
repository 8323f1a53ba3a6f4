package deploy

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"labledger/internal/pgtest"
)

// An appManifest is what app.json may hold, as far as ours does.
type appManifest struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Keywords    []string `json:"keywords"`
	Env         map[string]struct {
		Description string `json:"description"`
		Value       string `json:"value"`
		Generator   string `json:"generator"`
	} `json:"env"`
	Formation map[string]struct {
		Quantity int    `json:"quantity"`
		Size     string `json:"size"`
	} `json:"formation"`
	Addons []struct {
		Plan string `json:"plan"`
	} `json:"addons"`
	Buildpacks []struct {
		URL string `json:"url"`
	} `json:"buildpacks"`
}

func readAppManifest(t *testing.T) (manifest appManifest) {
	t.Helper()
	if err := unmarshalStrict(readRepoFile(t, "app.json"), &manifest); err != nil {
		t.Fatal(err)
	}
	return manifest
}

// readProcfile are the commands of the Procfile.
func readProcfile(t *testing.T) map[string]string {
	t.Helper()
	commands := map[string]string{}
	for line := range strings.Lines(readRepoFile(t, "Procfile")) {
		name, command, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || commands[name] != "" {
			t.Fatalf("Procfile: %q", line)
		}
		commands[name] = command
	}
	return commands
}

func TestAppManifest(t *testing.T) {
	manifest := readAppManifest(t)
	for name, env := range manifest.Env {
		if env.Description == "" || (env.Value == "") == (env.Generator == "") {
			t.Errorf("%s: %+v", name, env)
		}
	}
	for name, env := range manifest.Env {
		if env.Value != "" {
			assertDocumented(t, " "+name+"="+env.Value)
		}
	}
	assertDocumented(t, "heroku addons:create "+manifest.Addons[0].Plan+" ", " JWT_SECRET=", "heroku buildpacks:set "+manifest.Buildpacks[0].URL+"\n")
	if manifest.Env["JWT_SECRET"].Generator != "secret" || manifest.Env["AUTH"].Value != "required" || manifest.Env["HOST"].Value != "0.0.0.0" {
		t.Errorf("%+v", manifest.Env)
	}
	for _, name := range []string{"PORT", "DATABASE_URL"} {
		if _, ok := manifest.Env[name]; ok {
			t.Errorf("%s is for Heroku to say", name)
		}
	}
	if len(manifest.Addons) != 1 || !strings.HasPrefix(manifest.Addons[0].Plan, "heroku-postgresql:") || len(manifest.Buildpacks) != 1 || manifest.Buildpacks[0].URL != "heroku/go" {
		t.Errorf("%+v %+v", manifest.Addons, manifest.Buildpacks)
	}
	commands := readProcfile(t)
	for name := range manifest.Formation {
		if commands[name] == "" {
			t.Errorf("the Procfile has no %s", name)
		}
	}
	if !regexp.MustCompile(`^[a-zA-Z-_.]+$`).MatchString(manifest.Name) || manifest.Description == "" {
		t.Errorf("%q, %q", manifest.Name, manifest.Description)
	}
	// The newest patch of the Go that go.mod asks for.
	version := findInFile(t, "go.mod", `(?m)^go (\d+\.\d+)\.\d+$`)
	if heroku := findInFile(t, "go.mod", `(?m)^// \+heroku goVersion go(\S+)$`); heroku != version {
		t.Errorf("Heroku builds with Go %s, go.mod asks for %s", heroku, version)
	}
	if err := unmarshalStrict(`{"name": "x", "enviroment": {}}`, new(appManifest)); err == nil {
		t.Error("a name that Heroku does not know is accepted")
	}
}

// runAsHeroku runs the release phase and the web process as Heroku does: in a shell, the program on the PATH, settings from app.json, and a
// database that speaks TLS alone, whose owner may make no roles.
func runAsHeroku(t *testing.T, labledger program) {
	cluster := pgtest.NewCluster(t)
	execute(t, cluster.URL(), "CREATE ROLE heroku LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
	execute(t, cluster.URL(), "CREATE DATABASE heroku OWNER heroku")
	proxy := newTLSProxy(t, cluster.URL())

	env := map[string]string{}
	for name, setting := range readAppManifest(t).Env {
		env[name] = setting.Value
		if setting.Generator == "secret" {
			secret := make([]byte, 32)
			_, _ = rand.Read(secret) // never fails
			env[name] = hex.EncodeToString(secret)
		}
	}
	env = here(t, env)
	env["HOME"], env["PATH"] = t.TempDir(), os.Getenv("PATH")+":"+filepath.Dir(labledger.path)
	env["DATABASE_URL"] = (&url.URL{Scheme: "postgres", User: url.UserPassword("heroku", "p1d2f3"), Host: proxy.address, Path: "/heroku"}).String()

	commands := readProcfile(t)
	release := func(env map[string]string) (string, int) {
		return bounded(t, func(ctx context.Context) *exec.Cmd {
			cmd := exec.CommandContext(ctx, "bash", "-c", commands["release"])
			cmd.Dir, cmd.Env = t.TempDir(), list(env)
			return cmd
		})
	}
	for _, want := range []string{"schema: 0 → ", "schema: "} { // twice is fine
		out, code := release(env)
		if code != 0 {
			t.Fatalf("%s: exit code %d: %s", commands["release"], code, out)
		}
		assertContains(t, out, want)
	}
	s := labledger.start(t, env, func(string) *exec.Cmd { return exec.Command("bash", "-c", commands["web"]) })
	s.get("/sites", "", 401)
	s.admin(labledger)
	s.stop(30 * time.Second) // after which Heroku kills
	if n := proxy.plaintext.Load(); n > 0 {
		t.Errorf("%d connections were tried without TLS", n)
	}
	assertContains(t, s.out.String(), "rewrite the history") // it is told that its role is the owner; there is no other

	// The database would not have taken less.
	env = maps.Clone(env)
	env["PGSSLMODE"] = "disable"
	out, code := release(env)
	if code == 0 || proxy.plaintext.Load() == 0 {
		t.Error("this database takes connections without TLS, so the test shows nothing")
	}
	assertContains(t, out, "no encryption")
}
