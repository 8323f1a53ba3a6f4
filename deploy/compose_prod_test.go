//go:build compose

package deploy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A prodStack is the production stack with generated secrets and the admin ada.
type prodStack struct {
	*composeStack
	password string
	token    string   // an API token of ada
	secrets  []string // must not appear in a log
}

// TestComposeProd runs all tests of the production stack on one stack. A single one runs with -run ComposeProd/uploads,
// since the setup is not a subtest.
func TestComposeProd(t *testing.T) {
	p := &prodStack{composeStack: newComposeStack(t, "prod", "docker-compose.prod.yml"), password: randomHex(12)}
	p.compose(t, "--profile", "tools", "build")
	t.Run("sample secrets are rejected", p.testSamples)
	p.createEnvFiles(t)
	p.start(t)
	for _, part := range []struct {
		name string
		test func(*testing.T)
	}{
		{"second up restarts nothing", p.testRepeatedUp},
		{"confinement", p.testConfined},
		{"server role", p.testServerRole},
		{"security headers", p.testHeaders},
		{"errors of nginx", p.testNginxErrors},
		{"stopped API", p.testStoppedAPI},
		{"path traversal", p.testTraversal},
		{"uploads", p.testUploads},
		{"upload sizes", p.testUploadSizes},
		{"downloads", p.testDownloads},
		{"static files", p.testStatic},
		{"gzip", p.testGzip},
		{"stream", p.testStream},
		{"client address", p.testClientAddress},
		{"POST is sent once", p.testPOSTSentOnce},
		{"Postgres kill", p.testPostgresKill},
		{"secrets in logs", p.testSecretsInLogs},
		{"rolling restart", p.testRollingRestart},
		{"not ready while draining", p.testDraining},
		{"limits", p.testLimits},
		{"TLS", p.testTLS},
		{"backup", p.testBackup},
		{"awslogs", p.testAWSLogs},
		{"stories", p.testStories},
	} {
		start := time.Now()
		if t.Run(part.name, part.test); time.Since(start) > time.Second {
			t.Logf("%s: %v", part.name, time.Since(start).Round(time.Second))
		}
	}
}

// runShell runs shell commands in the copy.
func (s *composeStack) runShell(t *testing.T, commands string) string {
	t.Helper()
	out, err := runCommand(s.dir, s.env, nil, time.Minute, "sh", "-euc", commands)
	if err != nil {
		t.Fatalf("%s: %v\n%s", commands, err, out)
	}
	return out
}

func (p *prodStack) testSamples(t *testing.T) {
	p.runShell(t, "cp .env.prod.sample .env.prod; cp .env.prod.db.sample .env.prod.db")
	if out, err := p.tryCompose(composeTimeout, "up", "-d"); err == nil {
		t.Errorf("the stack starts with sample secrets: %s", out)
	}
	log := p.compose(t, "logs", "--no-color", "check")
	for _, name := range []string{"JWT_SECRET", "DATABASE_URL", "POSTGRES_PASSWORD"} {
		if !strings.Contains(log, name) {
			t.Errorf("check does not report %s: %s", name, log)
		}
	}
	if db := p.inspect(t, "db"); db.State.Status != "created" {
		t.Errorf("the database was started: %s", db.State.Status)
	}
}

// createEnvFiles creates .env.prod and .env.prod.db with the commands of docs/operations.md.
func (p *prodStack) createEnvFiles(t *testing.T) {
	t.Helper()
	p.runShell(t, `
		sed "s/change-me-jwt/$(openssl rand -hex 32)/; s/change-me-server/$(openssl rand -hex 24)/" \
			.env.prod.sample > .env.prod
		sed "s/change-me-owner/$(openssl rand -hex 24)/g" .env.prod.db.sample > .env.prod.db
		chmod 600 .env.prod .env.prod.db`)
	p.secrets = []string{p.password}
	for _, file := range []string{".env.prod", ".env.prod.db"} {
		text, err := os.ReadFile(filepath.Join(p.dir, file))
		if err != nil {
			t.Fatal(err)
		}
		p.secrets = append(p.secrets, regexp.MustCompile(`[0-9a-f]{48,}`).FindAllString(string(text), -1)...)
	}
	if len(p.secrets) != 5 {
		t.Fatalf("the files contain %d generated secrets, want 4", len(p.secrets)-1)
	}
}

// start starts the stack and creates the first admin, the mock data and an API token.
func (p *prodStack) start(t *testing.T) {
	t.Helper()
	p.compose(t, "up", "-d", "--build", "--wait")
	for _, service := range []string{"db", "api-1", "api-2", "proxy"} {
		if status := p.healthStatus(t, service); status != "healthy" {
			t.Errorf("%s is %s", service, status)
		}
	}
	createAdmin := []string{"run", "--rm", "-T", "tools", "user", "create", "ada", "--role", "admin"}
	if out, err := p.tryComposeStdin(p.password+"\n", composeTimeout, createAdmin...); err != nil {
		t.Fatalf("creating the first admin: %v %s", err, out)
	}
	p.compose(t, "run", "--rm", "-T", "tools", "seed")
	var token struct{ Token string }
	p.expect(t, 201, "POST", "/api/v1/tokens", `{"name": "compose", "role": "admin"}`, p.signIn(t)...).decode(t, &token)
	p.token = token.Token
	p.secrets = append(p.secrets, token.Token)
}

func (s *composeStack) healthStatus(t *testing.T, service string) string {
	t.Helper()
	return s.docker(t, "inspect", "-f", "{{.State.Health.Status}}", s.containerID(t, service))
}

// signIn signs in as ada and returns the header that authenticates the session.
func (p *prodStack) signIn(t *testing.T, headers ...string) []string {
	t.Helper()
	var tokens struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	credentials := fmt.Sprintf(`{"username": "ada", "password": %q}`, p.password)
	p.expect(t, 200, "POST", "/auth/login", credentials, headers...).decode(t, &tokens)
	p.secrets = append(p.secrets, tokens.AccessToken, tokens.RefreshToken)
	return []string{"Authorization", "Bearer " + tokens.AccessToken}
}

// asAdmin returns ada's authorization header and these headers.
func (p *prodStack) asAdmin(headers ...string) []string {
	return append([]string{"Authorization", "Bearer " + p.token}, headers...)
}

func (p *prodStack) testRepeatedUp(t *testing.T) {
	services := []string{"db", "api-1", "api-2", "proxy"}
	before := map[string]composeContainer{}
	for _, service := range services {
		before[service] = p.inspect(t, service)
	}
	p.compose(t, "up", "-d", "--wait")
	for _, service := range services {
		after := p.inspect(t, service)
		if after.ID != before[service].ID || after.State.StartedAt != before[service].State.StartedAt {
			t.Errorf("a second up restarted %s", service)
		}
	}
}

func (p *prodStack) testConfined(t *testing.T) {
	p.compose(t, "--profile", "tools", "up", "--no-start", "tools")
	for _, service := range []string{"check", "migrate", "tools", "db", "api-1", "api-2", "proxy"} {
		c := p.inspect(t, service)
		c.assertConfined(t)
		c.assertOnLoopback(t)
		if c.isPublished() != (service == "proxy") {
			t.Errorf("%s: published ports %v; only those of the proxy may be published",
				service, c.HostConfig.PortBindings)
		}
		if service == "db" || service == "api-1" || service == "api-2" || service == "proxy" {
			c.assertServiceLimits(t)
		}
	}
	for _, shell := range []string{"sh", "/bin/sh", "/bin/bash", "/bin/busybox"} {
		out, err := runCommand("", nil, nil, time.Minute, "docker", "run", "--rm", "--network", "none",
			"--entrypoint", shell, "labledger-api:"+p.project, "-c", "true")
		if err == nil || !strings.Contains(err.Error(), "no such file") && !strings.Contains(err.Error(), "not found") {
			t.Errorf("the image of the API contains %s: %s %v", shell, out, err)
		}
	}
}

func (p *prodStack) testServerRole(t *testing.T) {
	p.expect(t, 200, "GET", "/readyz", "")
	roles := p.psql(t, `SELECT DISTINCT usename FROM pg_stat_activity
		WHERE datname = 'labledger' AND client_addr IS NOT NULL`)
	if roles != "labledger_server" {
		t.Errorf("the servers connect as %q, want labledger_server", roles)
	}
}

func (p *prodStack) testBackup(t *testing.T) {
	out := p.compose(t, "run", "--rm", "-T", "tools", "backup")
	name, _, _ := strings.Cut(out, ":")
	if !strings.Contains(out, "verified by a restore") || strings.Contains(out, "not verified") {
		t.Errorf("the backup was not verified: %s", out)
	}
	want := name + "\n" + name + ".seal.json"
	if files := p.runInVolume(t, "backups", "ls"); strings.TrimSpace(files) != want {
		t.Errorf("the volume contains %q, want %q", files, want)
	}
}

// runInVolume runs a shell command as root in a volume of the stack.
func (s *composeStack) runInVolume(t *testing.T, volume, commands string) string {
	t.Helper()
	return s.docker(t, "run", "--rm", "--user", "0", "--network", "none", "-v", s.project+"_"+volume+":/v", "-w", "/v",
		"--entrypoint", "sh", "labledger-proxy:"+s.project, "-euc", commands)
}

// testAWSLogs checks the configuration of deploy/awslogs.yml, since the log driver needs AWS.
func (p *prodStack) testAWSLogs(t *testing.T) {
	stack := p.withFile("deploy/awslogs.yml")
	if out, err := stack.tryCompose(time.Minute, "config", "-q"); err == nil {
		t.Errorf("the configuration is valid without AWS_REGION: %s", out)
	}
	var config struct {
		Services map[string]struct {
			Logging struct {
				Driver  string
				Options map[string]string
			}
		}
	}
	configJSON := stack.withEnv("AWS_REGION=eu-west-1").compose(t, "config", "--format", "json")
	response{body: []byte(configJSON)}.decode(t, &config)
	for _, service := range []string{"check", "db", "migrate", "api-1", "api-2", "proxy"} {
		logging := config.Services[service].Logging
		options := logging.Options
		if logging.Driver != "awslogs" || options["awslogs-region"] != "eu-west-1" || options["awslogs-group"] == "" ||
			options["max-size"] != "" {
			t.Errorf("%s has the log configuration %+v", service, logging)
		}
	}
	if len(config.Services) != 6 {
		t.Errorf("the stack has %d services; this test checks 6", len(config.Services))
	}
}
