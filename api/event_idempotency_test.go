package api_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/api/authn"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// This file tests idempotency keys of events where a story cannot: concurrent requests, other callers and instances.

// lockUser locks the state of a user, so that no event of this user is recorded until release is called.
func lockUser(t *testing.T, pool *pgxpool.Pool, user int64) (release func()) {
	t.Helper()
	return lockRow(t, pool, fmt.Sprintf("SELECT FROM user_state WHERE user_id = %d FOR UPDATE", user))
}

// isReplayed reports whether a response is that of an earlier request with the same key.
func isReplayed(resp *httptest.ResponseRecorder) bool {
	return resp.Header().Get("Idempotency-Replayed") == "true"
}

// TestEvent_concurrentRetry repeats a request with its key while the first one waits for a lock. The repetition gets
// 409, the first one is recorded, and a later retry returns its response. Events of other users do not wait.
func TestEvent_concurrentRetry(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	for name, body := range map[string]string{"event": eventLines(1, 1), "batch": eventArray(1)} {
		send := func() *httptest.ResponseRecorder {
			return apitest.Do(h, "POST", "/event", body, "Idempotency-Key: concurrent "+name)
		}
		before := pgtest.QueryValue[int](t, pool, countEvents)
		release := lockUser(t, pool, 1)
		first := make(chan *httptest.ResponseRecorder, 1)
		go func() { first <- send() }()
		pgtest.WaitForLockWait(t, pool)
		rejected := send()
		other := apitest.Do(h, "POST", "/event", eventLines(2, 1))
		release()
		recorded := <-first
		if rejected.Code != http.StatusConflict || rejected.Header().Get("Retry-After") == "" {
			t.Errorf("%s: repetition in progress: %d %s", name, rejected.Code, rejected.Body)
		}
		if other.Code != http.StatusOK {
			t.Errorf("%s: event of another user: %d %s", name, other.Code, other.Body)
		}
		if recorded.Code != http.StatusOK || isReplayed(recorded) {
			t.Errorf("%s: first request: %d %s", name, recorded.Code, recorded.Body)
		}
		retried := send()
		if retried.Code != http.StatusOK || retried.Body.String() != recorded.Body.String() || !isReplayed(retried) {
			t.Errorf("%s: retry: %d %s, want %s", name, retried.Code, retried.Body, recorded.Body)
		}
		if n := pgtest.QueryValue[int](t, pool, countEvents) - before; n != 2 {
			t.Errorf("%s: recorded %d events, want 2", name, n)
		}
	}
}

// TestEvent_lockedUser: while another transaction locks a user, events of that user get 503 and do not use up their
// key.
func TestEvent_lockedUser(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	before := apitest.DumpTables(t, pool, ledgerTables...)
	release := lockUser(t, pool, 2)
	for _, target := range []string{"/event", "/event?simulate=true"} {
		resp := apitest.Do(h, "POST", target, eventLines(2, 1), "Idempotency-Key: locked")
		if resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", target, resp.Code, resp.Body)
		}
	}
	if after := apitest.DumpTables(t, pool, ledgerTables...); after != before {
		t.Errorf("rejected events stored rows:\n%s", after)
	}
	release()
	resp := apitest.Do(h, "POST", "/event", eventLines(2, 1), "Idempotency-Key: locked")
	if resp.Code != http.StatusOK || isReplayed(resp) {
		t.Errorf("event after the lock: %d %s", resp.Code, resp.Body)
	}
}

// TestEventBatch_waitsForLock: a batch waits for a user that another transaction has locked, and is then recorded.
func TestEventBatch_waitsForLock(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	h := apitest.NewPublic(pool)
	release := lockUser(t, pool, 2)
	done := make(chan *httptest.ResponseRecorder, 1)
	go func() { done <- apitest.Do(h, "POST", "/event", eventArray(1, 2)) }()
	pgtest.WaitForLockWait(t, pool)
	if n := pgtest.QueryValue[int](t, pool, countEvents); n != 0 {
		t.Errorf("%d events are stored while the batch waits, want none", n)
	}
	release()
	if resp := <-done; resp.Code != http.StatusOK {
		t.Errorf("batch after the lock: %d %s", resp.Code, resp.Body)
	}
	if n := pgtest.QueryValue[int](t, pool, countEvents); n != 2 {
		t.Errorf("%d events are stored, want 2", n)
	}
}

// TestEvent_keyPerCaller: callers may use the same idempotency key independently.
func TestEvent_keyPerCaller(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	newHandler := func(actor string) http.Handler {
		return api.New(api.Options{
			Pool: pool, Log: slog.New(slog.DiscardHandler), Access: authn.Options{AnonymousActor: actor},
		})
	}
	seen := map[string]bool{}
	for _, h := range []http.Handler{newHandler("ada"), newHandler("bea")} {
		for _, body := range []string{eventLines(3, 1), eventArray(3)} {
			send := func() *httptest.ResponseRecorder {
				return apitest.Do(h, "POST", "/event", body, fmt.Sprintf("Idempotency-Key: shared %d", len(body)))
			}
			resp := send()
			if resp.Code != http.StatusOK || isReplayed(resp) || seen[resp.Body.String()] {
				t.Errorf("%d %s", resp.Code, resp.Body)
			}
			seen[resp.Body.String()] = true
			if repeated := send(); repeated.Body.String() != resp.Body.String() || !isReplayed(repeated) {
				t.Errorf("retry: %s, want %s", repeated.Body, resp.Body)
			}
		}
	}
	if n := pgtest.QueryValue[int](t, pool, countEvents+" WHERE actor = 'bea'"); n != 2 {
		t.Errorf("bea recorded %d events, want 2", n)
	}
}

// sendToAll sends a request to each server at once and returns their responses.
func sendToAll(servers []http.Handler, key string, body func(server int) string) []*httptest.ResponseRecorder {
	responses := make([]*httptest.ResponseRecorder, len(servers))
	var wg sync.WaitGroup
	for i, h := range servers {
		wg.Go(func() { responses[i] = apitest.Do(h, "POST", "/event", body(i), "Idempotency-Key: "+key) })
	}
	wg.Wait()
	return responses
}

// TestEvent_retryOnAnotherInstance sends each request to two instances at once. It is recorded once, and both return
// the same response.
func TestEvent_retryOnAnotherInstance(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	servers := []http.Handler{apitest.NewPublic(pool), apitest.NewPublic(pool)}
	const rounds = 30
	for round := range rounds {
		body := eventLines(5, 1)
		if round%2 == 1 {
			body = eventArray(6, 5)
		}
		responses := sendToAll(servers, fmt.Sprint("round ", round), func(int) string { return body })
		replayed := 0
		for _, resp := range responses {
			if resp.Code != http.StatusOK || resp.Body.String() != responses[0].Body.String() {
				first := responses[0]
				t.Errorf("round %d: responses differ: %d %s, %d %s",
					round, first.Code, first.Body, resp.Code, resp.Body)
			}
			if isReplayed(resp) {
				replayed++
			}
		}
		if replayed != 1 {
			t.Errorf("round %d: %d replayed responses, want 1", round, replayed)
		}
	}
	if n := pgtest.QueryValue[int](t, pool, countEvents); n != rounds/2*3 {
		t.Errorf("%d events are stored, want %d", n, rounds/2*3)
	}
}

// TestEvent_sameKeyForTwoUsers uses one key for events of two users on two instances at once. One is recorded, the
// other one is rejected as a different request with the same key.
func TestEvent_sameKeyForTwoUsers(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	servers := []http.Handler{apitest.NewPublic(pool), apitest.NewPublic(pool)}
	const rounds = 30
	for round := range rounds {
		body := func(server int) string { return eventLines(int64(10+server), 1) }
		responses := sendToAll(servers, fmt.Sprint("users ", round), body)
		statuses := fmt.Sprint(responses[0].Code, " ", responses[1].Code)
		if statuses != "200 422" && statuses != "422 200" {
			t.Errorf("round %d: statuses %s, want 200 and 422", round, statuses)
		}
	}
	if n := pgtest.QueryValue[int](t, pool, countEvents); n != rounds {
		t.Errorf("%d events are stored, want %d", n, rounds)
	}
}
