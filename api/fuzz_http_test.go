package api_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"labledger/api/problem"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// FuzzHTTP sends complete requests to the API on a real database. No request may cause a 5xx status, and
// each problem has a known type.
func FuzzHTTP(f *testing.F) {
	h := apitest.NewPublic(pgtest.Pool(f))
	request := func(line, headers, body string) []byte {
		return fmt.Appendf(nil, "%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s",
			line, headers, len(body), body)
	}
	for _, line := range []string{
		"GET /site/1", "GET /sites/0/10", "GET /sites?name=x&limit=3", "GET /api/v1/instruments?after=1-2-0&limit=2",
		"GET /api/v1/changes?after=3&actor=x", "GET /container/123e4567-e89b-12d3-a456-426614174000/history",
		"DELETE /site/2?cascade=true", "DELETE /freezer/9223372036854775807", "OPTIONS /site/1", "FOO /site/%00",
		"GET /api/v1/summary?site_id=1&today=2026-11-28", "GET /api/v1/directory?q=bob&sort=-display_name",
		"GET /api/v1/events?user_display_name__contains=bob&include=user", "GET /api/v1/users/1/access",
		"GET /api/v1/alerts?severity=critical&snoozed=false&snoozed_until__gt=2026-11-28T00:00:00Z",
		"POST /api/v1/users/1/password-link?dry_run=true", "DELETE /api/v1/users/1/password-link",
		"GET /api/v1/containers?as_of=2026-11-30T08:00:00Z&sort=-due_on&q=box&include=site&count=exact",
		"GET /api/v1/freezers/1/map?as_of=9999-12-31", "GET /site/1?as_of=0001-01-01T00:00:00Z",
		"GET /api/v1/computers?mac=08:00:2b:01:02:03", "GET /api/v1/freezers?offset=9223372036854775807&limit=1",
	} {
		f.Add(request(line, "", ""))
	}
	f.Add(request("GET /sites", "Accept: text/csv\r\nIf-None-Match: *\r\n", ""))
	const body = `{"id":7,"name":"a","contact":null,"address":"\u00e9","state_or_region":null,"country":"x",` +
		`"postcode_or_zip":1,"version":1}`
	for _, line := range []string{
		"POST /site/7", "PUT /api/v1/sites/7?dry_run=true", "PATCH /site/1", "POST /api/v1/sites",
	} {
		f.Add(request(line, "Content-Type: application/json\r\nIf-Match: \"1\"\r\n", body))
		f.Add(request(line, "", strings.Replace(body, `"id":7,`, "", 1)))
	}
	f.Add(request("POST /auth/link", "", `{"token":"lll_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`))
	f.Add(request("POST /auth/password", "", `{"token":"lll_x","password":"correct horse battery staple"}`))
	f.Add(request("PATCH /api/v1/alerts?max=10", "", `{"snoozed_until":"2026-11-28T08:00:00Z","assignee":"Bob"}`))
	f.Add(request("PATCH /api/v1/users/1", "", `{"display_name":"Bob \u2028","email":"bob@example.org"}`))
	const csv = "id,name,mac,site_id\n5,a,08002b:010203,1\n,b,,1\n"
	f.Add(request("POST /api/v1/computers", "Content-Type: text/csv\r\n", csv))
	const ndjson = `{"description":null,"freezer_id":1}` + "\n"
	f.Add(request("POST /api/v1/containers", "Content-Type: application/x-ndjson\r\n", ndjson))
	f.Add(request("POST /api/v1/freezers", "", `[{"name":"x","site_id":1},{"name":"y","site_id":99}]`))
	f.Add(request("POST /freezer/5", "", `{"name":"x","site":"SITE 1\u2028"}`))
	f.Add(request("PATCH /api/v1/todos?max=3", "", `{"freezer":"-20c","site":null,"computer":"\\_%"}`))
	f.Add(request("PATCH /api/v1/attachments/1", "", `{"container":"123e4567-e89b-12d3-a456-426614174000"}`))
	f.Add(request("POST /api/v1/freezers", "Content-Type: text/csv\r\n", "name,site,site_id\na,Site 1,\nb,,2\nc,x,1\n"))
	f.Add(request("GET /api/v1/sites/", "", ""))
	f.Add(request("PATCH /site/1", "Content-Type: application/merge-patch+json\r\n", `{"name":"b"}`))
	const zipped = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\xca\x4b\xcc\x4d\x55\xb2\x52\x50\xaa\x50\xaa" +
		"\x05\x00\x18\xec\x3e\x4a\x0d\x00\x00\x00"
	for _, body := range []string{zipped, zipped[:20], "\x1f\x8b\x08", zipped + zipped} {
		f.Add(request("PATCH /site/1", "Content-Encoding: gzip\r\n", body))
		f.Add(request("POST /api/v1/sites", "Content-Type: text/csv\r\nContent-Encoding: gzip\r\n", body))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return // net/http rejects this request before the handler runs
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("%q\n%d %s", raw, w.Code, w.Body)
		}
		if w.Header().Get("Content-Type") != "application/problem+json" {
			return
		}
		var p problem.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Errorf("%q\n%d %s: %v", raw, w.Code, w.Body, err)
		} else if reason := typeViolation(&p); reason != "" {
			t.Errorf("%q\n%s", raw, reason)
		}
	})
}
