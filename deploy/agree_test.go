package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// containers returns the containers of all platforms.
func containers(t *testing.T) []container {
	t.Helper()
	return []container{
		kubernetesContainer(t, "deployment.yaml"),
		kubernetesContainer(t, "migrate.yaml"),
		ecsContainer(t, "task-definition.json"),
		ecsContainer(t, "migrate-task-definition.json"),
	}
}

func TestContainers_matchImageAndProgram(t *testing.T) {
	t.Parallel()
	user := findInFile(t, "Dockerfile", `(?m)^USER (\S+)$`)
	port, err := strconv.Atoi(findInFile(t, "Dockerfile", `(?m)^EXPOSE (\d+)$`))
	if err != nil {
		t.Fatal(err)
	}
	media := findInFile(t, "Dockerfile", `(?m)^ENV .*\bMEDIA_DIR=(\S+)`)
	shutdown := shutdownTime(t)
	for _, c := range containers(t) {
		label := fmt.Sprintf("%s, %v: ", c.platform, c.args)
		if c.user != user || !c.readOnly {
			t.Errorf(label+"user %s, read-only %t; want user %s of the Dockerfile, read-only", c.user, c.readOnly, user)
		}
		for _, name := range []string{"DATABASE_URL", "OWNER_DATABASE_URL", "READ_DATABASE_URL", "JWT_SECRET"} {
			if _, open := c.plain[name]; open {
				t.Errorf(label+"%s is not a secret, but readable in the file", name)
			}
		}
		secretNames := slices.Sorted(maps.Keys(c.secret))
		if !c.isServer() {
			if !slices.Equal(secretNames, []string{"DATABASE_URL", "OWNER_DATABASE_URL"}) || len(c.plain) > 0 {
				t.Errorf(label+"settings %v, secrets %v; want the secrets DATABASE_URL and OWNER_DATABASE_URL only",
					c.plain, secretNames)
			}
			continue
		}
		if !slices.Equal(secretNames, []string{"DATABASE_URL", "JWT_SECRET"}) {
			t.Errorf(label+"secrets %v; want DATABASE_URL and JWT_SECRET, without the owner's URL", secretNames)
		}
		if c.plain["HOST"] != "0.0.0.0" || c.plain["AUTH"] != "required" {
			t.Errorf(label+"HOST=%q, AUTH=%q; want 0.0.0.0 and required", c.plain["HOST"], c.plain["AUTH"])
		}
		if !slices.Equal(c.ports, []int{port}) || c.plain["PORT"] != strconv.Itoa(port) {
			t.Errorf(label+"ports %v, PORT=%s; the Dockerfile exposes %d", c.ports, c.plain["PORT"], port)
		}
		if !slices.Contains(c.mounts, media) || c.plain["MEDIA_DIR"] != media || !slices.Contains(c.mounts, "/tmp") {
			t.Errorf(label+"mounts %v, MEDIA_DIR=%s; want /tmp and %s of the Dockerfile",
				c.mounts, c.plain["MEDIA_DIR"], media)
		}
		delay, err := time.ParseDuration(c.plain["DRAIN_DELAY"])
		if err != nil || delay <= 0 || delay+shutdown >= c.grace {
			t.Errorf(label+"DRAIN_DELAY=%s and %s for the shutdown do not fit into the grace period of %s (%v)",
				delay, shutdown, c.grace, err)
		}
	}

	// The servers differ only in the trusted proxies.
	kubernetesEnv := kubernetesContainer(t, "deployment.yaml").plain
	ecsEnv := ecsContainer(t, "task-definition.json").plain
	delete(kubernetesEnv, "TRUSTED_PROXIES")
	delete(ecsEnv, "TRUSTED_PROXIES")
	if !maps.Equal(kubernetesEnv, ecsEnv) {
		t.Errorf("settings in Kubernetes: %v; in ECS: %v", kubernetesEnv, ecsEnv)
	}
}

// shutdownTime returns how long the program may take to stop after DRAIN_DELAY.
func shutdownTime(t *testing.T) time.Duration {
	t.Helper()
	return cliSeconds(t, "keepAliveDrain") + cliSeconds(t, "shutdownTimeout")
}

// cliSeconds returns a constant of internal/cli that is a number of seconds.
func cliSeconds(t *testing.T, name string) time.Duration {
	t.Helper()
	files, err := filepath.Glob("../internal/cli/*.go")
	if err != nil {
		t.Fatal(err)
	}
	constant := regexp.MustCompile(`\b` + name + `\s*= (\d+) \* time\.Second\b`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if match := constant.FindSubmatch(text); match != nil {
			seconds, err := strconv.Atoi(string(match[1]))
			if err != nil {
				t.Fatal(err)
			}
			return time.Duration(seconds) * time.Second
		}
	}
	t.Fatalf("internal/cli has no constant %s", name)
	return 0
}

func TestProbes_useRoutesOfTheProgram(t *testing.T) {
	t.Parallel()
	var document struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal([]byte(readRepoFile(t, "api/openapi.json")), &document); err != nil {
		t.Fatal(err)
	}
	def := readObject(t, "deployment.yaml").getList("spec.template.spec.containers")[0]
	paths := map[string]string{}
	for _, name := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		paths[name] = def.getString(name + ".httpGet.path")
		if document.Paths[paths[name]]["get"] == nil {
			t.Errorf("%s requests %q, which is no route", name, paths[name])
		}
		if port := def.getString(name + ".httpGet.port"); port != def.getString("ports.0.name") {
			t.Errorf("%s uses port %q, which the container does not have", name, port)
		}
	}
	// If the database is down, servers are not ready. Restarting them would not help, so only readiness uses /readyz.
	if paths["readinessProbe"] != "/readyz" || paths["livenessProbe"] == "/readyz" ||
		paths["startupProbe"] == "/readyz" {
		t.Errorf("only the readiness probe must use /readyz: %v", paths)
	}
	entrypoint := findInFile(t, "Dockerfile", `(?m)^ENTRYPOINT \["(\S+)"\]$`)
	check := readTaskDefinition(t, "task-definition.json").ContainerDefinitions[0].HealthCheck
	if check == nil || !slices.Equal(check.Command, []string{"CMD", entrypoint, "health"}) {
		t.Errorf("ECS health check %+v; want %s health", check, entrypoint)
	}
	assertDocumented(t, "-- "+entrypoint+" user create")
}

// TestSampleSecrets_containPlaceholder checks for change-me. The program rejects secrets that contain it; see TestRuns.
func TestSampleSecrets_containPlaceholder(t *testing.T) {
	t.Parallel()
	secrets := sampleSecrets(t)
	for key, value := range secrets {
		if strings.Count(value, "change-me") != 1 {
			t.Errorf("%s: %s; want one change-me", key, value)
		}
	}
	if len(secrets) != 3 {
		t.Errorf("%d secrets, want 3: %v", len(secrets), secrets)
	}
}

// externalSettings maps settings that are not Labledger's own to the code that reads them.
var externalSettings = map[string]string{
	"GOMEMLIMIT": "the Go runtime",
	"PGSSLMODE":  "pgx",
}

var settingRE = regexp.MustCompile(`\$([A-Z][A-Z_]*)`)

// unknownSettings returns the settings that the output of `labledger help` does not list.
func unknownSettings(help string, names []string) (unlisted []string) {
	listed := map[string]bool{}
	for _, match := range settingRE.FindAllStringSubmatch(help, -1) {
		listed[match[1]] = true
	}
	for _, name := range names {
		if !listed[name] && externalSettings[name] == "" && !strings.HasPrefix(name, "OTEL_") {
			unlisted = append(unlisted, name)
		}
	}
	return unlisted
}

// checkSettings checks that `labledger help` lists every setting of the deployment files.
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
		t.Errorf("the deployment files have only %d settings: %v", len(names), names)
	}
	if unlisted := unknownSettings(help, names); len(unlisted) > 0 {
		t.Errorf("labledger help does not list %v", unlisted)
	}
	unlisted := unknownSettings(help, []string{"PORT", "DRAIN_DELAYS", "Port", "JWT_SECRET"})
	if want := []string{"DRAIN_DELAYS", "Port"}; !slices.Equal(unlisted, want) {
		t.Errorf("control: unknown settings %v, want %v", unlisted, want)
	}
}
