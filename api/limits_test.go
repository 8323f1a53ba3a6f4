package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"labledger/internal/pgtest"
)

// TestWrite_lockedRow: a write to a row that another transaction has locked returns 503 with Retry-After and changes
// nothing. After the lock is released, the write succeeds.
func TestWrite_lockedRow(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := newTestAPI(pool)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), "SELECT FROM site WHERE id = 1 FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	resp := doRequest(h, "PATCH", "/site/1", `{"name":"blocked"}`)
	if resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Retry-After") == "" {
		t.Errorf("with a locked row: %d %s", resp.Code, resp.Body)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if resp := doRequest(h, "GET", "/site/1", ""); strings.Contains(resp.Body.String(), "blocked") {
		t.Errorf("the row was written: %s", resp.Body)
	}
	if resp := doRequest(h, "PATCH", "/site/1", `{"name":"written"}`); resp.Code != http.StatusOK {
		t.Errorf("after the lock was released: %d %s", resp.Code, resp.Body)
	}
}

// TestRetry: retry repeats after deadlocks and ID collisions, three times at most, and after no other error.
func TestRetry(t *testing.T) {
	deadlock := &pgconn.PgError{Code: "40P01"}
	checkViolation := &pgconn.PgError{Code: "23514"}
	collision := &pgconn.PgError{Code: "23505", ConstraintName: "site_pkey"}
	isCollision := func(pgErr *pgconn.PgError) bool { return pgErr.Code == "23505" }
	for _, c := range []struct {
		name     string
		results  []error
		want     error
		attempts int
	}{
		{"success", []error{nil}, nil, 1},
		{"after a deadlock", []error{deadlock, nil}, nil, 2},
		{"after an ID collision", []error{collision, deadlock, nil}, nil, 3},
		{"deadlocks only", []error{deadlock, deadlock, deadlock, nil}, deadlock, 3},
		{"violated constraint", []error{checkViolation, nil}, checkViolation, 1},
		{"another error", []error{errNoRow, nil}, errNoRow, 1},
	} {
		attempts := 0
		err := retry(t.Context(), func(context.Context) error {
			attempts++
			return c.results[attempts-1]
		}, isCollision)
		if !errors.Is(err, c.want) || attempts != c.attempts {
			t.Errorf("%s: got %v after %d attempts, want %v after %d", c.name, err, attempts, c.want, c.attempts)
		}
	}
}

// TestCreate_idCollision resets the sequence so that its next ID exists, as if a client had just chosen it. The create
// retries with the following ID.
func TestCreate_idCollision(t *testing.T) {
	pool := pgtest.Pool(t)
	for _, sql := range []string{"INSERT INTO site (id, name) VALUES (4, 'chosen')", "SELECT setval('site_id_seq', 3)"} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	resp := doRequest(newTestAPI(pool), "POST", "/api/v1/sites", `{"name":"created"}`)
	if resp.Code != http.StatusCreated || resp.Header().Get("Location") != "/api/v1/sites/5" {
		t.Errorf("%d %s %s", resp.Code, resp.Header().Get("Location"), resp.Body)
	}
}

// TestPanic: after a panic the client receives only the request ID. The log has the ID and the value of the panic.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	m := &middleware{
		next:    http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the secret") }),
		log:     slog.New(slog.NewTextHandler(&log, nil)),
		metrics: newMetrics(pgtest.Pool(t), "test"),
	}
	aborted := false
	resp := doRequest(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { aborted = recover() == http.ErrAbortHandler }()
		m.ServeHTTP(w, r)
	}), "GET", "/", "")
	var p Problem
	if err := json.Unmarshal(resp.Body.Bytes(), &p); err != nil || resp.Code != http.StatusInternalServerError {
		t.Fatalf("%d %s: %v", resp.Code, resp.Body, err)
	}
	if strings.Contains(resp.Body.String(), "secret") || p.RequestID == "" ||
		!strings.Contains(log.String(), p.RequestID) ||
		!strings.Contains(log.String(), "the secret") {
		t.Errorf("response: %s\nlog: %s", resp.Body, log.String())
	}
	if !aborted {
		t.Error("the connection remains open after a panic")
	}
}

// TestErrorSpool: the spool moves from memory to a file and returns all errors in order.
func TestErrorSpool(t *testing.T) {
	for _, count := range []int64{1, 3, 40_000} {
		spool := &errorSpool{}
		for i := range count {
			if err := spool.add(FieldError{Line: i + 1, Field: "name", Message: strings.Repeat("x", 50)}); err != nil {
				t.Fatal(err)
			}
		}
		if inFile := spool.file != nil; inFile != (count == 40_000) {
			t.Errorf("%d errors in a file: %t", count, inFile)
		}
		var all []FieldError
		text := bytes.NewBufferString("[")
		if err := spool.writeTo(text); err != nil {
			t.Fatal(err)
		}
		text.WriteString("]")
		if err := json.Unmarshal(text.Bytes(), &all); err != nil || int64(len(all)) != count ||
			all[count-1].Line != count {
			t.Errorf("wrote %d errors, read %d: %v", count, len(all), err)
		}
		spool.close()
	}
}

// TestDocs_noExternalHosts: the files of the API reference contain no host name. For the vendored renderer, the
// Content-Security-Policy of the page blocks other hosts.
func TestDocs_noExternalHosts(t *testing.T) {
	for _, name := range []string{"docs/index.html", "docs/docs.js", "docs/docs.css"} {
		text, err := assets.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("http:")) || bytes.Contains(text, []byte("https:")) ||
			bytes.Contains(text, []byte(`="//`)) {
			t.Errorf("%s contains a host name", name)
		}
	}
}
