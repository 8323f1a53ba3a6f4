// Command client shows how a program can use Labledger with only the standard library:
//
//   - With a user name, it signs in, renews its access token with the refresh token, and signs out.
//   - It lists sites.
//   - It updates a site only if the site is unchanged (ETag, If-Match). After a conflict it reads the site again and
//     repeats its change.
//   - It records each event exactly once, however often it sends the request (Idempotency-Key). After 503 or 409 it
//     retries with exponential backoff.
//   - It follows the live stream and resumes it after a disconnect (Last-Event-ID).
//   - It shows the reasons of alerts.
//
// The site and the events that it creates stay in the database, so use a test database:
//
//	go run ./examples/client -url http://127.0.0.1:5000
//	LABLEDGER_PASSWORD=… go run ./examples/client -user ada
package main

import (
	"bufio"
	"bytes"
	"context"
	crypto "crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	maxAttempts = 6
	renewBefore = 30 * time.Second // an access token is renewed this long before it expires
)

// row is a row as a JSON object. Nullable columns may be null.
type row = map[string]any

// client calls the API. It is not safe for concurrent use. Without a user it sends no token, for servers that do not
// require authentication.
type client struct {
	url, user, password       string
	accessToken, refreshToken string    // "" before signIn
	expiresAt                 time.Time // of the access token
}

func main() {
	log.SetFlags(0)
	url := flag.String("url", "http://127.0.0.1:5000", "base URL of the server")
	// A password flag would be visible to all users of the machine.
	user := flag.String("user", "", "user name to sign in with; the password is read from LABLEDGER_PASSWORD")
	followFor := flag.Duration("follow", 2*time.Second, "how long to follow the live stream")
	maxMessages := flag.Int("messages", 0, "stop following after this number of events and alerts; 0 for no limit")
	flag.Parse()
	c := &client{url: *url, user: *user, password: os.Getenv("LABLEDGER_PASSWORD")}
	if err := c.signInAndRun(context.Background(), *followFor, *maxMessages); err != nil {
		log.Fatalln("client:", err)
	}
}

// signInAndRun calls run, between signIn and signOut if there is a user.
func (c *client) signInAndRun(ctx context.Context, followFor time.Duration, maxMessages int) error {
	if c.user == "" {
		return c.run(ctx, followFor, maxMessages)
	}
	if err := c.signIn(ctx); err != nil {
		return err
	}
	fmt.Println("Signed in as", c.user)
	err := c.run(ctx, followFor, maxMessages)
	return errors.Join(err, c.signOut(ctx))
}

func (c *client) run(ctx context.Context, followFor time.Duration, maxMessages int) error {
	fmt.Println("Sites")
	if err := c.printSites(ctx); err != nil {
		return err
	}
	fmt.Println("A site with two writers")
	if err := c.updateWithConflict(ctx, "/api/v1/sites/100"); err != nil {
		return err
	}
	// The current position of the stream, to receive the following events later.
	position, err := c.listen(ctx, "", func(string, row) bool { return false })
	if err != nil {
		return err
	}
	fmt.Println("Events")
	if err := c.recordEvents(ctx); err != nil {
		return err
	}
	fmt.Println("The live stream")
	if err := c.follow(ctx, position, followFor, maxMessages); err != nil {
		return err
	}
	fmt.Println("The latest alerts")
	return c.printAlerts(ctx)
}

func (c *client) printSites(ctx context.Context) error {
	var sites []row
	_, err := c.call(ctx, "GET", "/api/v1/sites?limit=3", nil, nil, &sites)
	for _, s := range sites {
		fmt.Printf("  %v  %v\n", s["id"], s["name"])
	}
	return err
}

// updateWithConflict updates a site that another client changes at the same time.
func (c *client) updateWithConflict(ctx context.Context, path string) error {
	attempt := 0
	site, err := c.updateSite(ctx, path, func(s row) error {
		s["name"], s["country"] = "Example", "Iceland"
		if attempt++; attempt > 1 {
			return nil
		}
		fmt.Println("  another client changes the site between our read and our write")
		_, err := c.updateSite(ctx, path, func(s row) error {
			s["name"], s["contact"] = "Sample", "Ada Lovelace"
			return nil
		})
		return err
	})
	if err != nil {
		return err
	}
	fmt.Printf("  name %v, contact %v, country %v: both changes are stored\n",
		site["name"], site["contact"], site["country"])
	return nil
}

func (c *client) recordEvents(ctx context.Context) error {
	now := time.Now().Unix()
	for _, event := range []row{
		{"type": "deposit", "amount": "120.50"},
		{"type": "deposit", "amount": "120.50"},
		{"type": "withdraw", "amount": "142.50"},
	} {
		event["user_id"], event["time"] = 1, now
		recorded, err := c.recordEvent(ctx, event)
		if err != nil {
			return err
		}
		fmt.Printf("  %v of %v: rules that fired: %v\n", event["type"], event["amount"], recorded["alert_codes"])
	}
	return nil
}

func (c *client) printAlerts(ctx context.Context) error {
	var alerts []struct{ Reasons []row }
	_, err := c.call(ctx, "GET", "/api/v1/alerts?user_id=1&sort=-id&limit=2", nil, nil, &alerts)
	for _, alert := range alerts {
		for _, r := range alert.Reasons {
			fmt.Printf("  %v  %v: value %v, limit %v (version %v of the rule)\n",
				r["code"], r["title"], r["value"], r["limit_at_risk"], r["version"])
		}
	}
	return err
}

// updateSite applies a change to a site, or creates the site if it does not exist. After a conflict it reads the site
// again and repeats the change.
func (c *client) updateSite(ctx context.Context, path string, change func(row) error) (site row, err error) {
	for range maxAttempts {
		site = row{
			"name": nil, "contact": nil, "address": nil, "state_or_region": nil, "country": nil, "postcode_or_zip": nil,
		}
		precondition := http.Header{"If-None-Match": {"*"}} // create only
		response, err := c.call(ctx, "GET", path, nil, nil, &site)
		switch {
		case err == nil:
			precondition = http.Header{"If-Match": {response.Header.Get("ETag")}}
		case response == nil || response.StatusCode != http.StatusNotFound:
			return nil, err
		}
		if err := change(site); err != nil {
			return nil, err
		}
		response, err = c.call(ctx, "PUT", path, precondition, site, &site)
		if response == nil || response.StatusCode != http.StatusPreconditionFailed {
			return site, err
		}
		fmt.Printf("  conflict, trying again: %v\n", err)
	}
	return nil, fmt.Errorf("%s: still conflicting after %d attempts", path, maxAttempts)
}

// recordEvent sends an event until the server confirms it. All attempts carry the same key, so the event is recorded
// once.
func (c *client) recordEvent(ctx context.Context, event row) (recorded row, err error) {
	key := http.Header{"Idempotency-Key": {crypto.Text()}}
	backoff := 100 * time.Millisecond
	for range maxAttempts {
		var response *http.Response
		response, err = c.call(ctx, "POST", "/api/v1/events", key, event, &recorded)
		delay := backoff + rand.N(backoff) // jitter, so that clients do not retry in step
		switch {
		case err == nil:
			return recorded, nil
		case response == nil: // network error: the server may or may not have received the event
		case response.StatusCode == http.StatusServiceUnavailable, response.StatusCode == http.StatusConflict:
			seconds, _ := strconv.Atoi(response.Header.Get("Retry-After")) // 0 without the header
			delay = max(delay, time.Duration(seconds)*time.Second)
		default:
			return nil, err
		}
		fmt.Printf("  retrying with the same key: %v\n", err)
		time.Sleep(delay)
		backoff *= 2
	}
	return nil, err
}

// follow prints the events and alerts of the live stream after a position, for a duration, and at most maxMessages of
// them unless that is 0.
func (c *client) follow(ctx context.Context, position string, duration time.Duration, maxMessages int) error {
	followCtx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	for messages := 0; ; {
		var err error
		position, err = c.listen(followCtx, position, func(kind string, r row) bool {
			switch kind {
			case "event":
				fmt.Printf("  event: %v of %v\n", r["type"], r["amount"])
			case "alert":
				fmt.Printf("  alert: rules that fired: %v\n", r["alert_codes"])
			default:
				return true
			}
			messages++
			return messages != maxMessages
		})
		if followCtx.Err() != nil || maxMessages > 0 && messages == maxMessages {
			return ctx.Err() // nil if only the duration has elapsed
		}
		fmt.Printf("  the stream was interrupted (%v): resuming after the last message\n", err)
		time.Sleep(200 * time.Millisecond)
	}
}

// listen reads the stream from a position ("" for now) until the connection ends or handle returns false. It returns
// the position of the last message. Some messages, such as the first, have only a position and no data.
func (c *client) listen(ctx context.Context, position string, handle func(kind string, data row) bool) (string, error) {
	header := http.Header{"Last-Event-ID": {position}}
	response, err := c.send(ctx, "GET", "/api/v1/stream?user_id=1", header, nil)
	if err != nil {
		return position, err
	}
	defer func() { _ = response.Body.Close() }()
	var id, kind string
	var data row
	lines := bufio.NewScanner(response.Body)
	for lines.Buffer(nil, 1<<20); lines.Scan(); {
		switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
		case "id":
			id = value
		case "event":
			kind = value
		case "data":
			if err := json.Unmarshal([]byte(value), &data); err != nil {
				return position, err
			}
		case "": // an empty line ends a message; a line that starts with a colon is a comment
			if id != "" {
				position = id
				if !handle(kind, data) {
					return position, nil
				}
			}
			id, kind, data = "", "", nil
		}
	}
	return position, lines.Err()
}

// call sends a request with an optional JSON body and decodes the JSON response into out. If the server returned an
// error status, call returns both an error and the response, for its status and headers.
func (c *client) call(
	ctx context.Context, method, path string, header http.Header, in, out any,
) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	response, err := c.send(ctx, method, path, header, in)
	if err != nil {
		return response, err
	}
	defer func() { _ = response.Body.Close() }()
	decoder := json.NewDecoder(response.Body)
	decoder.UseNumber() // prints 1000000, not 1e+06
	if err := decoder.Decode(out); err != nil {
		return nil, err // the response is incomplete, so treat it as missing
	}
	return response, nil
}

// signIn requests tokens with the user name and the password.
func (c *client) signIn(ctx context.Context) error {
	_, err := c.requestTokens(ctx, "/auth/login", row{"username": c.user, "password": c.password})
	return err
}

// renew requests new tokens with the refresh token, which is valid once. If the response is lost it retries
// immediately: within 10 seconds the server accepts the token again.
func (c *client) renew(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		response, err := c.requestTokens(ctx, "/auth/refresh", row{"refresh_token": c.refreshToken})
		if err == nil || response != nil || attempt == maxAttempts {
			return err
		}
	}
}

func (c *client) requestTokens(ctx context.Context, path string, in row) (*http.Response, error) {
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Seconds int    `json:"expires_in"`
	}
	c.accessToken = "" // this request is sent without a token
	response, err := c.call(ctx, "POST", path, nil, in, &tokens)
	if err == nil {
		c.accessToken, c.refreshToken = tokens.Access, tokens.Refresh
		c.expiresAt = time.Now().Add(time.Duration(tokens.Seconds) * time.Second)
	}
	return response, err
}

// signOut revokes the session and its tokens.
func (c *client) signOut(ctx context.Context) error {
	if c.accessToken == "" {
		return nil // the session has already ended
	}
	var session row
	_, err := c.call(ctx, "POST", "/auth/logout", nil, nil, &session)
	return err
}

// send sends a request and returns the response with its body open. After signIn it adds the access token, and renews
// it before it expires and when the server rejects it. An error status gives an error and the response with its body
// closed.
func (c *client) send(
	ctx context.Context, method, path string, header http.Header, in any,
) (*http.Response, error) {
	if c.accessToken == "" {
		return c.sendOnce(ctx, method, path, header, in)
	}
	if time.Until(c.expiresAt) < renewBefore {
		if err := c.renew(ctx); err != nil {
			return nil, err
		}
	}
	response, err := c.sendOnce(ctx, method, path, header, in)
	if response == nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	if err := c.renew(ctx); err != nil {
		return nil, err
	}
	return c.sendOnce(ctx, method, path, header, in)
}

func (c *client) sendOnce(
	ctx context.Context, method, path string, header http.Header, in any,
) (*http.Response, error) {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, c.url+path, &body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	maps.Copy(r.Header, header)
	if c.accessToken != "" {
		r.Header.Set("Authorization", "Bearer "+c.accessToken)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil || response.StatusCode < 300 {
		return response, err
	}
	defer func() { _ = response.Body.Close() }()
	var problem struct{ Detail string } // RFC 9457 defines more members
	_ = json.NewDecoder(response.Body).Decode(&problem)
	return response, fmt.Errorf("%s %s: %s. %s", method, path, response.Status, problem.Detail)
}
