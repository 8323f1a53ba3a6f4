package api_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"labledger/api"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// This file tests idempotency keys of events where a story cannot: concurrent requests, other callers and instances.

// TestEvent_concurrentRetry sends the same request twice at once with the same key, while the user is locked. One
// request gets 409, the other is recorded, and a later retry returns its response. Events of other users are not
// blocked.
func TestEvent_concurrentRetry(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	line := `{"type":"withdraw","amount":"101","user_id":1,"time":1}`
	for _, body := range []string{line, "[" + line + "]"} {
		key := fmt.Sprintf("Idempotency-Key: concurrent %d", len(body))
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), "SELECT FROM user_state WHERE user_id = 1 FOR UPDATE"); err != nil {
			t.Fatal(err)
		}
		before := count(t, pool, "SELECT count(*) FROM event")
		responses := make([]*httptest.ResponseRecorder, 2)
		conflicted := make(chan struct{})
		var wg sync.WaitGroup
		for i := range responses {
			wg.Go(func() {
				responses[i] = apitest.Do(h, "POST", "/event", body, key)
				if responses[i].Code == http.StatusConflict {
					close(conflicted)
				}
			})
		}
		select {
		case <-conflicted:
		case <-time.After(10 * time.Second):
			t.Fatal("neither request got 409 while the other was in progress")
		}
		resp := apitest.Do(h, "POST", "/event", `{"type":"deposit","amount":1,"user_id":2,"time":1}`)
		if resp.Code != http.StatusOK {
			t.Errorf("event of another user: %d %s", resp.Code, resp.Body)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		slices.SortFunc(responses, func(a, b *httptest.ResponseRecorder) int { return a.Code - b.Code })
		recorded, rejected := responses[0], responses[1]
		if recorded.Code != http.StatusOK || recorded.Header().Get("Idempotency-Replayed") != "" ||
			rejected.Header().Get("Retry-After") == "" {
			t.Fatalf("got %d %s and %d %s", recorded.Code, recorded.Body, rejected.Code, rejected.Body)
		}
		repeated := apitest.Do(h, "POST", "/event", body, key)
		if repeated.Code != http.StatusOK || repeated.Body.String() != recorded.Body.String() ||
			repeated.Header().Get("Idempotency-Replayed") != "true" {
			t.Errorf("retry: %d %s, want %s", repeated.Code, repeated.Body, recorded.Body)
		}
		if after := count(t, pool, "SELECT count(*) FROM event"); after != before+2 {
			t.Errorf("recorded %d events, want 2", after-before)
		}
	}
}

// TestEvent_lockedUser: while another transaction locks a user, events of that user get 503 and do not use up their
// key. A batch waits for the lock.
func TestEvent_lockedUser(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	before := apitest.DumpTables(t, pool, ledgerTables...)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT FROM user_state WHERE user_id = 2 FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	event := eventLines(2, 1)
	batch := "[" + strings.TrimSpace(eventLines(1, 1)) + "," + strings.TrimSpace(eventLines(2, 1)) + "]"
	for _, target := range []string{"/event", "/event?simulate=true"} {
		resp := apitest.Do(h, "POST", target, event, "Idempotency-Key: locked")
		if resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", target, resp.Code, resp.Body)
		}
	}
	if after := apitest.DumpTables(t, pool, ledgerTables...); after != before {
		t.Errorf("rejected events stored rows:\n%s", after)
	}
	done := make(chan *httptest.ResponseRecorder)
	go func() { done <- apitest.Do(h, "POST", "/event", batch) }()
	select {
	case resp := <-done:
		t.Errorf("batch did not wait for the lock: %d %s", resp.Code, resp.Body)
	case <-time.After(time.Second):
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if resp := <-done; resp.Code != http.StatusOK {
		t.Errorf("batch after the lock: %d %s", resp.Code, resp.Body)
	}
	resp := apitest.Do(h, "POST", "/event", event, "Idempotency-Key: locked")
	if resp.Code != http.StatusOK || resp.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("event after the lock: %d %s", resp.Code, resp.Body)
	}
	if n := count(t, pool, "SELECT count(*) FROM event"); n != 3 {
		t.Errorf("%d events are stored, want 3", n)
	}
}

// TestEvent_keyPerCaller: callers may use the same idempotency key independently.
func TestEvent_keyPerCaller(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	ada := api.New(api.Options{Pool: pool, Log: log, AnonymousActor: "ada"})
	bea := api.New(api.Options{Pool: pool, Log: log, AnonymousActor: "bea"})
	seen := map[string]bool{}
	for _, h := range []http.Handler{ada, bea} {
		for _, body := range []string{eventLines(3, 1), "[" + strings.TrimSpace(eventLines(3, 1)) + "]"} {
			key := fmt.Sprintf("Idempotency-Key: shared %d", len(body))
			resp := apitest.Do(h, "POST", "/event", body, key)
			replayed := resp.Header().Get("Idempotency-Replayed") != ""
			if resp.Code != http.StatusOK || replayed || seen[resp.Body.String()] {
				t.Errorf("%d %s", resp.Code, resp.Body)
			}
			seen[resp.Body.String()] = true
			repeated := apitest.Do(h, "POST", "/event", body, key)
			if repeated.Body.String() != resp.Body.String() || repeated.Header().Get("Idempotency-Replayed") != "true" {
				t.Errorf("retry: %s, want %s", repeated.Body, resp.Body)
			}
		}
	}
	if n := count(t, pool, "SELECT count(*) FROM event WHERE actor = 'bea'"); n != 2 {
		t.Errorf("bea recorded %d events, want 2", n)
	}
}

// TestEvent_retryOnAnotherInstance sends each request to two instances at once. It is recorded once.
func TestEvent_retryOnAnotherInstance(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	servers := []http.Handler{apitest.NewPublic(pool), apitest.NewPublic(pool)}
	const rounds = 30
	for i := range rounds {
		body := eventLines(5, 1)
		if i%2 == 1 {
			body = "[" + strings.TrimSpace(eventLines(6, 1)) + "," + strings.TrimSpace(eventLines(5, 1)) + "]"
		}
		responses := make([]*httptest.ResponseRecorder, len(servers))
		var wg sync.WaitGroup
		for s, h := range servers {
			wg.Go(func() {
				key := fmt.Sprintf("Idempotency-Key: round %d", i)
				responses[s] = apitest.Do(h, "POST", "/event", body, key)
			})
		}
		wg.Wait()
		replayed := 0
		for _, resp := range responses {
			if resp.Code != http.StatusOK || resp.Body.String() != responses[0].Body.String() {
				first := responses[0]
				t.Errorf("round %d: responses differ: %d %s, %d %s", i, first.Code, first.Body, resp.Code, resp.Body)
			}
			if resp.Header().Get("Idempotency-Replayed") == "true" {
				replayed++
			}
		}
		if replayed != 1 {
			t.Errorf("round %d: %d replayed responses, want 1", i, replayed)
		}
	}
	if n := count(t, pool, "SELECT count(*) FROM event"); n != rounds/2*3 {
		t.Errorf("%d events are stored, want %d", n, rounds/2*3)
	}
}

// TestEvent_sameKeyForTwoUsers uses one key for events of two users on two instances at once. At most one is recorded.
func TestEvent_sameKeyForTwoUsers(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	servers := []http.Handler{apitest.NewPublic(pool), apitest.NewPublic(pool)}
	recordedTwice := 0
	const rounds = 30
	for i := range rounds {
		statuses := make([]int, len(servers))
		var wg sync.WaitGroup
		for s, h := range servers {
			wg.Go(func() {
				key := fmt.Sprintf("Idempotency-Key: users %d", i)
				statuses[s] = apitest.Do(h, "POST", "/event", eventLines(int64(10+s), 1), key).Code
			})
		}
		wg.Wait()
		if statuses[0] == http.StatusOK && statuses[1] == http.StatusOK {
			recordedTwice++
		}
	}
	if recordedTwice > 0 {
		t.Errorf("one key recorded two requests in %d of %d rounds", recordedTwice, rounds)
	}
}
