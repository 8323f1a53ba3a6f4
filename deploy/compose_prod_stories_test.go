//go:build compose

package deploy_test

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// openModeOverride lets every request act as an admin, as the stories expect, and raises the rate limit.
const openModeOverride = `
services:
  api-1: {environment: &open {AUTH: insecure-open, REGISTRATION: open}}
  api-2: {environment: *open}
  proxy: {environment: {REQUESTS_PER_SECOND: "5000"}}
`

// tokenRE matches access tokens, refresh tokens and API tokens.
var tokenRE = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.|ll[rk]_[A-Za-z0-9_-]{20,}|(?i:bearer [A-Za-z0-9_-]{10,})`)

// testSecretsInLogs signs in with a right and a wrong password, and searches the logs for secrets.
func (p *prodStack) testSecretsInLogs(t *testing.T) {
	p.signIn(t)
	wrongPassword := randomHex(12)
	p.secrets = append(p.secrets, wrongPassword)
	p.expect(t, 401, "POST", "/auth/login", `{"username": "ada", "password": "`+wrongPassword+`"}`)
	p.expect(t, 400, "GET", "/site/1?token="+p.token, "", p.asAdmin()...)
	p.assertNoSecretsInLogs(t)
}

func (p *prodStack) assertNoSecretsInLogs(t *testing.T) {
	t.Helper()
	requestFields := map[string]string{"api-1": `"route"`, "api-2": `"route"`, "proxy": `"upstream_status"`}
	for _, service := range []string{"check", "db", "migrate", "api-1", "api-2", "proxy"} {
		log := p.compose(t, "logs", "--no-color", "--no-log-prefix", service)
		if !strings.Contains(log, requestFields[service]) {
			t.Errorf("control: the log of %s contains no requests: %.300s", service, log)
		}
		if token := tokenRE.FindString(log); token != "" {
			t.Errorf("the log of %s contains a token: %.20s…", service, token)
		}
		for _, secret := range p.secrets {
			if i := strings.Index(log, secret); i >= 0 {
				t.Errorf("the log of %s contains a secret: %.200s…", service, log[max(0, i-150):])
			}
		}
	}
}

// testStories runs all stories of api/testdata through nginx, against two instances with new data.
func (p *prodStack) testStories(t *testing.T) {
	p.compose(t, "--profile", "*", "rm", "-sf")
	p.docker(t, "volume", "rm", p.project+"_data", p.project+"_media")
	openStack := p.withOverride(t, "open.yml", openModeOverride)
	openStack.compose(t, "up", "-d", "--wait")
	p.compose(t, "run", "--rm", "-T", "tools", "seed")
	out, err := runCommand("..", []string{"BASE_URL=" + p.url("")}, nil, 8*time.Minute,
		"go", "test", "./api", "-run", "^TestStories$", "-count=1", "-timeout", "8m")
	if err != nil {
		t.Errorf("the stories: %v\n%s", err, out[max(0, len(out)-8000):])
	}
	if !strings.Contains(out, "ok") || strings.Contains(out, "no tests to run") {
		t.Errorf("no story ran: %s", out)
	}
	p.assertNoSecretsInLogs(t)
}
