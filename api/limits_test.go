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

// TestLockedRow writes a row that somebody holds: it is told to come back, and nothing is changed. When the row is free, all is well.
func TestLockedRow(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := newAPI(pool)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }() // by then it has ended
	if _, err := tx.Exec(t.Context(), "SELECT FROM site WHERE id = 1 FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	answer := call(h, "PATCH", "/site/1", `{"name":"held"}`)
	if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
		t.Errorf("while it is held: %d %s", answer.Code, answer.Body)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if answer := call(h, "GET", "/site/1", ""); strings.Contains(answer.Body.String(), "held") {
		t.Errorf("it was written: %s", answer.Body)
	}
	if answer := call(h, "PATCH", "/site/1", `{"name":"free"}`); answer.Code != http.StatusOK {
		t.Errorf("when it is free: %d %s", answer.Code, answer.Body)
	}
}

func TestRetry(t *testing.T) {
	deadlock, refused, taken := &pgconn.PgError{Code: "40P01"}, &pgconn.PgError{Code: "23514"}, &pgconn.PgError{Code: "23505", ConstraintName: "site_pkey"}
	isTaken := func(pg *pgconn.PgError) bool { return pg.Code == "23505" }
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
		{"refused", []error{refused, nil}, refused, 1},
		{"another error", []error{errNoRow, nil}, errNoRow, 1},
	} {
		tries := 0
		err := retry(t.Context(), func(context.Context) error { tries++; return c.answers[tries-1] }, isTaken)
		if !errors.Is(err, c.want) || tries != c.tries {
			t.Errorf("%s: %v after %d tries", c.what, err, tries)
		}
	}
}

// TestCollision puts the sequence back behind a row, as if its number had been chosen in the very moment: a create goes round it.
func TestCollision(t *testing.T) {
	pool := pgtest.Pool(t)
	for _, sql := range []string{"INSERT INTO site (id, name) VALUES (4, 'chosen')", "SELECT setval('site_id_seq', 3)"} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	answer := call(newAPI(pool), "POST", "/api/v1/sites", `{"name":"created"}`)
	if answer.Code != http.StatusCreated || answer.Header().Get("Location") != "/api/v1/sites/5" {
		t.Errorf("%d %s %s", answer.Code, answer.Header().Get("Location"), answer.Body)
	}
}

// TestPanic lets a handler panic: the client is told no more than the request id, under which the log has the rest.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	o := &outer{
		next:    http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the secret") }),
		log:     slog.New(slog.NewTextHandler(&log, nil)),
		metrics: newMetrics(pgtest.Pool(t), "test"),
	}
	aborted := false
	answer := call(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { aborted = recover() == http.ErrAbortHandler }()
		o.ServeHTTP(w, r)
	}), "GET", "/", "")
	var p Problem
	if err := json.Unmarshal(answer.Body.Bytes(), &p); err != nil || answer.Code != http.StatusInternalServerError {
		t.Fatalf("%d %s: %v", answer.Code, answer.Body, err)
	}
	if strings.Contains(answer.Body.String(), "secret") || p.RequestID == "" || !strings.Contains(log.String(), p.RequestID) || !strings.Contains(log.String(), "the secret") {
		t.Errorf("the client was told %s, the log %s", answer.Body, log.String())
	}
	if !aborted {
		t.Error("the connection stays open after a panic")
	}
}

// TestReport goes from memory to a file and keeps every fault, in order.
func TestReport(t *testing.T) {
	for _, faults := range []int64{1, 3, 40_000} {
		r := &report{}
		for i := range faults {
			if err := r.add(FieldError{Line: i + 1, Field: "name", Message: strings.Repeat("x", 50)}); err != nil {
				t.Fatal(err)
			}
		}
		if inFile := r.file != nil; inFile != (faults == 40_000) {
			t.Errorf("%d faults in a file: %v", faults, inFile)
		}
		var all []FieldError
		text := bytes.NewBufferString("[")
		if err := r.copyTo(text); err != nil {
			t.Fatal(err)
		}
		text.WriteString("]")
		if err := json.Unmarshal(text.Bytes(), &all); err != nil || int64(len(all)) != faults || all[faults-1].Line != faults {
			t.Errorf("%d faults became %d: %v", faults, len(all), err)
		}
		r.close()
	}
}

// TestDocsAlone: our own files of the reference page name no host. The renderer's are held by the page's Content-Security-Policy.
func TestDocsAlone(t *testing.T) {
	for _, name := range []string{"docs/index.html", "docs/docs.js", "docs/docs.css"} {
		text, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("http:")) || bytes.Contains(text, []byte("https:")) || bytes.Contains(text, []byte(`="//`)) {
			t.Errorf("%s names a host", name)
		}
	}
}
