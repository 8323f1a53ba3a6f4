//go:build compose

package deploy_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func gunzip(t *testing.T, a answer) string {
	t.Helper()
	if a.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("it is not compressed: %v", a.header)
	}
	z, err := gzip.NewReader(bytes.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// testGzip: compression changes nothing but the bytes, and the ETag that it makes weak is still good for a change.
func (p *production) testGzip(t *testing.T) {
	rows := "name,contact,address,state_or_region,country,postcode_or_zip\n"
	for i := range 300 {
		rows += fmt.Sprintf("Compressed %d,,%d Long Street,,,\n", i, i)
	}
	p.want(t, 200, "POST", "/api/v1/sites", rows, p.as("Content-Type", "text/csv")...)
	for _, kind := range []string{"application/json", "application/x-ndjson", "text/csv"} {
		plain := p.want(t, 200, "GET", "/api/v1/sites?limit=200", "", p.as("Accept", kind)...)
		small := p.want(t, 200, "GET", "/api/v1/sites?limit=200", "", p.as("Accept", kind, "Accept-Encoding", "gzip")...)
		if text := gunzip(t, small); text != string(plain.body) || len(small.body)*2 > len(plain.body) {
			t.Errorf("%s: %d bytes, %d of them compressed, that are %d again", kind, len(plain.body), len(small.body), len(text))
		}
		if vary := strings.Join(small.header.Values("Vary"), ","); !strings.Contains(vary, "Accept-Encoding") {
			t.Errorf("%s: Vary %q", kind, vary)
		}
	}

	var site struct{ ID int }
	p.want(t, 201, "POST", "/api/v1/sites", fmt.Sprintf(`{"name": "Long", "address": %q}`, strings.Repeat("Street ", 1000)), p.as()...).json(t, &site)
	path := fmt.Sprintf("/api/v1/sites/%d", site.ID)
	seen := p.want(t, 200, "GET", path, "", p.as("Accept-Encoding", "gzip")...)
	gunzip(t, seen)
	tag := seen.header.Get("ETag")
	if !strings.HasPrefix(tag, "W/") {
		t.Fatalf("gzip left the ETag strong, %s: this test shows nothing", tag)
	}
	p.want(t, 304, "GET", path, "", p.as("Accept-Encoding", "gzip", "If-None-Match", tag)...)
	p.want(t, 200, "PATCH", path, `{"contact": "First"}`, p.as("If-Match", tag)...)
	p.want(t, 412, "PATCH", path, `{"contact": "Late"}`, p.as("If-Match", tag)...)
	p.want(t, 200, "PATCH", path, `{"contact": "Anybody"}`, p.as("If-Match", "*")...)
}

// A listener has a stream open.
type listener struct {
	lines  chan string
	header http.Header
	status int
}

// listen opens the stream for so long at most.
func (p *production) listen(t *testing.T, limit time.Duration) listener {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", p.url("/api/v1/stream"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	r.Header.Set("Accept-Encoding", "gzip")
	response, err := (&http.Client{Transport: composeClient.Transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	l := listener{make(chan string, 1000), response.Header, response.StatusCode}
	go func() {
		defer close(l.lines)
		defer response.Body.Close()
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			l.lines <- lines.Text()
		}
	}()
	return l
}

// hears waits for a line that has this in it.
func (l listener) hears(t *testing.T, what string, limit time.Duration) {
	t.Helper()
	start, late := time.Now(), time.After(limit)
	for {
		select {
		case line, open := <-l.lines:
			if !open {
				t.Fatalf("the stream ended after %v", time.Since(start))
			}
			if strings.Contains(line, what) {
				return
			}
		case <-late:
			t.Fatalf("the stream did not tell of %s within %v", what, limit)
		}
	}
}

// event records one and answers its id.
func (p *production) event(t *testing.T, user, at int64) string {
	t.Helper()
	var made struct {
		EventID string `json:"event_id"`
	}
	p.want(t, 201, "POST", "/api/v1/events", eventBody(user, at), p.as()...).json(t, &made)
	return made.EventID
}

func eventBody(user, at int64) string {
	return fmt.Sprintf(`{"type": "deposit", "amount": 1, "user_id": %d, "time": %d}`, user, at)
}

func (p *production) testStream(t *testing.T) {
	const silence = 27 * time.Second // longer than nginx waits for any other answer, and than the API's heartbeat
	l := p.listen(t, time.Minute)
	if l.status != 200 || l.header.Get("Content-Encoding") != "" || !strings.HasPrefix(l.header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("the stream: %d %v", l.status, l.header)
	}
	for i := range int64(3) { // either instance takes some
		l.hears(t, p.event(t, 7001, i), 3*time.Second)
	}
	time.Sleep(silence)
	l.hears(t, p.event(t, 7001, 10), 3*time.Second)
}

// sessionAddress signs in with headers, and answers where the API says that the session was made.
func (p *production) sessionAddress(t *testing.T, headers ...string) string {
	t.Helper()
	who := p.signIn(t, headers...)
	var sessions []struct {
		Address string
		Own     bool // the one that asks
	}
	p.want(t, 200, "GET", "/auth/token?limit=1000", "", who...).json(t, &sessions)
	for _, s := range sessions {
		if s.Own {
			return s.Address
		}
	}
	t.Fatalf("no session is the one that asks: %+v", sessions)
	return ""
}

func (p *production) testClientAddress(t *testing.T) {
	const claimed = "203.0.113.7"
	lies := []string{"X-Forwarded-For", claimed, "X-Real-Ip", claimed, "Forwarded", "for=" + claimed}
	if got := p.sessionAddress(t, lies...); got != composeNet+".1" {
		t.Errorf("a client that calls itself %s is %s, not the host of the containers", claimed, got)
	}
	if count := p.psql(t, "SELECT count(*) FROM login_attempt WHERE subject LIKE '%203.0.113%'"); count != "0" {
		t.Error("attempts were counted for an address that the client made up")
	}
	p.set("TRUSTED_PROXIES="+composeNet+".1").compose(t, "up", "-d", "--no-deps", "--wait", "proxy")
	defer p.compose(t, "up", "-d", "--no-deps", "--wait", "proxy")
	if got := p.sessionAddress(t, lies...); got != claimed {
		t.Errorf("a proxy that is trusted says %s, and it is taken for %s", claimed, got)
	}
	if got := p.sessionAddress(t, "X-Forwarded-For", "198.51.100.1, "+claimed); got != claimed {
		t.Errorf("of two addresses %s counts, not the one that the trusted proxy saw", got)
	}
}

// testLimits asks more than one address may.
func (p *production) testLimits(t *testing.T) {
	var refused, sent atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for refused.Load() < 100 && sent.Add(1) < 40000 {
				r, _ := http.NewRequest("GET", p.url("/healthcheck"), nil) // the URL is good
				a, err := exchange(client, r)
				switch {
				case err != nil:
					t.Errorf("no answer: %v", err)
					return
				case a.status == 429:
					refused.Add(1)
					a.isNginx(t, "too many requests", 429)
				case a.status != 200:
					t.Errorf("%d %.200s", a.status, a.body)
				}
			}
		})
	}
	all.Wait()
	if refused.Load() < 100 {
		t.Errorf("of %d requests %d were refused", sent.Load(), refused.Load())
	}
	time.Sleep(time.Second)
	p.want(t, 200, "GET", "/healthcheck", "")

	const connections = 200
	time.Sleep(3 * time.Second)
	for i := range connections {
		if l := p.listen(t, time.Minute); l.status != 200 {
			t.Fatalf("connection %d: %d", i+1, l.status)
		}
	}
	p.send(t, "GET", "/healthcheck", "").isNginx(t, "too many connections", 429)
}
