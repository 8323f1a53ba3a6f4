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

// An app is what app.json may hold, as far as ours does.
type app struct {
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

func readApp(t *testing.T) (a app) {
	t.Helper()
	if err := strictly(top(t, "app.json"), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// processes are the commands of the Procfile.
func processes(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for line := range strings.Lines(top(t, "Procfile")) {
		name, command, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || all[name] != "" {
			t.Fatalf("Procfile: %q", line)
		}
		all[name] = command
	}
	return all
}

func TestApp(t *testing.T) {
	a := readApp(t)
	for name, env := range a.Env {
		if env.Description == "" || (env.Value == "") == (env.Generator == "") {
			t.Errorf("%s: %+v", name, env)
		}
	}
	for name, env := range a.Env {
		if env.Value != "" {
			told(t, " "+name+"="+env.Value)
		}
	}
	told(t, "heroku addons:create "+a.Addons[0].Plan+" ", " JWT_SECRET=", "heroku buildpacks:set "+a.Buildpacks[0].URL+"\n")
	if a.Env["JWT_SECRET"].Generator != "secret" || a.Env["AUTH"].Value != "required" || a.Env["HOST"].Value != "0.0.0.0" {
		t.Errorf("%+v", a.Env)
	}
	for _, given := range []string{"PORT", "DATABASE_URL"} {
		if _, ok := a.Env[given]; ok {
			t.Errorf("%s is for Heroku to say", given)
		}
	}
	if len(a.Addons) != 1 || !strings.HasPrefix(a.Addons[0].Plan, "heroku-postgresql:") || len(a.Buildpacks) != 1 || a.Buildpacks[0].URL != "heroku/go" {
		t.Errorf("%+v %+v", a.Addons, a.Buildpacks)
	}
	commands := processes(t)
	for name := range a.Formation {
		if commands[name] == "" {
			t.Errorf("the Procfile has no %s", name)
		}
	}
	if !regexp.MustCompile(`^[a-zA-Z-_.]+$`).MatchString(a.Name) || a.Description == "" {
		t.Errorf("%q, %q", a.Name, a.Description)
	}
	// The newest patch of the Go that go.mod asks for.
	version := found(t, "go.mod", `(?m)^go (\d+\.\d+)\.\d+$`)
	if heroku := found(t, "go.mod", `(?m)^// \+heroku goVersion go(\S+)$`); heroku != version {
		t.Errorf("Heroku builds with Go %s, go.mod asks for %s", heroku, version)
	}
	if err := strictly(`{"name": "x", "enviroment": {}}`, new(app)); err == nil {
		t.Error("a name that Heroku does not know is accepted")
	}
}

// heroku runs the release phase and the web process as Heroku does: in a shell, the program on the PATH, settings from app.json, and a
// database that speaks TLS alone, whose owner may make no roles.
func heroku(t *testing.T, labledger program) {
	cluster := pgtest.NewCluster(t)
	execute(t, cluster.URL(), "CREATE ROLE heroku LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
	execute(t, cluster.URL(), "CREATE DATABASE heroku OWNER heroku")
	front := newFront(t, cluster.URL())

	env := map[string]string{}
	for name, setting := range readApp(t).Env {
		env[name] = setting.Value
		if setting.Generator == "secret" {
			secret := make([]byte, 32)
			_, _ = rand.Read(secret) // never fails
			env[name] = hex.EncodeToString(secret)
		}
	}
	env = here(t, env)
	env["HOME"], env["PATH"] = t.TempDir(), os.Getenv("PATH")+":"+filepath.Dir(labledger.path)
	env["DATABASE_URL"] = (&url.URL{Scheme: "postgres", User: url.UserPassword("heroku", "p1d2f3"), Host: front.address, Path: "/heroku"}).String()

	commands := processes(t)
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
		says(t, out, want)
	}
	s := labledger.start(t, env, func(string) *exec.Cmd { return exec.Command("bash", "-c", commands["web"]) })
	s.get("/sites", "", 401)
	s.admin(labledger)
	s.stop(30 * time.Second) // after which Heroku kills
	if n := front.plain.Load(); n > 0 {
		t.Errorf("%d connections were tried without TLS", n)
	}
	says(t, s.out.String(), "rewrite the history") // it is told that its role is the owner; there is no other

	// The database would not have taken less.
	env = maps.Clone(env)
	env["PGSSLMODE"] = "disable"
	out, code := release(env)
	if code == 0 || front.plain.Load() == 0 {
		t.Error("this database takes connections without TLS, so the test shows nothing")
	}
	says(t, out, "no encryption")
}
