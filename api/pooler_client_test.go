//go:build pooler

package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"labledger/api/rest"
	"labledger/internal/apitest"
)

// A rowState is the version of a row that a change created, or that a delete removed. Exactly one request can have
// caused it.
type rowState struct {
	table, key, action string
	version            int64
}

// An author is the actor and the request that the history must contain.
type author struct{ Actor, Request string }

// A writeLog records the author of each acknowledged change, as known from the responses.
type writeLog struct {
	sync.Mutex
	authors map[rowState]author
}

// add records the author of changes.
func (l *writeLog) add(by author, all ...rowState) {
	l.Lock()
	defer l.Unlock()
	for _, s := range all {
		l.authors[s] = by
	}
}

// compare compares the history with the log. It returns changes with the wrong author, logged changes that are missing
// in the history, and unexpected changes in the history.
func (l *writeLog) compare(history []historyRow) (misattributed, missing, unexpected []string) {
	seen := map[rowState]bool{}
	for _, r := range history {
		by, known := l.authors[r.rowState]
		switch {
		case !known || seen[r.rowState]:
			unexpected = append(unexpected, fmt.Sprintf("%+v", r))
		case by != r.author:
			misattributed = append(misattributed, fmt.Sprintf("%+v, want author %+v", r, by))
		}
		seen[r.rowState] = true
	}
	for s, by := range l.authors {
		if !seen[s] {
			missing = append(missing, fmt.Sprintf("%+v by %+v", s, by))
		}
	}
	return misattributed, missing, unexpected
}

// A historyRow is one change of the history.
type historyRow struct {
	rowState
	author
}

// readHistory pages through the changes after an ID to their end.
func readHistory(t *testing.T, h http.Handler, after int64) (history []historyRow, last int64) {
	t.Helper()
	last = after
	for {
		resp := apitest.Do(h, "GET", fmt.Sprintf("/api/v1/changes?limit=%d&after=%d", rest.MaxPageSize, last), "")
		var page []struct {
			ID        int64
			Actor     string
			RequestID *string `json:"request_id"`
			Table     string  `json:"table_name"`
			Key       string  `json:"row_key"`
			Action    string
			Before    *struct{ Version int64 }
			After     *struct{ Version int64 }
		}
		if err := json.Unmarshal(resp.Body.Bytes(), &page); err != nil || resp.Code != http.StatusOK {
			t.Fatalf("%d %.200s: %v", resp.Code, resp.Body, err)
		}
		if len(page) == 0 {
			return history, last
		}
		for _, c := range page {
			r := historyRow{rowState{c.Table, c.Key, c.Action, 0}, author{Actor: c.Actor, Request: "none"}}
			if c.RequestID != nil {
				r.Request = *c.RequestID
			}
			if c.After != nil {
				r.version = c.After.Version
			} else {
				r.version = c.Before.Version
			}
			history, last = append(history, r), c.ID
		}
	}
}

// A poolerClient sends requests as its own actor and records its changes.
type poolerClient struct {
	t      *testing.T
	h      http.Handler
	actor  string
	writes *writeLog
	sent   int
}

// do sends one request and records the change, unless action is "".
func (c *poolerClient) do(
	action string, want int, method, target, body string, header ...string,
) (row struct{ ID, Version int64 }) {
	c.sent++
	self := author{c.actor, fmt.Sprintf("%s.%d", c.actor, c.sent)}
	resp := apitest.Do(c.h, method, target, body, append(header, "X-Request-Id: "+self.Request)...)
	if resp.Code != want || resp.Header().Get("X-Request-Id") != self.Request {
		c.t.Errorf("%s %s: status %d, want %d; request %s: %.300s",
			method, target, resp.Code, want, resp.Header().Get("X-Request-Id"), resp.Body)
		return row
	}
	if action == "" {
		return row
	}
	var full struct {
		ID, Version int64
		UUID        *string
	}
	if err := json.Unmarshal(resp.Body.Bytes(), &full); err != nil {
		c.t.Errorf("%s %s: %v: %.300s", method, target, err, resp.Body)
	}
	table := strings.TrimSuffix(strings.Split(strings.TrimPrefix(target, "/api/v1/"), "/")[0], "s")
	key := fmt.Sprint(full.ID)
	if full.UUID != nil {
		key = *full.UUID
	}
	c.writes.add(self, rowState{table, key, action, full.Version})
	row.ID, row.Version = full.ID, full.Version
	return row
}

// round sends one request for each way in which the API uses a connection.
func (c *poolerClient) round() {
	const ok, created, failed = http.StatusOK, http.StatusCreated, http.StatusPreconditionFailed
	computer := fmt.Sprintf(`{"name":"of %s","mac":null,"site_id":1}`, c.actor)
	row := c.do("insert", created, "POST", "/api/v1/computers", computer)
	c.do("", created, "POST", "/api/v1/computers?dry_run=true", `{"name":"dry","mac":null,"site_id":1}`)
	one := fmt.Sprintf("/api/v1/computers/%d", row.ID)
	c.do("update", ok, "PATCH", one, `{"name":"patched"}`)
	c.do("", ok, "PATCH", one+"?dry_run=true", `{"name":"dry"}`)
	c.do("", failed, "PATCH", one, `{"name":"stale"}`, `If-Match: "1"`) // the error aborts the transaction
	c.do("", http.StatusConflict, "DELETE", "/api/v1/sites/1", "")      // a constraint aborts the transaction
	c.do("", ok, "GET", "/api/v1/computers?limit=10", "")
	c.do("", ok, "GET", "/api/v1/computers?limit=10&site_id=1&name=patched", "")
	contact := fmt.Sprintf(`{"contact":"%s.%d"}`, c.actor, c.sent)
	c.do("update", ok, "PATCH", "/api/v1/sites/2", contact) // all clients update this row
	c.do("", ok, "GET", "/api/v1/instruments?site_id=1", "", "Accept: text/csv")
	box := "/api/v1/containers/" + uuid.NewString()
	c.do("insert", created, "PUT", box, containerBody("null", 1))
	c.do("update", ok, "POST", box, containerBody(`"full"`, 2))
	c.do("", ok, "DELETE", box+"?dry_run=true", "")
	c.do("", ok, "GET", box, "")
	c.do("delete", ok, "DELETE", box, "")
	c.do("", ok, "GET", "/api/v1/computers", "", "Accept: text/csv")
	c.do("delete", ok, "DELETE", one, "", `If-Match: "2"`)
}

// containerBody returns the JSON of a container with the description, also as JSON, in a freezer.
func containerBody(description string, freezerID int) string {
	return fmt.Sprintf(`{"description":%s,"freezer_id":%d,"barcode":null,"kind":null,"type":null,"owner":null,`+
		`"project":null,"quantity":null,"unit":null,"expires_on":null,"thaw_count":0,"rows":null,"columns":null,`+
		`"scheme":null,"blocked":null,"capacity":null,"parent_uuid":null,"position":null}`, description, freezerID)
}

// bulk imports one body of one and a half chunks.
func (c *poolerClient) bulk(dryRun bool) {
	const lines = 30
	var body strings.Builder
	var all []rowState
	body.WriteString("uuid,description,freezer_id\n")
	for range lines {
		key := uuid.NewString()
		fmt.Fprintf(&body, "%s,%s,1\n", key, strings.Repeat("x", importBytes/lines))
		all = append(all, rowState{"container", key, "insert", 1})
	}
	target := "/api/v1/containers"
	if dryRun {
		target += "?dry_run=true"
	}
	c.do("", http.StatusOK, "POST", target, body.String(), "Content-Type: text/csv")
	if !dryRun {
		c.writes.add(author{c.actor, fmt.Sprintf("%s.%d", c.actor, c.sent)}, all...)
	}
}
