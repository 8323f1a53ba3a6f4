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
	return []container{kubernetesContainer(t, "deployment.yaml"), kubernetesContainer(t, "migrate.yaml"), ecsContainer(t, "task-definition.json"), ecsContainer(t, "migrate-task-definition.json")}
}

// TestContainers_matchImageAndProgram holds what is said of containers against the image and the program.
func TestContainers_matchImageAndProgram(t *testing.T) {
	user := findInFile(t, "Dockerfile", `(?m)^USER (\S+)$`)
	port, err := strconv.Atoi(findInFile(t, "Dockerfile", `(?m)^EXPOSE (\d+)$`))
	if err != nil {
		t.Fatal(err)
	}
	media := findInFile(t, "Dockerfile", `(?m)^ENV .*\bMEDIA_DIR=(\S+)`)
	shutdown := linger(t) + drain(t)
	for _, c := range containers(t) {
		label := fmt.Sprintf("%s, %v: ", c.platform, c.args)
		if c.user != user || !c.readOnly {
			t.Errorf(label+"user %s, read-only %t; the image is made for %s", c.user, c.readOnly, user)
		}
		for _, name := range []string{"DATABASE_URL", "OWNER_DATABASE_URL", "READ_DATABASE_URL", "JWT_SECRET"} {
			if _, open := c.plain[name]; open {
				t.Errorf(label+"%s stands there for everybody to read", name)
			}
		}
		secretNames := slices.Sorted(maps.Keys(c.secret))
		if !c.isServer() {
			if !slices.Equal(secretNames, []string{"DATABASE_URL", "OWNER_DATABASE_URL"}) || len(c.plain) > 0 {
				t.Errorf(label+"settings %v, secret ones %v", c.plain, secretNames)
			}
			continue
		}
		if !slices.Equal(secretNames, []string{"DATABASE_URL", "JWT_SECRET"}) {
			t.Errorf(label+"secret settings %v; a server never needs the owner", secretNames)
		}
		if c.plain["HOST"] != "0.0.0.0" || c.plain["AUTH"] != "required" {
			t.Errorf(label+"it listens on %q with AUTH=%q", c.plain["HOST"], c.plain["AUTH"])
		}
		if !slices.Equal(c.ports, []int{port}) || c.plain["PORT"] != strconv.Itoa(port) {
			t.Errorf(label+"ports %v, PORT=%s; the image says %d", c.ports, c.plain["PORT"], port)
		}
		if !slices.Contains(c.mounts, media) || c.plain["MEDIA_DIR"] != media || !slices.Contains(c.mounts, "/tmp") {
			t.Errorf(label+"mounts %v, MEDIA_DIR=%s; the image says %s", c.mounts, c.plain["MEDIA_DIR"], media)
		}
		delay, err := time.ParseDuration(c.plain["DRAIN_DELAY"])
		if err != nil || delay <= 0 || delay+shutdown >= c.grace {
			t.Errorf(label+"DRAIN_DELAY=%s and %s to end in, but it is killed after %s (%v)", delay, shutdown, c.grace, err)
		}
	}

	// The servers differ only in which addresses are trusted.
	kubernetesEnv, ecsEnv := kubernetesContainer(t, "deployment.yaml").plain, ecsContainer(t, "task-definition.json").plain
	delete(kubernetesEnv, "TRUSTED_PROXIES")
	delete(ecsEnv, "TRUSTED_PROXIES")
	if !maps.Equal(kubernetesEnv, ecsEnv) {
		t.Errorf("settings in Kubernetes: %v; in ECS: %v", kubernetesEnv, ecsEnv)
	}
}

// linger and drain are how long the program takes to end after DRAIN_DELAY.
func linger(t *testing.T) time.Duration { return constantSeconds(t, "drain.go", "lingerTime") }
func drain(t *testing.T) time.Duration  { return constantSeconds(t, "serve.go", "drainTime") }

func constantSeconds(t *testing.T, file, name string) time.Duration {
	t.Helper()
	n, err := strconv.Atoi(findInFile(t, file, name+`\s*= (\d+) \* time\.Second`))
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(n) * time.Second
}

// TestProbes_useRoutesOfTheProgram holds what the platforms ask against what the program answers.
func TestProbes_useRoutesOfTheProgram(t *testing.T) {
	var document struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal([]byte(readRepoFile(t, "api/openapi.json")), &document); err != nil {
		t.Fatal(err)
	}
	of := readObject(t, "deployment.yaml").getList("spec.template.spec.containers")[0]
	paths := map[string]string{}
	for _, name := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		paths[name] = of.getString(name + ".httpGet.path")
		if document.Paths[paths[name]]["get"] == nil {
			t.Errorf("%s asks for %q, which is no route", name, paths[name])
		}
		if port := of.getString(name + ".httpGet.port"); port != of.getString("ports.0.name") {
			t.Errorf("%s asks port %q", name, port)
		}
	}
	// A database that is away makes servers unready. Killing them for it would help nobody.
	if paths["readinessProbe"] != "/readyz" || paths["livenessProbe"] == "/readyz" || paths["startupProbe"] == "/readyz" {
		t.Errorf("probes: %v", paths)
	}
	entrypoint := findInFile(t, "Dockerfile", `(?m)^ENTRYPOINT \["(\S+)"\]$`)
	check := readTaskDefinition(t, "task-definition.json").ContainerDefinitions[0].HealthCheck
	if check == nil || !slices.Equal(check.Command, []string{"CMD", entrypoint, "health"}) {
		t.Errorf("ECS checks by %+v", check)
	}
	assertDocumented(t, "-- "+entrypoint+" user create")
}

// TestSampleSecrets_containPlaceholder holds that each secret of the sample is one that the program refuses; TestRuns shows that it does.
func TestSampleSecrets_containPlaceholder(t *testing.T) {
	secrets := sampleSecrets(t)
	for key, value := range secrets {
		if strings.Count(value, "change-me") != 1 {
			t.Errorf("%s: %s", key, value)
		}
	}
	if len(secrets) != 3 {
		t.Errorf("%d secrets, want 3: %v", len(secrets), secrets)
	}
}

// externalSettings are settings that are not the program's own: who reads them.
var externalSettings = map[string]string{
	"GOMEMLIMIT": "the runtime of Go",
	"PGSSLMODE":  "pgx, as all clients of PostgreSQL",
}

var settingRE = regexp.MustCompile(`\$([A-Z][A-Z_]*)`)

// unknownSettings are the settings that nobody reads, given what `labledger help` says.
func unknownSettings(help string, names []string) (unread []string) {
	documented := map[string]bool{}
	for _, match := range settingRE.FindAllStringSubmatch(help, -1) {
		documented[match[1]] = true
	}
	for _, name := range names {
		if !documented[name] && externalSettings[name] == "" && !strings.HasPrefix(name, "OTEL_") {
			unread = append(unread, name)
		}
	}
	return unread
}

// checkSettings holds that the program reads every setting that it is given anywhere.
func checkSettings(t *testing.T, labledger program) {
	help, exitCode := labledger.run(t, nil, "", "help")
	if exitCode != 0 {
		t.Fatal(help)
	}
	names := slices.Collect(maps.Keys(readAppManifest(t).Env))
	for _, c := range containers(t) {
		names = slices.AppendSeq(names, maps.Keys(c.plain))
		names = slices.AppendSeq(names, maps.Keys(c.secret))
	}
	if len(names) < 25 {
		t.Errorf("only %d settings: %v", len(names), names)
	}
	if unread := unknownSettings(help, names); len(unread) > 0 {
		t.Errorf("the program reads no %v", unread)
	}
	if unread := unknownSettings(help, []string{"PORT", "DRAIN_DELAYS", "Port", "JWT_SECRET"}); !slices.Equal(unread, []string{"DRAIN_DELAYS", "Port"}) {
		t.Errorf("this test would not notice: %v", unread)
	}
}
