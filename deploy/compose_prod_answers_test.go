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

func gunzip(t *testing.T, resp response) string {
	t.Helper()
	if resp.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("it is not compressed: %v", resp.header)
	}
	z, err := gzip.NewReader(bytes.NewReader(resp.body))
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
func (p *prodStack) testGzip(t *testing.T) {
	rows := "name,contact,address,state_or_region,country,postcode_or_zip\n"
	for i := range 300 {
		rows += fmt.Sprintf("Compressed %d,,%d Long Street,,,\n", i, i)
	}
	p.expect(t, 200, "POST", "/api/v1/sites", rows, p.asAdmin("Content-Type", "text/csv")...)
	for _, mediaType := range []string{"application/json", "application/x-ndjson", "text/csv"} {
		plain := p.expect(t, 200, "GET", "/api/v1/sites?limit=200", "", p.asAdmin("Accept", mediaType)...)
		compressed := p.expect(t, 200, "GET", "/api/v1/sites?limit=200", "", p.asAdmin("Accept", mediaType, "Accept-Encoding", "gzip")...)
		if text := gunzip(t, compressed); text != string(plain.body) || len(compressed.body)*2 > len(plain.body) {
			t.Errorf("%s: %d bytes, %d of them compressed, that are %d again", mediaType, len(plain.body), len(compressed.body), len(text))
		}
		if vary := strings.Join(compressed.header.Values("Vary"), ","); !strings.Contains(vary, "Accept-Encoding") {
			t.Errorf("%s: Vary %q", mediaType, vary)
		}
	}

	var site struct{ ID int }
	p.expect(t, 201, "POST", "/api/v1/sites", fmt.Sprintf(`{"name": "Long", "address": %q}`, strings.Repeat("Street ", 1000)), p.asAdmin()...).decode(t, &site)
	path := fmt.Sprintf("/api/v1/sites/%d", site.ID)
	cached := p.expect(t, 200, "GET", path, "", p.asAdmin("Accept-Encoding", "gzip")...)
	gunzip(t, cached)
	etag := cached.header.Get("ETag")
	if !strings.HasPrefix(etag, "W/") {
		t.Fatalf("gzip left the ETag strong, %s: this test shows nothing", etag)
	}
	p.expect(t, 304, "GET", path, "", p.asAdmin("Accept-Encoding", "gzip", "If-None-Match", etag)...)
	p.expect(t, 200, "PATCH", path, `{"contact": "First"}`, p.asAdmin("If-Match", etag)...)
	p.expect(t, 412, "PATCH", path, `{"contact": "Late"}`, p.asAdmin("If-Match", etag)...)
	p.expect(t, 200, "PATCH", path, `{"contact": "Anybody"}`, p.asAdmin("If-Match", "*")...)
}

// A streamClient has a stream open.
type streamClient struct {
	lines  chan string
	header http.Header
	status int
}

// openStream opens the stream for so long at most.
func (p *prodStack) openStream(t *testing.T, timeout time.Duration) streamClient {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
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
	l := streamClient{make(chan string, 1000), response.Header, response.StatusCode}
	go func() {
		defer close(l.lines)
		defer response.Body.Close()
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			l.lines <- lines.Text()
		}
	}()
	return l
}

// awaitLine waits for a line that has this in it.
func (l streamClient) awaitLine(t *testing.T, substring string, timeout time.Duration) {
	t.Helper()
	start, expired := time.Now(), time.After(timeout)
	for {
		select {
		case line, open := <-l.lines:
			if !open {
				t.Fatalf("the stream ended after %v", time.Since(start))
			}
			if strings.Contains(line, substring) {
				return
			}
		case <-expired:
			t.Fatalf("the stream did not tell of %s within %v", substring, timeout)
		}
	}
}

// recordEvent records one and answers its id.
func (p *prodStack) recordEvent(t *testing.T, user, eventTime int64) string {
	t.Helper()
	var event struct {
		EventID string `json:"event_id"`
	}
	p.expect(t, 201, "POST", "/api/v1/events", eventBody(user, eventTime), p.asAdmin()...).decode(t, &event)
	return event.EventID
}

func eventBody(user, eventTime int64) string {
	return fmt.Sprintf(`{"type": "deposit", "amount": 1, "user_id": %d, "time": %d}`, user, eventTime)
}

func (p *prodStack) testStream(t *testing.T) {
	const idle = 27 * time.Second // longer than nginx waits for any other answer, and than the API's heartbeat
	l := p.openStream(t, time.Minute)
	if l.status != 200 || l.header.Get("Content-Encoding") != "" || !strings.HasPrefix(l.header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("the stream: %d %v", l.status, l.header)
	}
	for i := range int64(3) { // either instance takes some
		l.awaitLine(t, p.recordEvent(t, 7001, i), 3*time.Second)
	}
	time.Sleep(idle)
	l.awaitLine(t, p.recordEvent(t, 7001, 10), 3*time.Second)
}

// sessionAddress signs in with headers, and answers where the API says that the session was made.
func (p *prodStack) sessionAddress(t *testing.T, headers ...string) string {
	t.Helper()
	auth := p.signIn(t, headers...)
	var sessions []struct {
		Address string
		Own     bool // the one that asks
	}
	p.expect(t, 200, "GET", "/auth/token?limit=1000", "", auth...).decode(t, &sessions)
	for _, s := range sessions {
		if s.Own {
			return s.Address
		}
	}
	t.Fatalf("no session is the one that asks: %+v", sessions)
	return ""
}

func (p *prodStack) testClientAddress(t *testing.T) {
	const forged = "203.0.113.7"
	forgedHeaders := []string{"X-Forwarded-For", forged, "X-Real-Ip", forged, "Forwarded", "for=" + forged}
	if got := p.sessionAddress(t, forgedHeaders...); got != composeNetwork+".1" {
		t.Errorf("a client that calls itself %s is %s, not the host of the containers", forged, got)
	}
	if count := p.psql(t, "SELECT count(*) FROM login_attempt WHERE subject LIKE '%203.0.113%'"); count != "0" {
		t.Error("attempts were counted for an address that the client made up")
	}
	p.withEnv("TRUSTED_PROXIES="+composeNetwork+".1").compose(t, "up", "-d", "--no-deps", "--wait", "proxy")
	defer p.compose(t, "up", "-d", "--no-deps", "--wait", "proxy")
	if got := p.sessionAddress(t, forgedHeaders...); got != forged {
		t.Errorf("a proxy that is trusted says %s, and it is taken for %s", forged, got)
	}
	if got := p.sessionAddress(t, "X-Forwarded-For", "198.51.100.1, "+forged); got != forged {
		t.Errorf("of two addresses %s counts, not the one that the trusted proxy saw", got)
	}
}

// testLimits asks more than one address may.
func (p *prodStack) testLimits(t *testing.T) {
	var rejected, sent atomic.Int64
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for rejected.Load() < 100 && sent.Add(1) < 40000 {
				request, _ := http.NewRequest("GET", p.url("/healthcheck"), nil) // the URL is good
				resp, err := roundTrip(client, request)
				switch {
				case err != nil:
					t.Errorf("no answer: %v", err)
					return
				case resp.status == 429:
					rejected.Add(1)
					resp.assertNginxProblem(t, "too many requests", 429)
				case resp.status != 200:
					t.Errorf("%d %.200s", resp.status, resp.body)
				}
			}
		})
	}
	workers.Wait()
	if rejected.Load() < 100 {
		t.Errorf("of %d requests %d were refused", sent.Load(), rejected.Load())
	}
	time.Sleep(time.Second)
	p.expect(t, 200, "GET", "/healthcheck", "")

	const connections = 200
	time.Sleep(3 * time.Second)
	for i := range connections {
		if l := p.openStream(t, time.Minute); l.status != 200 {
			t.Fatalf("connection %d: %d", i+1, l.status)
		}
	}
	p.send(t, "GET", "/healthcheck", "").assertNginxProblem(t, "too many connections", 429)
}
