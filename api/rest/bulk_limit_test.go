package rest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// TestLongTransferLimit uses up all transfer slots with imports that do not end. A further import gets 503, short
// requests are served, and all rows are stored once the imports end.
func TestLongTransferLimit(t *testing.T) {
	pool := pgtest.Pool(t)
	server := httptest.NewServer(apitest.NewPublic(pool))
	defer server.Close()
	const shortRow = `{"name":"slow"}` + "\n"
	const row = `{"name":"slow","contact":null,"address":null,"state_or_region":null,"country":null,` +
		`"postcode_or_zip":null}` + "\n"
	send := func(body io.Reader) int {
		response, err := http.Post(server.URL+"/api/v1/sites", "application/x-ndjson", body)
		if err != nil {
			t.Error(err)
			return 0
		}
		defer func() { _ = response.Body.Close() }()
		return response.StatusCode
	}
	n := int(pool.Config().MaxConns / 2)
	var wg sync.WaitGroup
	var uploads []*io.PipeWriter
	for range n {
		body, upload := io.Pipe()
		defer func() { _ = upload.Close() }() // or server.Close would wait forever after a failure
		uploads = append(uploads, upload)
		wg.Go(func() {
			if status := send(body); status != http.StatusOK {
				t.Errorf("slow import: status %d, want 200", status)
			}
		})
	}
	for _, upload := range uploads { // more than a chunk, so that each import holds a connection
		if _, err := io.WriteString(upload, strings.Repeat(row, maxChunkRows+1)); err != nil {
			t.Fatal(err)
		}
	}
	pgtest.WaitFor(t, "each import holds a connection", func() bool { return int(pool.Stat().AcquiredConns()) >= n })
	if status := send(strings.NewReader(shortRow)); status != http.StatusServiceUnavailable {
		t.Errorf("import above the limit: status %d, want 503", status)
	}
	for range 20 {
		response, err := http.Get(server.URL + "/site/1")
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("short request: status %d, want 200", response.StatusCode)
		}
	}
	for _, upload := range uploads {
		_ = upload.Close() // never fails
	}
	wg.Wait()
	if status := send(strings.NewReader(row)); status != http.StatusOK {
		t.Errorf("import after the others ended: status %d, want 200", status)
	}
	rows := count(t, pool, "SELECT count(*) FROM site WHERE name = 'slow'")
	if want := n*(maxChunkRows+1) + 1; rows != want {
		t.Errorf("%d rows are stored, want %d", rows, want)
	}
}
