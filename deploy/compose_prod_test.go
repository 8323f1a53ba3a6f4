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

// A prodStack is the production stack, with secrets of its own and an admin called ada.
type prodStack struct {
	*composeStack
	password string
	token    string   // an API token of ada's
	secrets  []string // that nobody may find in a log
}

// TestComposeProd runs the production stack once. What comes before the list is needed by all of it, so -run ComposeProd/uploads works, too.
func TestComposeProd(t *testing.T) {
	p := &prodStack{composeStack: newComposeStack(t, "prod", "docker-compose.prod.yml"), password: randomHex(12)}
	p.compose(t, "--profile", "tools", "build")
	t.Run("samples", p.testSamples)
	p.createEnvFiles(t)
	p.start(t)
	for _, part := range []struct {
		name string
		test func(*testing.T)
	}{
		{"up again", p.testRepeatedUp},
		{"confined", p.testConfined},
		{"role of the server", p.testServerRole},
		{"headers", p.testHeaders},
		{"nginx's own answers", p.testNginxErrors},
		{"traversal", p.testTraversal},
		{"uploads", p.testUploads},
		{"upload sizes", p.testUploadSizes},
		{"files come back", p.testDownloads},
		{"the web app's files", p.testStatic},
		{"gzip", p.testGzip},
		{"stream", p.testStream},
		{"client address", p.testClientAddress},
		{"POST once", p.testPOSTSentOnce},
		{"Postgres killed", p.testPostgresKill},
		{"secrets in logs", p.testSecretsInLogs},
		{"rolling restart", p.testRollingRestart},
		{"not ready while it drains", p.testDraining},
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

// runShell runs commands in the copy, as a person following the README would.
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
		t.Errorf("it starts with the secrets of the samples: %s", out)
	}
	log := p.compose(t, "logs", "--no-color", "check")
	for _, name := range []string{"JWT_SECRET", "DATABASE_URL", "POSTGRES_PASSWORD"} {
		if !strings.Contains(log, name) {
			t.Errorf("check does not name %s: %s", name, log)
		}
	}
	if db := p.inspect(t, "db"); db.State.Status != "created" {
		t.Errorf("the database was started: %s", db.State.Status)
	}
}

// createEnvFiles does what the README says about the samples.
func (p *prodStack) createEnvFiles(t *testing.T) {
	t.Helper()
	p.runShell(t, `sed "s/change-me-jwt/$(openssl rand -hex 32)/; s/change-me-server/$(openssl rand -hex 24)/" .env.prod.sample > .env.prod
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
		t.Fatalf("%d secrets were filled in, not 4", len(p.secrets)-1)
	}
}

// start brings everything up, with the first admin, the mock data and a token.
func (p *prodStack) start(t *testing.T) {
	t.Helper()
	p.compose(t, "up", "-d", "--build", "--wait")
	for _, service := range []string{"db", "api-1", "api-2", "proxy"} {
		if status := p.healthStatus(t, service); status != "healthy" {
			t.Errorf("%s is %s", service, status)
		}
	}
	if out, err := p.tryComposeStdin(p.password+"\n", composeTimeout, "run", "--rm", "-T", "tools", "user", "create", "ada", "--role", "admin"); err != nil {
		t.Fatalf("the first admin: %v %s", err, out)
	}
	p.compose(t, "run", "--rm", "-T", "tools", "seed")
	var made struct{ Token string }
	p.expect(t, 201, "POST", "/api/v1/tokens", `{"name": "compose", "role": "admin"}`, p.signIn(t)...).decode(t, &made)
	p.token = made.Token
	p.secrets = append(p.secrets, made.Token)
}

func (s *composeStack) healthStatus(t *testing.T, service string) string {
	t.Helper()
	return s.docker(t, "inspect", "-f", "{{.State.Health.Status}}", s.containerID(t, service))
}

// signIn makes a session, and the header to use it with.
func (p *prodStack) signIn(t *testing.T, headers ...string) []string {
	t.Helper()
	var tokens struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	p.expect(t, 200, "POST", "/auth/login", fmt.Sprintf(`{"username": "ada", "password": %q}`, p.password), headers...).decode(t, &tokens)
	p.secrets = append(p.secrets, tokens.AccessToken, tokens.RefreshToken)
	return []string{"Authorization", "Bearer " + tokens.AccessToken}
}

// asAdmin are headers of ada's, and these.
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
		if after := p.inspect(t, service); after.ID != before[service].ID || after.State.StartedAt != before[service].State.StartedAt {
			t.Errorf("%s was started anew by a second up", service)
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
			t.Errorf("%s: published: %v", service, c.HostConfig.PortBindings)
		}
		if service == "db" || service == "api-1" || service == "api-2" || service == "proxy" {
			c.assertServiceLimits(t)
		}
	}
	for _, shell := range []string{"sh", "/bin/sh", "/bin/bash", "/bin/busybox"} {
		out, err := runCommand("", nil, nil, time.Minute, "docker", "run", "--rm", "--network", "none", "--entrypoint", shell, "labledger-api:"+p.project, "-c", "true")
		if err == nil || !strings.Contains(err.Error(), "no such file") && !strings.Contains(err.Error(), "not found") {
			t.Errorf("the image of the API has %s: %s %v", shell, out, err)
		}
	}
}

func (p *prodStack) testServerRole(t *testing.T) {
	p.expect(t, 200, "GET", "/readyz", "")
	roles := p.psql(t, "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = 'labledger' AND client_addr IS NOT NULL")
	if roles != "labledger_server" {
		t.Errorf("the server works as %q", roles)
	}
}

func (p *prodStack) testBackup(t *testing.T) {
	out := p.compose(t, "run", "--rm", "-T", "tools", "backup")
	name, _, _ := strings.Cut(out, ":")
	if !strings.Contains(out, "proven by a restore") || strings.Contains(out, "not proven") {
		t.Errorf("the backup was not proven: %s", out)
	}
	if files := p.runInVolume(t, "backups", "ls"); strings.TrimSpace(files) != name {
		t.Errorf("the volume has %q, not %q", files, name)
	}
}

// runInVolume runs a shell command as root in a volume of the stack.
func (s *composeStack) runInVolume(t *testing.T, volume, commands string) string {
	t.Helper()
	return s.docker(t, "run", "--rm", "--user", "0", "--network", "none", "-v", s.project+"_"+volume+":/v", "-w", "/v", "--entrypoint", "sh", "labledger-proxy:"+s.project, "-euc", commands)
}

// awslogs cannot run without Amazon, but what it says can be read.
func (p *prodStack) testAWSLogs(t *testing.T) {
	stack := p.withFile("deploy/awslogs.yml")
	if out, err := stack.tryCompose(time.Minute, "config", "-q"); err == nil {
		t.Errorf("without a region it is taken: %s", out)
	}
	var config struct {
		Services map[string]struct {
			Logging struct {
				Driver  string
				Options map[string]string
			}
		}
	}
	response{body: []byte(stack.withEnv("AWS_REGION=eu-west-1").compose(t, "config", "--format", "json"))}.decode(t, &config)
	for _, service := range []string{"check", "db", "migrate", "api-1", "api-2", "proxy"} {
		logging := config.Services[service].Logging
		if logging.Driver != "awslogs" || logging.Options["awslogs-region"] != "eu-west-1" || logging.Options["awslogs-group"] == "" || logging.Options["max-size"] != "" {
			t.Errorf("%s logs to %+v", service, logging)
		}
	}
	if len(config.Services) != 6 {
		t.Errorf("%d services, and 6 are known here", len(config.Services))
	}
}
