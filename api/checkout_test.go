package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// This file tests what the stories cannot: concurrent check-outs, failures within the transaction and the caller as
// the holder. testdata/checkout.http has the rest.

// A custodyServer is a server with one container, and a token of an operator.
type custodyServer struct {
	*apitest.Server
	token     string
	container string
}

func newCustodyServer(t *testing.T) *custodyServer {
	t.Helper()
	ts := &custodyServer{Server: apitest.New(t), container: sampleContainer}
	ts.token = ts.SignIn("oscar", rest.Operator)
	ts.Exec("INSERT INTO container (uuid, description, freezer_id, quantity) VALUES ($1, 'Plasma', 1, 2.5)", ts.container)
	return ts
}

// checkOut sends a check-out of the container by a user.
func (ts *custodyServer) checkOut(holder string, header ...string) *httptest.ResponseRecorder {
	body := fmt.Sprintf(`{"container_uuid": %q, "holder": %q}`, ts.container, holder)
	return ts.Send(ts.token, "POST", "/api/v1/checkouts", body, header...)
}

// giveBack sends the return of the container.
func (ts *custodyServer) giveBack(header ...string) *httptest.ResponseRecorder {
	return ts.Send(ts.token, "POST", "/api/v1/containers/"+ts.container+"/return", "{}", header...)
}

// decode returns the check-out of a response, which must have the status.
func (ts *custodyServer) decode(w *httptest.ResponseRecorder, status int) (row apitest.Object) {
	ts.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &row); err != nil || w.Code != status {
		ts.Fatalf("%d %s, want %d", w.Code, w.Body, status)
	}
	return row
}

// custodyErrors counts what contradicts itself: check-outs without their events or with others, events without a
// check-out, and containers that another user has than the open check-out says.
const custodyErrors = `
WITH expected AS (
	SELECT event_id AS id, holder, 'withdraw' AS type, container_uuid, amount FROM checkout
	UNION ALL
	SELECT return_event_id, holder, 'deposit', container_uuid, amount FROM checkout
	WHERE outcome IN ('returned', 'transferred')
), recorded AS (
	SELECT event.id, username AS holder, type, container_uuid, amount
	FROM event JOIN account ON account.id = user_id
	WHERE container_uuid IS NOT NULL
)
SELECT (SELECT count(*) FROM (TABLE expected EXCEPT ALL TABLE recorded) AS missing)
	+ (SELECT count(*) FROM (TABLE recorded EXCEPT ALL TABLE expected) AS surplus)
	+ (SELECT count(*) FROM checkout WHERE (outcome IN ('lost', 'discarded')) AND return_event_id IS NOT NULL)
	+ (SELECT count(*) FROM container
		LEFT JOIN checkout AS open ON open.container_uuid = uuid AND returned_at IS NULL
		WHERE (container.holder, container.held_since, container.due_on) IS DISTINCT FROM
			(open.holder, open.checked_out_at, open.due_on)
			OR (status = 'checked_out') <> (open.id IS NOT NULL))`

func (ts *custodyServer) requireConsistent() {
	ts.Helper()
	if n := apitest.Value[int](ts.Server, custodyErrors); n != 0 {
		ts.Errorf("%d check-outs, events and containers contradict each other", n)
	}
}

// inParallel calls a function n times at once. The function returns what is wrong, or "".
func inParallel(t *testing.T, n int, call func(i int) string) {
	t.Helper()
	var wg sync.WaitGroup
	errs := make([]string, n)
	for i := range n {
		wg.Go(func() { errs[i] = call(i) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != "" {
			t.Error(err)
		}
	}
}

// TestCheckOut_concurrent: of many concurrent check-outs of one container, one succeeds. The others name its holder and
// record nothing.
func TestCheckOut_concurrent(t *testing.T) {
	t.Parallel()
	ts := newCustodyServer(t)
	holders := []string{"Bob", "Jane", "Harry"}
	var mutex sync.Mutex
	winner, rejected := "", []string{}
	inParallel(t, 50, func(i int) string {
		holder := holders[i%len(holders)]
		w := ts.checkOut(holder)
		mutex.Lock()
		defer mutex.Unlock()
		switch {
		case w.Code == http.StatusCreated && winner == "":
			winner = holder
		case w.Code == http.StatusConflict:
			rejected = append(rejected, w.Body.String())
		default:
			return fmt.Sprintf("%d %s", w.Code, w.Body)
		}
		return ""
	})
	for _, body := range rejected {
		if !strings.Contains(body, "Plasma is checked out by "+winner+" since ") {
			t.Errorf("%s does not name %s", body, winner)
		}
	}
	if n := apitest.Value[int](ts.Server, "SELECT count(*) FROM event"); n != 1 || winner == "" {
		t.Errorf("%d events are recorded, and the holder is %q", n, winner)
	}
	ts.requireConsistent()
}

// TestCustody_concurrentRequests: whatever requests meet, check-outs, events and containers agree.
func TestCustody_concurrentRequests(t *testing.T) {
	t.Parallel()
	ts := newCustodyServer(t)
	var mutex sync.Mutex
	seen := map[string]int{}
	inParallel(t, 8, func(worker int) string {
		for i := range 30 {
			path := "/api/v1/containers/" + ts.container
			kind := (worker*7 + i*5) % 8
			var w *httptest.ResponseRecorder
			switch kind {
			case 0, 1, 2:
				w = ts.checkOut([]string{"Bob", "Jane"}[i%2])
			case 3, 4:
				w = ts.giveBack()
			case 5:
				last := apitest.Value[int](ts.Server, "SELECT coalesce(max(id), 1) FROM checkout")
				w = ts.Send(ts.token, "POST", fmt.Sprintf("/api/v1/checkouts/%d/transfer", last), `{"holder": "Harry"}`)
			case 6:
				w = ts.Send(ts.token, "POST", path+[]string{"/lost", "/discard"}[i%2], `{"reason": "Race"}`)
			case 7:
				w = ts.Send(ts.token, "POST", path+"/found", "{}")
			}
			isBusy := w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") != ""
			if w.Code/100 != 2 && w.Code != http.StatusConflict && !isBusy && (kind != 5 || w.Code != http.StatusNotFound) {
				return fmt.Sprintf("request %d: %d %s", kind, w.Code, w.Body)
			}
			mutex.Lock()
			seen[fmt.Sprint(kind, " ", w.Code/100)]++
			mutex.Unlock()
		}
		return ""
	})
	if seen["0 2"] == 0 || seen["3 2"]+seen["4 2"] == 0 || seen["6 2"] == 0 || seen["7 2"] == 0 {
		t.Errorf("too few requests succeeded; the test proves little: %v", seen)
	}
	ts.requireConsistent()
}

// TestCustody_failureAfterEvent: if the transaction fails after the event was recorded, it leaves neither a row nor an
// event, and the request can be repeated with its key.
func TestCustody_failureAfterEvent(t *testing.T) {
	t.Parallel()
	ts := newCustodyServer(t)
	ts.Exec(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF NOT EXISTS (SELECT FROM event WHERE id IN (NEW.event_id, NEW.return_event_id) AND container_uuid IS NOT NULL
				AND xmin = pg_current_xact_id()::xid) THEN
				RAISE 'the event is not recorded yet';
			END IF;
			RAISE EXCEPTION 'forced' USING ERRCODE = 'serialization_failure';
		END $$`)
	// The second trigger fails when the transaction commits.
	const remove = "DROP TRIGGER z ON checkout"
	installs := []string{
		"CREATE TRIGGER z AFTER INSERT OR UPDATE ON checkout FOR EACH ROW EXECUTE FUNCTION fail()",
		`CREATE CONSTRAINT TRIGGER z AFTER INSERT OR UPDATE ON checkout DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW EXECUTE FUNCTION fail()`,
	}
	for _, send := range []func() *httptest.ResponseRecorder{
		func() *httptest.ResponseRecorder { return ts.checkOut("Bob", "Idempotency-Key: out") },
		func() *httptest.ResponseRecorder {
			return ts.Send(ts.token, "POST", "/api/v1/checkouts/1/transfer", `{"holder": "Jane"}`, "Idempotency-Key: transfer")
		},
		func() *httptest.ResponseRecorder { return ts.giveBack("Idempotency-Key: return") },
	} {
		for _, install := range installs {
			ts.Exec(install)
			before := ts.TableDigest()
			w := send()
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Location")+w.Header().Get("ETag") != "" {
				t.Errorf("with a failing trigger: %d %v %s", w.Code, w.Header(), w.Body)
			}
			if ts.TableDigest() != before {
				t.Errorf("the failed request left something behind: %s", w.Body)
			}
			ts.Exec(remove)
		}
		if w := send(); w.Code/100 != 2 || isReplayed(w) {
			t.Errorf("repeated without the trigger: %d %s", w.Code, w.Body)
		}
	}
	ts.requireConsistent()
}

// TestCheckOut_quantityChanges: a check-out that waits for a change of the container records the new quantity.
func TestCheckOut_quantityChanges(t *testing.T) {
	t.Parallel()
	ts := newCustodyServer(t)
	tx, err := ts.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, tx, "UPDATE container SET quantity = 7.123")
	done := make(chan *httptest.ResponseRecorder, 1)
	go func() { done <- ts.checkOut("Bob") }()
	pgtest.WaitForLockWait(t, ts.Pool)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if row := ts.decode(<-done, http.StatusCreated); row["amount"] != "7.12" {
		t.Errorf("the amount is %v, want 7.12", row["amount"])
	}
	ts.requireConsistent()
}

// TestCheckOut_amount: a quantity that is no amount of an event counts as 1.00.
func TestCheckOut_amount(t *testing.T) {
	t.Parallel()
	ts := newCustodyServer(t)
	for quantity, want := range map[string]string{
		"NULL": "1.00", "0": "1.00", "0.004": "1.00", "0.005": "0.01", "2.345": "2.35", "9999999999.99": "9999999999.99",
		"9999999999.995": "1.00", "10000000000": "1.00",
	} {
		ts.Exec("UPDATE container SET quantity = " + quantity)
		row := ts.decode(ts.checkOut("Bob"), http.StatusCreated)
		if row["amount"] != want {
			t.Errorf("quantity %s: amount %v, want %s", quantity, row["amount"], want)
		}
		ts.decode(ts.giveBack(), http.StatusOK)
	}
	ts.requireConsistent()
}

// TestCheckOut_callerIsHolder: without a holder, the caller is the holder. The history and the event have the caller as
// actor, and the history has the message.
func TestCheckOut_callerIsHolder(t *testing.T) {
	t.Parallel()
	ts := newCustodyServer(t)
	account := ts.CreateAccount("ada", rest.Operator)
	for name, token := range map[string]string{
		"session": ts.CreateSession(account).Access, "API token": ts.CreateAPIToken(account, rest.Operator),
	} {
		row := ts.MustSend(token, "POST", "/api/v1/checkouts", `{"container_uuid": "`+ts.container+`"}`,
			"X-Change-Message: for "+name)
		if row["holder"] != "ada" || row["checked_out_by"] != "ada" {
			t.Errorf("%s: holder %v, checked out by %v", name, row["holder"], row["checked_out_by"])
		}
		const recorded = `SELECT concat_ws(' ', event.actor, user_id = $2, change.actor, message)
			FROM event, change WHERE event.id = $1::text::uuid AND table_name = 'checkout' ORDER BY change.id DESC LIMIT 1`
		got := apitest.Value[string](ts.Server, recorded, row["event_id"], account)
		if want := "ada t ada for " + name; got != want {
			t.Errorf("%s: recorded %q, want %q", name, got, want)
		}
		summary := ts.MustSend(token, "GET", "/api/v1/summary", "")
		if summary["checkouts_open"] != 1.0 || summary["checkouts_mine"] != 1.0 || summary["checkouts_overdue"] != 0.0 {
			t.Errorf("%s: summary %v", name, summary)
		}
		ts.decode(ts.giveBack(), http.StatusOK)
	}
	w := ts.Send(ts.CreateSession(account).Access, "DELETE", "/account", "")
	if w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "ada has 2 check-outs") {
		t.Errorf("deletion of the account: %d %s", w.Code, w.Body)
	}
}

// TestCustody_repeatedRequest: requests with one key that meet have one effect. A repeated request gets the first
// response even after the container is gone.
func TestCustody_repeatedRequest(t *testing.T) {
	t.Parallel()
	ts := newCustodyServer(t)
	first := map[int]string{}
	requests := []func() *httptest.ResponseRecorder{
		func() *httptest.ResponseRecorder { return ts.checkOut("Bob", "Idempotency-Key: out") },
		func() *httptest.ResponseRecorder { return ts.giveBack("Idempotency-Key: back") },
	}
	for i, send := range requests {
		var mutex sync.Mutex
		bodies := map[string]int{}
		inParallel(t, 8, func(int) string {
			w := send()
			if w.Code == http.StatusConflict && strings.Contains(w.Body.String(), "idempotency-key-in-flight") {
				return ""
			}
			mutex.Lock()
			defer mutex.Unlock()
			bodies[w.Body.String()]++
			if w.Code/100 != 2 {
				return fmt.Sprintf("%d %s", w.Code, w.Body)
			}
			return ""
		})
		if len(bodies) != 1 {
			t.Errorf("the responses differ: %v", bodies)
		}
		for body := range bodies {
			first[i] = body
		}
	}
	if n := apitest.Value[int](ts.Server, "SELECT count(*) FROM event"); n != 2 {
		t.Errorf("%d events are recorded, want 2", n)
	}
	ts.requireConsistent()
	ts.MustSend(ts.token, "DELETE", "/api/v1/containers/"+ts.container, "")
	for i, send := range requests {
		if w := send(); w.Code/100 != 2 || !isReplayed(w) || w.Body.String() != first[i] {
			t.Errorf("repeated after the deletion: %d %s, want %s", w.Code, w.Body, first[i])
		}
	}
}

// TestMarkContainerLost_meetsCheckOut: a container that another transaction checks out is not lost behind its back.
func TestMarkContainerLost_meetsCheckOut(t *testing.T) {
	t.Parallel()
	ts := newCustodyServer(t)
	for _, action := range []string{"lost", "discard"} {
		tx, err := ts.Pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pgtest.Exec(t, tx, "INSERT INTO checkout (container_uuid, holder) VALUES ($1, 'Bob')", ts.container)
		done := make(chan *httptest.ResponseRecorder, 1)
		go func() {
			path := "/api/v1/containers/" + ts.container + "/" + action
			done <- ts.Send(ts.token, "POST", path, `{"reason": "Not in the rack"}`)
		}()
		pgtest.WaitForLockWait(t, ts.Pool)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		w := <-done
		if w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "Plasma is checked out by Bob since") {
			t.Errorf("%s: %d %s", action, w.Code, w.Body)
		}
		ts.Exec("UPDATE checkout SET returned_at = now(), returned_by = 'me', outcome = 'returned' WHERE returned_at IS NULL")
	}
}
