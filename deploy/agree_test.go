package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// containers are all that the platforms are told of.
func containers(t *testing.T) []container {
	t.Helper()
	return []container{kubernetes(t, "deployment.yaml"), kubernetes(t, "migrate.yaml"), ecs(t, "task-definition.json"), ecs(t, "migrate-task-definition.json")}
}

// TestContainers holds what is said of containers against the image and the program.
func TestContainers(t *testing.T) {
	user := found(t, "Dockerfile", `(?m)^USER (\S+)$`)
	port, err := strconv.Atoi(found(t, "Dockerfile", `(?m)^EXPOSE (\d+)$`))
	if err != nil {
		t.Fatal(err)
	}
	media := found(t, "Dockerfile", `(?m)^ENV .*\bMEDIA_DIR=(\S+)`)
	ends := linger(t) + drain(t)
	for _, c := range containers(t) {
		what := fmt.Sprintf("%s, %v: ", c.platform, c.args)
		if c.user != user || !c.readOnly {
			t.Errorf(what+"user %s, read-only %t; the image is made for %s", c.user, c.readOnly, user)
		}
		for _, name := range []string{"DATABASE_URL", "OWNER_DATABASE_URL", "READ_DATABASE_URL", "JWT_SECRET"} {
			if _, open := c.plain[name]; open {
				t.Errorf(what+"%s stands there for everybody to read", name)
			}
		}
		secret := slices.Sorted(maps.Keys(c.secret))
		if !c.server() {
			if !slices.Equal(secret, []string{"DATABASE_URL", "OWNER_DATABASE_URL"}) || len(c.plain) > 0 {
				t.Errorf(what+"settings %v, secret ones %v", c.plain, secret)
			}
			continue
		}
		if !slices.Equal(secret, []string{"DATABASE_URL", "JWT_SECRET"}) {
			t.Errorf(what+"secret settings %v; a server never needs the owner", secret)
		}
		if c.plain["HOST"] != "0.0.0.0" || c.plain["AUTH"] != "required" {
			t.Errorf(what+"it listens on %q with AUTH=%q", c.plain["HOST"], c.plain["AUTH"])
		}
		if !slices.Equal(c.ports, []int{port}) || c.plain["PORT"] != strconv.Itoa(port) {
			t.Errorf(what+"ports %v, PORT=%s; the image says %d", c.ports, c.plain["PORT"], port)
		}
		if !slices.Contains(c.mounts, media) || c.plain["MEDIA_DIR"] != media || !slices.Contains(c.mounts, "/tmp") {
			t.Errorf(what+"mounts %v, MEDIA_DIR=%s; the image says %s", c.mounts, c.plain["MEDIA_DIR"], media)
		}
		delay, err := time.ParseDuration(c.plain["DRAIN_DELAY"])
		if err != nil || delay <= 0 || delay+ends >= c.grace {
			t.Errorf(what+"DRAIN_DELAY=%s and %s to end in, but it is killed after %s (%v)", delay, ends, c.grace, err)
		}
	}

	// The servers differ only in which addresses are trusted.
	a, b := kubernetes(t, "deployment.yaml").plain, ecs(t, "task-definition.json").plain
	delete(a, "TRUSTED_PROXIES")
	delete(b, "TRUSTED_PROXIES")
	if !maps.Equal(a, b) {
		t.Errorf("settings in Kubernetes: %v; in ECS: %v", a, b)
	}
}

// linger and drain are how long the program takes to end after DRAIN_DELAY.
func linger(t *testing.T) time.Duration { return seconds(t, "drain.go", "lingerTime") }
func drain(t *testing.T) time.Duration  { return seconds(t, "serve.go", "drainTime") }

func seconds(t *testing.T, file, name string) time.Duration {
	t.Helper()
	n, err := strconv.Atoi(found(t, file, name+`\s*= (\d+) \* time\.Second`))
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(n) * time.Second
}

// TestProbes holds what the platforms ask against what the program answers.
func TestProbes(t *testing.T) {
	var api struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal([]byte(top(t, "api/openapi.json")), &api); err != nil {
		t.Fatal(err)
	}
	of := one(t, "deployment.yaml").list("spec.template.spec.containers")[0]
	paths := map[string]string{}
	for _, name := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		paths[name] = of.text(name + ".httpGet.path")
		if api.Paths[paths[name]]["get"] == nil {
			t.Errorf("%s asks for %q, which is no route", name, paths[name])
		}
		if port := of.text(name + ".httpGet.port"); port != of.text("ports.0.name") {
			t.Errorf("%s asks port %q", name, port)
		}
	}
	// A database that is away makes servers unready. Killing them for it would help nobody.
	if paths["readinessProbe"] != "/readyz" || paths["livenessProbe"] == "/readyz" || paths["startupProbe"] == "/readyz" {
		t.Errorf("probes: %v", paths)
	}
	entrypoint := found(t, "Dockerfile", `(?m)^ENTRYPOINT \["(\S+)"\]$`)
	check := readTask(t, "task-definition.json").ContainerDefinitions[0].HealthCheck
	if check == nil || !slices.Equal(check.Command, []string{"CMD", entrypoint, "health"}) {
		t.Errorf("ECS checks by %+v", check)
	}
	told(t, "-- "+entrypoint+" user create")
}

// TestSampleSecrets holds that each secret of the sample is one that the program refuses; TestRuns shows that it does.
func TestSampleSecrets(t *testing.T) {
	there := secrets(t)
	for key, value := range there {
		if strings.Count(value, "change-me") != 1 {
			t.Errorf("%s: %s", key, value)
		}
	}
	if len(there) != 3 {
		t.Errorf("%d secrets, want 3: %v", len(there), there)
	}
}

// others are settings that are not the program's own: who reads them.
var others = map[string]string{
	"GOMEMLIMIT": "the runtime of Go",
	"PGSSLMODE":  "pgx, as all clients of PostgreSQL",
}

var setting = regexp.MustCompile(`\$([A-Z][A-Z_]*)`)

// unknown are the settings that nobody reads, given what `labledger help` says.
func unknown(help string, names []string) (all []string) {
	read := map[string]bool{}
	for _, match := range setting.FindAllStringSubmatch(help, -1) {
		read[match[1]] = true
	}
	for _, name := range names {
		if !read[name] && others[name] == "" && !strings.HasPrefix(name, "OTEL_") {
			all = append(all, name)
		}
	}
	return all
}

// knows holds that the program reads every setting that it is given anywhere.
func knows(t *testing.T, labledger program) {
	help, code := labledger.run(t, nil, "", "help")
	if code != 0 {
		t.Fatal(help)
	}
	names := slices.Collect(maps.Keys(readApp(t).Env))
	for _, c := range containers(t) {
		names = slices.AppendSeq(names, maps.Keys(c.plain))
		names = slices.AppendSeq(names, maps.Keys(c.secret))
	}
	if len(names) < 25 {
		t.Errorf("only %d settings: %v", len(names), names)
	}
	if wrong := unknown(help, names); len(wrong) > 0 {
		t.Errorf("the program reads no %v", wrong)
	}
	if wrong := unknown(help, []string{"PORT", "DRAIN_DELAYS", "Port", "JWT_SECRET"}); !slices.Equal(wrong, []string{"DRAIN_DELAYS", "Port"}) {
		t.Errorf("this test would not notice: %v", wrong)
	}
}
