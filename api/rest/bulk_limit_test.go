package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

const siteRow = `{"name":"slow","contact":null,"address":null,"state_or_region":null,"country":null,` +
	`"postcode_or_zip":null}` + "\n"

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
