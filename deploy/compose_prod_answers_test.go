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
		t.Fatalf("the response is not compressed: %v", resp.header)
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

// testGzip checks that compression preserves the content. gzip makes an ETag weak; If-Match must accept it anyway.
func (p *prodStack) testGzip(t *testing.T) {
	csv := "name,contact,address,state_or_region,country,postcode_or_zip\n"
	for i := range 300 {
		csv += fmt.Sprintf("Compressed %d,,%d Long Street,,,\n", i, i)
	}
	p.expect(t, 200, "POST", "/api/v1/sites", csv, p.asAdmin("Content-Type", "text/csv")...)
	for _, mediaType := range []string{"application/json", "application/x-ndjson", "text/csv"} {
		plain := p.expect(t, 200, "GET", "/api/v1/sites?limit=200", "", p.asAdmin("Accept", mediaType)...)
		gzipHeaders := p.asAdmin("Accept", mediaType, "Accept-Encoding", "gzip")
		compressed := p.expect(t, 200, "GET", "/api/v1/sites?limit=200", "", gzipHeaders...)
		if text := gunzip(t, compressed); text != string(plain.body) || len(compressed.body)*2 > len(plain.body) {
			t.Errorf("%s: %d bytes, %d compressed, %d decompressed",
				mediaType, len(plain.body), len(compressed.body), len(text))
		}
		if vary := strings.Join(compressed.header.Values("Vary"), ","); !strings.Contains(vary, "Accept-Encoding") {
			t.Errorf("%s: Vary %q", mediaType, vary)
		}
	}

	var site struct{ ID int }
	longSite := fmt.Sprintf(`{"name": "Long", "address": %q}`, strings.Repeat("Street ", 1000))
	p.expect(t, 201, "POST", "/api/v1/sites", longSite, p.asAdmin()...).decode(t, &site)
	path := fmt.Sprintf("/api/v1/sites/%d", site.ID)
	cached := p.expect(t, 200, "GET", path, "", p.asAdmin("Accept-Encoding", "gzip")...)
	gunzip(t, cached)
	etag := cached.header.Get("ETag")
	if !strings.HasPrefix(etag, "W/") {
		t.Fatalf("control: the ETag of a compressed response is not weak: %s", etag)
	}
	p.expect(t, 304, "GET", path, "", p.asAdmin("Accept-Encoding", "gzip", "If-None-Match", etag)...)
	p.expect(t, 200, "PATCH", path, `{"contact": "First"}`, p.asAdmin("If-Match", etag)...)
	p.expect(t, 412, "PATCH", path, `{"contact": "Late"}`, p.asAdmin("If-Match", etag)...)
	p.expect(t, 200, "PATCH", path, `{"contact": "Unconditional"}`, p.asAdmin("If-Match", "*")...)
}

// A streamClient is a client of an open event stream.
type streamClient struct {
	lines  chan string
	header http.Header
	status int
}

// openStream opens the event stream and closes it after the timeout or when the test ends.
func (p *prodStack) openStream(t *testing.T, timeout time.Duration) streamClient {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, "GET", p.url("/api/v1/stream"), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+p.token)
	request.Header.Set("Accept-Encoding", "gzip")
	resp, err := (&http.Client{Transport: composeClient.Transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	stream := streamClient{make(chan string, 1000), resp.Header, resp.StatusCode}
	go func() {
		defer close(stream.lines)
		defer resp.Body.Close()
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			stream.lines <- lines.Text()
		}
	}()
	return stream
}

// awaitLine waits for a line that contains the substring.
func (client streamClient) awaitLine(t *testing.T, substring string, timeout time.Duration) {
	t.Helper()
	start, expired := time.Now(), time.After(timeout)
	for {
		select {
		case line, open := <-client.lines:
			if !open {
				t.Fatalf("the stream ended after %v", time.Since(start))
			}
			if strings.Contains(line, substring) {
				return
			}
		case <-expired:
			t.Fatalf("the stream did not send %s within %v", substring, timeout)
		}
	}
}

// recordEvent records an event and returns its ID.
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
	// Longer than proxy_read_timeout of other requests and than the API's heartbeat interval.
	const idle = 27 * time.Second
	stream := p.openStream(t, time.Minute)
	if stream.status != 200 || stream.header.Get("Content-Encoding") != "" ||
		!strings.HasPrefix(stream.header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("the stream: %d %v", stream.status, stream.header)
	}
	for i := range int64(3) { // both instances record some of them
		stream.awaitLine(t, p.recordEvent(t, 7001, i), 3*time.Second)
	}
	time.Sleep(idle)
	stream.awaitLine(t, p.recordEvent(t, 7001, 10), 3*time.Second)
}

// sessionAddress signs in with these headers and returns the client address that the API recorded for the session.
func (p *prodStack) sessionAddress(t *testing.T, headers ...string) string {
	t.Helper()
	auth := p.signIn(t, headers...)
	var sessions []struct {
		Address string
		Own     bool // the session of this request
	}
	p.expect(t, 200, "GET", "/auth/token?limit=1000", "", auth...).decode(t, &sessions)
	for _, s := range sessions {
		if s.Own {
			return s.Address
		}
	}
	t.Fatalf("no session is marked as own: %+v", sessions)
	return ""
}

func (p *prodStack) testClientAddress(t *testing.T) {
	const forged = "203.0.113.7"
	forgedHeaders := []string{"X-Forwarded-For", forged, "X-Real-Ip", forged, "Forwarded", "for=" + forged}
	if got := p.sessionAddress(t, forgedHeaders...); got != p.network+".1" {
		t.Errorf("a client that claims to be %s has the address %s, want %s.1", forged, got, p.network)
	}
	if count := p.psql(t, "SELECT count(*) FROM login_attempt WHERE subject LIKE '%203.0.113%'"); count != "0" {
		t.Error("sign-in attempts were counted for a forged address")
	}
	p.withEnv("TRUSTED_PROXIES="+p.network+".1").compose(t, "up", "-d", "--no-deps", "--wait", "proxy")
	defer p.compose(t, "up", "-d", "--no-deps", "--wait", "proxy")
	if got := p.sessionAddress(t, forgedHeaders...); got != forged {
		t.Errorf("a trusted proxy reports %s, but the client has the address %s", forged, got)
	}
	if got := p.sessionAddress(t, "X-Forwarded-For", "198.51.100.1, "+forged); got != forged {
		t.Errorf("the client has the address %s, want %s, which the trusted proxy added last", got, forged)
	}
}

// testLimits exceeds the limits of requests and of connections per client address.
func (p *prodStack) testLimits(t *testing.T) {
	var rejected, sent atomic.Int64
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for rejected.Load() < 100 && sent.Add(1) < 40000 {
				request, _ := http.NewRequest("GET", p.url("/healthcheck"), nil) // the URL is valid
				resp, err := roundTrip(client, request)
				switch {
				case err != nil:
					t.Errorf("no response: %v", err)
					return
				case resp.status == 429:
					rejected.Add(1)
					resp.assertNginxProblem(t, "too many requests", 429)
				case resp.status != 200:
					t.Errorf("status %d: %.200s", resp.status, resp.body)
				}
			}
		})
	}
	workers.Wait()
	if rejected.Load() < 100 {
		t.Errorf("%d of %d requests were rejected, want at least 100", rejected.Load(), sent.Load())
	}
	time.Sleep(time.Second)
	p.expect(t, 200, "GET", "/healthcheck", "")

	// An instance has at most 100 streams of an account. It refuses one if nginx has not used both in turn, for example
	// because it leaves out an instance for a second after an error.
	const connections = 200
	time.Sleep(3 * time.Second)
	for open, refused := 0, 0; open < connections; {
		switch stream := p.openStream(t, time.Minute); {
		case stream.status == 200:
			open++
		case stream.status == 429 && refused < 10:
			refused++
			time.Sleep(time.Second)
		default:
			t.Fatalf("connection %d: status %d after %d refused ones", open+1, stream.status, refused)
		}
	}
	p.send(t, "GET", "/healthcheck", "").assertNginxProblem(t, "too many connections", 429)
}
