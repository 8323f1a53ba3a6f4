//go:build compose

package deploy_test

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// Everybody is an admin, so that the stories can be told; and faster than one person would.
const openMode = `
services:
  api-1: {environment: &open {AUTH: insecure-open, REGISTRATION: open}}
  api-2: {environment: *open}
  proxy: {environment: {REQUESTS_PER_SECOND: "5000"}}
`

// tokenLike are the tokens that the program makes: access tokens, refresh tokens, API tokens.
var tokenLike = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.|ll[rk]_[A-Za-z0-9_-]{20,}|(?i:bearer [A-Za-z0-9_-]{10,})`)

// testSecrets signs in, well and badly, and looks for secrets in the logs.
func (p *production) testSecrets(t *testing.T) {
	p.signIn(t)
	wrong := randomHex(12)
	p.secrets = append(p.secrets, wrong)
	p.want(t, 401, "POST", "/auth/login", `{"username": "ada", "password": "`+wrong+`"}`)
	p.want(t, 400, "GET", "/site/1?token="+p.token, "", p.as()...)
	p.noSecrets(t)
}

func (p *production) noSecrets(t *testing.T) {
	t.Helper()
	for _, service := range []string{"check", "db", "migrate", "api-1", "api-2", "proxy"} {
		log := p.compose(t, "logs", "--no-color", "--no-log-prefix", service)
		if proper := map[string]string{"api-1": `"route"`, "api-2": `"route"`, "proxy": `"upstream_status"`}[service]; !strings.Contains(log, proper) {
			t.Errorf("the log of %s has no requests: this test shows nothing: %.300s", service, log)
		}
		if found := tokenLike.FindString(log); found != "" {
			t.Errorf("the log of %s has a token: %.20s…", service, found)
		}
		for _, secret := range p.secrets {
			if i := strings.Index(log, secret); i >= 0 {
				t.Errorf("the log of %s has a secret: %.200s…", service, log[max(0, i-150):])
			}
		}
	}
}

// testStories tells all stories of api/testdata through nginx to two instances with data of their own.
func (p *production) testStories(t *testing.T) {
	p.compose(t, "--profile", "*", "rm", "-sf")
	p.docker(t, "volume", "rm", p.project+"_data", p.project+"_media")
	open := p.with(t, "open.yml", openMode)
	open.compose(t, "up", "-d", "--wait")
	p.compose(t, "run", "--rm", "-T", "tools", "seed")
	out, err := execute("..", []string{"BASE_URL=" + p.url("")}, nil, 8*time.Minute, "go", "test", "./api", "-run", "TestStories", "-count=1", "-timeout", "8m")
	if err != nil {
		t.Errorf("the stories: %v\n%s", err, out[max(0, len(out)-8000):])
	}
	if !strings.Contains(out, "ok") {
		t.Errorf("no story was told: %s", out)
	}
	p.noSecrets(t)
}
