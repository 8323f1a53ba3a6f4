package rest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

const siteRow = `{"name":"slow","contact":null,"address":null,"state_or_region":null,"country":null,` +
	`"postcode_or_zip":null}` + "\n"

// importSites sends an import of sites and returns its status.
func importSites(server *httptest.Server, body io.Reader) (status int, err error) {
	response, err := server.Client().Post(server.URL+"/api/v1/sites", rest.MediaTypeNDJSON, body)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// TestLongTransferLimit uses up all transfer slots with imports that do not end. A further import gets 503, short
// requests are served, and all rows are stored once the imports end.
func TestLongTransferLimit(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	server := httptest.NewServer(apitest.NewPublic(pool))
	defer server.Close()
	n := int(pool.Config().MaxConns / 2)
	var wg sync.WaitGroup
	var uploads []*io.PipeWriter
	for range n {
		body, upload := io.Pipe()
		defer func() { _ = upload.Close() }() // or server.Close would wait forever after a failure
		uploads = append(uploads, upload)
		wg.Go(func() {
			if status, err := importSites(server, body); status != http.StatusOK {
				t.Errorf("slow import: status %d, %v; want 200", status, err)
			}
		})
	}
	for _, upload := range uploads { // more than a chunk, so that each import holds a connection
		if _, err := io.WriteString(upload, strings.Repeat(siteRow, rest.MaxChunkRows+1)); err != nil {
			t.Fatal(err)
		}
	}
	pgtest.WaitFor(t, "each import holds a connection", func() bool { return int(pool.Stat().AcquiredConns()) >= n })
	if status, err := importSites(server, strings.NewReader(siteRow)); status != http.StatusServiceUnavailable {
		t.Errorf("import above the limit: status %d, %v; want 503", status, err)
	}
	if w := apitest.Do(server.Config.Handler, "GET", "/site/1", ""); w.Code != http.StatusOK {
		t.Errorf("short request: %d %s", w.Code, w.Body)
	}
	for _, upload := range uploads {
		_ = upload.Close() // never fails
	}
	wg.Wait()
	if status, err := importSites(server, strings.NewReader(siteRow)); status != http.StatusOK {
		t.Errorf("import after the others ended: status %d, %v; want 200", status, err)
	}
	rows := pgtest.QueryValue[int](t, pool, "SELECT count(*) FROM site WHERE name = 'slow'")
	if want := n*(rest.MaxChunkRows+1) + 1; rows != want {
		t.Errorf("%d rows are stored, want %d", rows, want)
	}
}

// TestImport_errorLimit: the response lists at most 1,000 errors, found by the server or by the database, and says
// whether there are more. No row is stored.
func TestImport_errorLimit(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	const valid = `{"name":"valid","site_id":1}` + "\n"
	for name, row := range map[string]string{
		"server":   `{"name":" ","site_id":1}`,  // blank
		"database": `{"name":"a","site_id":99}`, // there is no such site
	} {
		for rows, truncated := range map[int]bool{rest.MaxReportedErrors: false, rest.MaxReportedErrors + 1: true} {
			body := valid + strings.Repeat(row+"\n", rows)
			w := apitest.Do(h, "POST", "/api/v1/freezers", body, "Content-Type: "+rest.MediaTypeNDJSON)
			var p problem.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusBadRequest {
				t.Fatalf("%s, %d errors: %d %.500s: %v", name, rows, w.Code, w.Body, err)
			}
			last := p.Errors[len(p.Errors)-1].Line
			if len(p.Errors) != rest.MaxReportedErrors || p.Truncated != truncated || last != rest.MaxReportedErrors+1 {
				t.Errorf("%s, %d errors: %d are listed, the last one of line %d, truncated %t",
					name, rows, len(p.Errors), last, p.Truncated)
			}
			if hasField := strings.Contains(w.Body.String(), `"truncated":`); hasField != truncated {
				t.Errorf("%s, %d errors: the response has the field truncated: %t", name, rows, hasField)
			}
		}
	}
	if n := pgtest.QueryValue[int](t, pool, "SELECT count(*) FROM freezer WHERE name IN ('valid', 'a')"); n != 0 {
		t.Errorf("%d rows are stored, want none", n)
	}
}

// TestImport_readsRejectedBody: the server reads a rejected body to its end, because most clients send all of it before
// they read the response.
func TestImport_readsRejectedBody(t *testing.T) {
	t.Parallel()
	h := apitest.NewPublic(pgtest.Pool(t))
	for name, header := range map[string]http.Header{
		"invalid column":     {"Content-Type": {rest.MediaTypeCSV}},
		"conditional header": {"Content-Type": {rest.MediaTypeNDJSON}, "If-Match": {"*"}},
	} {
		body := strings.NewReader("column\n" + strings.Repeat(siteRow, 20_000))
		r := httptest.NewRequest("POST", "/api/v1/sites", body)
		r.Header = header
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || body.Len() > 0 {
			t.Errorf("%s: status %d, want 400; %d bytes are unread", name, w.Code, body.Len())
		}
	}
}

// TestImport_sameErrorsInAllFormats: the formats of a bulk body report the same errors.
func TestImport_sameErrorsInAllFormats(t *testing.T) {
	t.Parallel()
	h := apitest.NewPublic(pgtest.Pool(t))
	var messages []string
	for mediaType, body := range map[string]string{
		rest.MediaTypeCSV:    "name,site_id\na,1\n,x\n",
		rest.MediaTypeNDJSON: "\n{\"name\":\"a\",\"site_id\":1}\n{\"name\":\"\",\"site_id\":\"x\"}",
		rest.MediaTypeJSON:   `[{"name":"a","site_id":1},{"name":"b","site_id":1},{"name":"","site_id":"x"}]`,
	} {
		w := apitest.Do(h, "POST", "/api/v1/freezers", body, "Content-Type: "+mediaType)
		var p problem.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusBadRequest {
			t.Fatalf("%s: %d %s: %v", mediaType, w.Code, w.Body, err)
		}
		var all []string
		for _, e := range p.Errors {
			all = append(all, fmt.Sprint(e.Line, " ", e.Field))
		}
		messages = append(messages, strings.Join(all, ", "))
	}
	for _, message := range messages {
		if message != "3 name, 3 site_id" {
			t.Errorf("got the errors %q, want 3 name, 3 site_id", message)
		}
	}
}
