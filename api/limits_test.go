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

// TestWrite_lockedRow writes a row that somebody holds: it is told to come back, and nothing is changed. When the row is free, all is well.
func TestWrite_lockedRow(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := newTestAPI(pool)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }() // by then it has ended
	if _, err := tx.Exec(t.Context(), "SELECT FROM site WHERE id = 1 FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	resp := doRequest(h, "PATCH", "/site/1", `{"name":"held"}`)
	if resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Retry-After") == "" {
		t.Errorf("while it is held: %d %s", resp.Code, resp.Body)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if resp := doRequest(h, "GET", "/site/1", ""); strings.Contains(resp.Body.String(), "held") {
		t.Errorf("it was written: %s", resp.Body)
	}
	if resp := doRequest(h, "PATCH", "/site/1", `{"name":"free"}`); resp.Code != http.StatusOK {
		t.Errorf("when it is free: %d %s", resp.Code, resp.Body)
	}
}

func TestRetry(t *testing.T) {
	deadlock, pgErr, taken := &pgconn.PgError{Code: "40P01"}, &pgconn.PgError{Code: "23514"}, &pgconn.PgError{Code: "23505", ConstraintName: "site_pkey"}
	isIDTaken := func(pgErr *pgconn.PgError) bool { return pgErr.Code == "23505" }
	for _, c := range []struct {
		what    string
		answers []error
		want    error
		tries   int
	}{
		{"at once", []error{nil}, nil, 1},
		{"after a deadlock", []error{deadlock, nil}, nil, 2},
		{"after a number that was taken", []error{taken, deadlock, nil}, nil, 3},
		{"never", []error{deadlock, deadlock, deadlock, nil}, deadlock, 3},
		{"refused", []error{pgErr, nil}, pgErr, 1},
		{"another error", []error{errNoRow, nil}, errNoRow, 1},
	} {
		tries := 0
		err := retry(t.Context(), func(context.Context) error { tries++; return c.answers[tries-1] }, isIDTaken)
		if !errors.Is(err, c.want) || tries != c.tries {
			t.Errorf("%s: %v after %d tries", c.what, err, tries)
		}
	}
}

// TestCreate_idCollision puts the sequence back behind a row, as if its number had been chosen in the very moment: a create goes round it.
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

// TestPanic lets a handler panic: the client is told no more than the request id, under which the log has the rest.
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
	if strings.Contains(resp.Body.String(), "secret") || p.RequestID == "" || !strings.Contains(log.String(), p.RequestID) || !strings.Contains(log.String(), "the secret") {
		t.Errorf("the client was told %s, the log %s", resp.Body, log.String())
	}
	if !aborted {
		t.Error("the connection stays open after a panic")
	}
}

// TestErrorSpool goes from memory to a file and keeps every fault, in order.
func TestErrorSpool(t *testing.T) {
	for _, faults := range []int64{1, 3, 40_000} {
		spool := &errorSpool{}
		for i := range faults {
			if err := spool.add(FieldError{Line: i + 1, Field: "name", Message: strings.Repeat("x", 50)}); err != nil {
				t.Fatal(err)
			}
		}
		if inFile := spool.file != nil; inFile != (faults == 40_000) {
			t.Errorf("%d faults in a file: %v", faults, inFile)
		}
		var all []FieldError
		text := bytes.NewBufferString("[")
		if err := spool.writeTo(text); err != nil {
			t.Fatal(err)
		}
		text.WriteString("]")
		if err := json.Unmarshal(text.Bytes(), &all); err != nil || int64(len(all)) != faults || all[faults-1].Line != faults {
			t.Errorf("%d faults became %d: %v", faults, len(all), err)
		}
		spool.close()
	}
}

// TestDocs_noExternalHosts: our own files of the reference page name no host. The renderer's are held by the page's Content-Security-Policy.
func TestDocs_noExternalHosts(t *testing.T) {
	for _, name := range []string{"docs/index.html", "docs/docs.js", "docs/docs.css"} {
		text, err := assets.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("http:")) || bytes.Contains(text, []byte("https:")) || bytes.Contains(text, []byte(`="//`)) {
			t.Errorf("%s names a host", name)
		}
	}
}
