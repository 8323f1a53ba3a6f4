package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// This file tests writes that meet other transactions: locks, retries, ID collisions and lost updates.

// TestWrite_lockedRow: a write to a row that another transaction has locked returns 503 with Retry-After and changes
// nothing. After the lock is released, the write succeeds.
func TestWrite_lockedRow(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), "SELECT FROM site WHERE id = 1 FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	resp := apitest.Do(h, "PATCH", "/site/1", `{"name":"blocked"}`)
	if resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Retry-After") == "" {
		t.Errorf("with a locked row: %d %s", resp.Code, resp.Body)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if resp := apitest.Do(h, "GET", "/site/1", ""); strings.Contains(resp.Body.String(), "blocked") {
		t.Errorf("the row was written: %s", resp.Body)
	}
	if resp := apitest.Do(h, "PATCH", "/site/1", `{"name":"written"}`); resp.Code != http.StatusOK {
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
	resp := apitest.Do(apitest.NewPublic(pool), "POST", "/api/v1/sites", `{"name":"created"}`)
	if resp.Code != http.StatusCreated || resp.Header().Get("Location") != "/api/v1/sites/5" {
		t.Errorf("%d %s %s", resp.Code, resp.Header().Get("Location"), resp.Body)
	}
}

// TestCreate_mixedExplicitAndGeneratedIDs creates rows with explicit and with generated IDs concurrently. No create
// fails and no row is overwritten.
func TestCreate_mixedExplicitAndGeneratedIDs(t *testing.T) {
	h := apitest.NewPublic(pgtest.Pool(t))
	const clients, rows = 8, 25
	var wg sync.WaitGroup
	var lock sync.Mutex
	ids := map[int64]string{}
	for c := range clients {
		wg.Go(func() {
			for i := range rows {
				name := fmt.Sprintf("%d/%d", c, i)
				var resp *httptest.ResponseRecorder
				if c%2 == 0 {
					resp = apitest.Do(h, "POST", "/api/v1/sites", fmt.Sprintf(`{"name":%q}`, name))
				} else {
					target := fmt.Sprintf("/api/v1/sites/%d", 100*(c+1)+3*i)
					body := fmt.Sprintf(`{"name":%q,"contact":null,"address":null,"state_or_region":null,"country":null,
						"postcode_or_zip":null}`, name)
					resp = apitest.Do(h, "PUT", target, body, "If-None-Match: *")
					if resp.Code == http.StatusPreconditionFailed {
						continue // a concurrent create generated this ID first
					}
				}
				var row struct{ ID int64 }
				if err := json.Unmarshal(resp.Body.Bytes(), &row); err != nil || resp.Code != http.StatusCreated {
					t.Errorf("%s: %d %s", name, resp.Code, resp.Body)
					continue
				}
				lock.Lock()
				if otherName, exists := ids[row.ID]; exists {
					t.Errorf("ID %d was assigned to %s and %s", row.ID, otherName, name)
				}
				ids[row.ID] = name
				lock.Unlock()
			}
		})
	}
	wg.Wait()
	for id, name := range ids {
		resp := apitest.Do(h, "GET", fmt.Sprintf("/site/%d", id), "")
		if !strings.Contains(resp.Body.String(), `"name":"`+name+`"`) {
			t.Errorf("site %d: got %s, want name %s", id, resp.Body, name)
		}
	}
}

// TestIfMatch_preventsLostUpdates runs clients that append to the same row. With If-Match no acknowledged update is
// lost. The control sends no If-Match and must lose some.
func TestIfMatch_preventsLostUpdates(t *testing.T) {
	h := apitest.NewPublic(pgtest.Pool(t))
	const clients, additions = 8, 10
	add := func(site string, useIfMatch bool) {
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() {
				for done := 0; done < additions; {
					getResponse := apitest.Do(h, "GET", site, "")
					var row struct{ Contact *string }
					if err := json.Unmarshal(getResponse.Body.Bytes(), &row); err != nil {
						t.Error(err)
						return
					}
					text := "x"
					if row.Contact != nil {
						text += *row.Contact
					}
					var header []string
					if useIfMatch {
						header = []string{"If-Match: " + getResponse.Header().Get("ETag")}
					}
					resp := apitest.Do(h, "PATCH", site, fmt.Sprintf(`{"contact":%q}`, text), header...)
					switch resp.Code {
					case http.StatusOK:
						done++
					case http.StatusPreconditionFailed:
						if resp.Header().Get("ETag") == "" {
							t.Error("412 response without the current ETag")
						}
					default:
						t.Errorf("%d %s", resp.Code, resp.Body)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	length := func(site string) int {
		var row struct{ Contact string }
		if err := json.Unmarshal(apitest.Do(h, "GET", site, "").Body.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		return len(row.Contact)
	}
	add("/site/2", true)
	if n := length("/site/2"); n != clients*additions {
		t.Errorf("%d of %d updates are stored", n, clients*additions)
	}
	add("/site/3", false)
	if n := length("/site/3"); n == clients*additions {
		t.Error("the control lost no update: the clients did not overlap")
	}
}
