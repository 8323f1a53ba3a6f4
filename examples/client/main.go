// Command client shows how a program uses Labledger with nothing but the standard library:
//
//   - it signs in, when it has a name and a password, stays signed in (refresh tokens), and signs out;
//   - it lists the sites;
//   - it changes a site only as it knows it (ETag, If-Match); when somebody was faster, it reads again and repeats its change;
//   - it records each event once however often it has to send it (Idempotency-Key); after 503 or 409 it tries again, later each time;
//   - it follows the live stream, and after a break goes on where it was (Last-Event-ID);
//   - it says why alerts were raised.
//
// Its site and its events stay in the database, so point it at one to try things out:
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
	attempts    = 6                // to do one thing
	renewBefore = 30 * time.Second // before it ends an access token is renewed
)

type row = map[string]any // the body is the row, as JSON; columns that may be null are null

// A client of one goroutine. Without a name it goes to an open server.
type client struct {
	url, user, password string
	access, refresh     string    // tokens; "" before it has signed in
	expiresAt           time.Time // the access token is good
}

func main() {
	log.SetFlags(0)
	url := flag.String("url", "http://127.0.0.1:5000", "where the server is")
	user := flag.String("user", "", "name to sign in with; the password comes from LABLEDGER_PASSWORD, since everyone on the machine can see flags")
	followFor := flag.Duration("follow", 2*time.Second, "how long to follow the live stream")
	flag.Parse()
	c := &client{url: *url, user: *user, password: os.Getenv("LABLEDGER_PASSWORD")}
	if err := c.signInAndRun(context.Background(), *followFor); err != nil {
		log.Fatalln("client:", err)
	}
}

// signInAndRun runs, signed in if there is a name.
func (c *client) signInAndRun(ctx context.Context, followFor time.Duration) error {
	if c.user == "" {
		return c.run(ctx, followFor)
	}
	if err := c.signIn(ctx); err != nil {
		return err
	}
	fmt.Println("Signed in as", c.user)
	err := c.run(ctx, followFor)
	return errors.Join(err, c.signOut(ctx)) // also after an error
}

func (c *client) run(ctx context.Context, followFor time.Duration) error {
	fmt.Println("Sites")
	var sites []row
	if _, err := c.call(ctx, "GET", "/api/v1/sites?limit=3", nil, nil, &sites); err != nil {
		return err
	}
	for _, s := range sites {
		fmt.Printf("  %v  %v\n", s["id"], s["name"])
	}

	fmt.Println("A site with two writers")
	tries := 0
	s, err := c.updateSite(ctx, "/api/v1/sites/100", func(s row) error {
		s["name"], s["country"] = "Example", "Iceland"
		if tries++; tries > 1 {
			return nil
		}
		fmt.Println("  a colleague stores it, too, after we have read it and before we write")
		_, err := c.updateSite(ctx, "/api/v1/sites/100", func(s row) error {
			s["name"], s["contact"] = "Sample", "Ada Lovelace"
			return nil
		})
		return err
	})
	if err != nil {
		return err
	}
	fmt.Printf("  name %v, contact %v, country %v: neither change is lost\n", s["name"], s["contact"], s["country"])

	// Where the stream stands before the events, so that it can tell of them afterwards.
	position, err := c.listen(ctx, "", func(string, row) bool { return false })
	if err != nil {
		return err
	}
	fmt.Println("Events")
	now := time.Now().Unix()
	for _, e := range []row{{"type": "deposit", "amount": "120.50"}, {"type": "deposit", "amount": "120.50"}, {"type": "withdraw", "amount": "142.50"}} {
		e["user_id"], e["time"] = 1, now
		recorded, err := c.recordEvent(ctx, e)
		if err != nil {
			return err
		}
		fmt.Printf("  %v of %v: rules that fired %v\n", e["type"], e["amount"], recorded["alert_codes"])
	}
	fmt.Println("The live stream")
	if err := c.follow(ctx, position, followFor); err != nil {
		return err
	}

	fmt.Println("The latest alerts")
	var alerts []struct{ Reasons []row }
	_, err = c.call(ctx, "GET", "/api/v1/alerts?user_id=1&order=desc&limit=2", nil, nil, &alerts)
	for _, alert := range alerts {
		for _, r := range alert.Reasons {
			fmt.Printf("  %v  %v: %v, the limit is %v (version %v of the rule)\n", r["code"], r["title"], r["value"], r["limit_at_risk"], r["version"])
		}
	}
	return err
}

// updateSite applies a change to a site, and makes the site when it is not there. When somebody else was faster the change is made again,
// to what the site has become.
func (c *client) updateSite(ctx context.Context, path string, change func(row) error) (s row, err error) {
	for range attempts {
		s = row{"name": nil, "contact": nil, "address": nil, "state_or_region": nil, "country": nil, "postcode_or_zip": nil}
		known := http.Header{"If-None-Match": {"*"}} // nothing is known, so replace nothing
		response, err := c.call(ctx, "GET", path, nil, nil, &s)
		switch {
		case err == nil:
			known = http.Header{"If-Match": {response.Header.Get("ETag")}}
		case response == nil || response.StatusCode != http.StatusNotFound:
			return nil, err
		}
		if err := change(s); err != nil {
			return nil, err
		}
		response, err = c.call(ctx, "PUT", path, known, s, &s)
		if response == nil || response.StatusCode != http.StatusPreconditionFailed {
			return s, err
		}
		fmt.Printf("  somebody was faster: %v\n", err)
	}
	return nil, fmt.Errorf("%s changes too often", path)
}

// recordEvent sends an event until it is known to be recorded. All tries carry one key, so that it is recorded once.
func (c *client) recordEvent(ctx context.Context, event row) (recorded row, err error) {
	key := http.Header{"Idempotency-Key": {crypto.Text()}}
	pause := 100 * time.Millisecond
	for range attempts {
		var response *http.Response
		response, err = c.call(ctx, "POST", "/api/v1/events", key, event, &recorded)
		wait := pause + rand.N(pause) // so that not all clients come back at once
		switch {
		case err == nil:
			return recorded, nil
		case response == nil: // it may have arrived, or not
		case response.StatusCode == http.StatusServiceUnavailable, response.StatusCode == http.StatusConflict:
			seconds, _ := strconv.Atoi(response.Header.Get("Retry-After")) // 0 without
			wait = max(wait, time.Duration(seconds)*time.Second)
		default:
			return nil, err
		}
		fmt.Printf("  once more, with the same key: %v\n", err)
		time.Sleep(wait)
		pause *= 2
	}
	return nil, err
}

// follow tells what the live stream says after a position, for a moment.
func (c *client) follow(ctx context.Context, position string, followFor time.Duration) error {
	followCtx, cancel := context.WithTimeout(ctx, followFor)
	defer cancel()
	for {
		var err error
		position, err = c.listen(followCtx, position, func(kind string, r row) bool {
			switch kind {
			case "event":
				fmt.Printf("  event: %v of %v\n", r["type"], r["amount"])
			case "alert":
				fmt.Printf("  alert: rules that fired %v\n", r["alert_codes"])
			}
			return true
		})
		if followCtx.Err() != nil {
			return ctx.Err() // nil when the moment is over
		}
		fmt.Printf("  the stream broke off (%v): going on after the last message\n", err)
		time.Sleep(200 * time.Millisecond)
	}
}

// listen reads the stream after a position ("" is now) until it breaks off or got wants no more, and returns the position of the last
// message. Some messages, such as the first, have no data: they tell the position alone.
func (c *client) listen(ctx context.Context, position string, handle func(kind string, data row) bool) (string, error) {
	response, err := c.send(ctx, "GET", "/api/v1/stream?user_id=1", http.Header{"Last-Event-ID": {position}}, nil)
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
		case "": // the end of a message; also a comment, which has nothing before its colon
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

// call sends JSON, or nothing, and reads JSON into out. With an error there may be an answer, too, which says more.
func (c *client) call(ctx context.Context, method, path string, header http.Header, in, out any) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	response, err := c.send(ctx, method, path, header, in)
	if err != nil {
		return response, err
	}
	defer func() { _ = response.Body.Close() }()
	decoder := json.NewDecoder(response.Body)
	decoder.UseNumber() // 1000000, not 1e+06
	if err := decoder.Decode(out); err != nil {
		return nil, err // it broke off: as if there were none
	}
	return response, nil
}

// signIn gets tokens for a name and a password.
func (c *client) signIn(ctx context.Context) error {
	_, err := c.requestTokens(ctx, "/auth/login", row{"username": c.user, "password": c.password})
	return err
}

// renew gets new tokens for the refresh token, which is good once. When no answer comes it asks again, at once: it gets the same tokens then.
func (c *client) renew(ctx context.Context) error {
	for try := 1; ; try++ {
		response, err := c.requestTokens(ctx, "/auth/refresh", row{"refresh_token": c.refresh})
		if err == nil || response != nil || try == attempts {
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
	c.access = "" // this call needs none
	response, err := c.call(ctx, "POST", path, nil, in, &tokens)
	if err == nil {
		c.access, c.refresh, c.expiresAt = tokens.Access, tokens.Refresh, time.Now().Add(time.Duration(tokens.Seconds)*time.Second)
	}
	return response, err
}

// signOut ends the session, and its tokens with it.
func (c *client) signOut(ctx context.Context) error {
	if c.access == "" {
		return nil // it has ended
	}
	var session row
	_, err := c.call(ctx, "POST", "/auth/logout", nil, nil, &session)
	return err
}

// send returns an answer with its body open. What is no success is an error, too, and closed. Who is signed in sends the access token, and gets
// a new one before it expires, or when it is refused.
func (c *client) send(ctx context.Context, method, path string, header http.Header, in any) (*http.Response, error) {
	if c.access == "" {
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

func (c *client) sendOnce(ctx context.Context, method, path string, header http.Header, in any) (*http.Response, error) {
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
	if c.access != "" {
		r.Header.Set("Authorization", "Bearer "+c.access)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil || response.StatusCode < 300 {
		return response, err
	}
	defer func() { _ = response.Body.Close() }()
	var problem struct{ Detail string } // and more, see RFC 9457
	_ = json.NewDecoder(response.Body).Decode(&problem)
	return response, fmt.Errorf("%s %s: %s. %s", method, path, response.Status, problem.Detail)
}
