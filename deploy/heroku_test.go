package deploy

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"labledger/internal/pgtest"
)

// An appManifest has the members of an app.json that ours uses.
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

// readProcfile returns the commands of the Procfile by process type.
func readProcfile(t *testing.T) map[string]string {
	t.Helper()
	commands := map[string]string{}
	for line := range strings.Lines(readRepoFile(t, "Procfile")) {
		name, command, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || commands[name] != "" {
			t.Fatalf("Procfile: invalid or repeated line %q", line)
		}
		commands[name] = command
	}
	return commands
}

func TestAppManifest(t *testing.T) {
	t.Parallel()
	manifest := readAppManifest(t)
	for name, env := range manifest.Env {
		if env.Description == "" || (env.Value == "") == (env.Generator == "") {
			t.Errorf("%s: want a description and either a value or a generator: %+v", name, env)
		}
		if env.Value != "" {
			assertDocumented(t, " "+name+"="+env.Value)
		}
	}
	assertDocumented(t, "heroku addons:create "+manifest.Addons[0].Plan+" ", " JWT_SECRET=",
		"heroku buildpacks:set "+manifest.Buildpacks[0].URL+"\n")
	if manifest.Env["JWT_SECRET"].Generator != "secret" || manifest.Env["AUTH"].Value != "required" ||
		manifest.Env["HOST"].Value != "0.0.0.0" {
		t.Errorf("want a generated JWT_SECRET, AUTH=required and HOST=0.0.0.0: %+v", manifest.Env)
	}
	const grace = 30 * time.Second // Heroku then kills the dyno
	if _, delayed := manifest.Env["DRAIN_DELAY"]; delayed || shutdownTime(t) >= grace {
		t.Errorf("DRAIN_DELAY and %s for the shutdown do not fit into the grace period of %s", shutdownTime(t), grace)
	}
	for _, name := range []string{"PORT", "DATABASE_URL"} {
		if _, ok := manifest.Env[name]; ok {
			t.Errorf("%s is set, but Heroku sets it", name)
		}
	}
	if len(manifest.Addons) != 1 || !strings.HasPrefix(manifest.Addons[0].Plan, "heroku-postgresql:") ||
		len(manifest.Buildpacks) != 1 || manifest.Buildpacks[0].URL != "heroku/go" {
		t.Errorf("want heroku-postgresql and heroku/go: %+v %+v", manifest.Addons, manifest.Buildpacks)
	}
	commands := readProcfile(t)
	for name := range manifest.Formation {
		if commands[name] == "" {
			t.Errorf("the Procfile has no %s", name)
		}
	}
	if !regexp.MustCompile(`^[a-zA-Z-_.]+$`).MatchString(manifest.Name) || manifest.Description == "" {
		t.Errorf("invalid name %q or no description %q", manifest.Name, manifest.Description)
	}
	// A version without a patch number selects Heroku's newest patch release.
	version := findInFile(t, "go.mod", `(?m)^go (\d+\.\d+)\.\d+$`)
	if heroku := findInFile(t, "go.mod", `(?m)^// \+heroku goVersion go(\S+)$`); heroku != version {
		t.Errorf("Heroku builds with Go %s, but go.mod requires %s", heroku, version)
	}
	if err := unmarshalStrict(`{"name": "x", "enviroment": {}}`, new(appManifest)); err == nil {
		t.Error("an unknown member is accepted")
	}
}

// runAsHeroku runs the release phase and the web process as Heroku does: in a shell, with the program on the PATH and
// the settings of app.json. The database accepts only TLS, and its owner cannot create roles.
func runAsHeroku(t *testing.T, labledger program) {
	cluster := pgtest.NewCluster(t)
	pgtest.ExecScript(t, cluster.URL(), "CREATE ROLE heroku LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
	pgtest.ExecScript(t, cluster.URL(), "CREATE DATABASE heroku OWNER heroku")
	proxy := newTLSProxy(t, cluster.URL())

	env := map[string]string{}
	for name, setting := range readAppManifest(t).Env {
		env[name] = setting.Value
		if setting.Generator == "secret" {
			secret := make([]byte, 32)
			_, _ = rand.Read(secret)
			env[name] = hex.EncodeToString(secret)
		}
	}
	env = localSettings(t, env)
	env["HOME"], env["PATH"] = t.TempDir(), os.Getenv("PATH")+":"+filepath.Dir(labledger.path)
	databaseURL := url.URL{
		Scheme: "postgres", User: url.UserPassword("heroku", "p1d2f3"), Host: proxy.address, Path: "/heroku",
	}
	env["DATABASE_URL"] = databaseURL.String()

	commands := readProcfile(t)
	release := func(env map[string]string) (string, int) {
		return runCommand(t, env, exec.Command("bash", "-c", commands["release"]))
	}
	for _, want := range []string{"schema: 0 → ", "schema: "} { // the second release changes nothing
		out, code := release(env)
		if code != 0 {
			t.Fatalf("%s: exit code %d: %s", commands["release"], code, out)
		}
		assertContains(t, out, want)
	}
	// "heroku run" with a process type of the replaced account service.
	for _, name := range []string{"upgrade", "init"} {
		out, code := runCommand(t, env, exec.Command("bash", "-c", commands[name]))
		if commands[name] == "" || code != 0 || !strings.HasPrefix(out, "schema: ") {
			t.Errorf("heroku run %s: command %q, exit code %d: %s", name, commands[name], code, out)
		}
		assertDocumented(t, "heroku run "+name)
	}
	s := startServer(t, env, func() *exec.Cmd { return exec.Command("bash", "-c", commands["web"]) })
	s.Get("/sites", http.StatusUnauthorized)
	s.createAdmin(t, labledger)
	s.Stop(syscall.SIGTERM)
	if n := proxy.plaintext.Load(); n > 0 {
		t.Errorf("%d connections did not use TLS", n)
	}
	assertContains(t, s.output(), "rewrite the history") // the warning that the server connects as the owner

	// Control: the database rejects connections without TLS.
	env = maps.Clone(env)
	env["PGSSLMODE"] = "disable"
	out, code := release(env)
	if code == 0 || proxy.plaintext.Load() == 0 {
		t.Error("control: the database accepts connections without TLS")
	}
	assertContains(t, out, "no encryption")
}
