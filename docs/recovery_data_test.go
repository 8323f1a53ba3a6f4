package docs_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// tableSums returns the number of rows and a hash of each table.
func tableSums(t *testing.T, url string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, url+"&timezone=UTC")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	sums := map[string]string{}
	tables := mustValue(t, url, "SELECT string_agg(tablename, ' ') FROM pg_tables WHERE schemaname = 'public'")
	for table := range strings.FieldsSeq(tables) {
		var sum string
		sql := fmt.Sprintf(`SELECT count(*) || ' ' || md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), ''))
			FROM %s AS t`, table)
		if err := conn.QueryRow(ctx, sql).Scan(&sum); err != nil {
			t.Fatalf("table %s: %v", table, err)
		}
		sums[table] = sum
	}
	return sums
}

// changedTables describes the tables that differ between two results of tableSums.
func changedTables(before, after map[string]string) (changed []string) {
	for table, sum := range before {
		if after[table] != sum {
			changed = append(changed, fmt.Sprintf("%s: %s, was %s", table, after[table], sum))
		}
	}
	if len(before) != len(after) {
		changed = append(changed, fmt.Sprintf("%d tables, were %d", len(after), len(before)))
	}
	slices.Sort(changed)
	return changed
}

// readStream reads the stream from a position until a message contains text. It returns the position of that message.
func (r *recoveryTest) readStream(lastEventID, text string) (position string) {
	t := r.t
	ctx, cancel := context.WithTimeout(t.Context(), waitTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.api.URL+"/api/v1/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", lastEventID)
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	matched := false
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if id, isID := strings.CutPrefix(lines.Text(), "id: "); isID {
			position = id
		}
		matched = matched || strings.Contains(lines.Text(), text)
		if matched && lines.Text() == "" {
			return position
		}
	}
	t.Fatalf("stream after %s ended without %s: %s, %v", lastEventID, text, response.Status, lines.Err())
	return ""
}

// intField returns a field of a JSON object.
func intField(t *testing.T, object, name string) int64 {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(object), &fields); err != nil {
		t.Fatal(err)
	}
	n, ok := fields[name].(float64)
	if !ok {
		t.Fatalf("no number %s in %s", name, object)
	}
	return int64(n)
}

// An attachment is the response to an upload.
type attachment struct {
	ID  int64
	URL string
}

// attach uploads a file as a browser does.
func (r *recoveryTest) attach(text string) (uploaded attachment) {
	const form = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"notes.txt\"\r\n\r\n%s\r\n--B--\r\n"
	header := http.Header{"Content-Type": {"multipart/form-data; boundary=B"}}
	response := r.api.SendAs(header, http.MethodPost, "/upload", fmt.Sprintf(form, text), http.StatusCreated)
	if err := json.Unmarshal([]byte(response), &uploaded); err != nil {
		r.t.Fatal(err)
	}
	return uploaded
}

// deposit records an event of user 7, with an idempotency key unless key is empty, and returns its ID.
func (r *recoveryTest) deposit(amount, key string) (id string) {
	body := fmt.Sprintf(`{"type": "deposit", "amount": %s, "user_id": 7, "time": 100}`, amount)
	event, err := postEvent(r.api.URL, key, body)
	if err != nil {
		r.t.Fatal(err)
	}
	return event.EventID
}

// checkLostLines checks that a CSV file of lost changes or events contains the wanted lines, and nothing that was
// recovered.
func checkLostLines(t *testing.T, file string, want []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	var got []string
	for _, row := range rows[1:] {
		if len(row) == 4 { // an event
			got = append(got, row[0]+" "+row[1])
			continue
		}
		var object struct{ Name string }
		if err := json.Unmarshal([]byte(cmp.Or(row[7], row[6])), &object); err != nil {
			t.Fatal(err)
		}
		got = append(got, row[3]+" "+object.Name+" "+row[5])
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("%s: missing %q in %q", file, line, got)
		}
	}
	if slices.Contains(got, "site Kept insert") || slices.Contains(got, "deposit 150.00") {
		t.Errorf("%s contains recovered rows: %q", file, got)
	}
}
