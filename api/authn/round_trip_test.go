package authn_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"labledger/api"
	"labledger/api/rest"
	"labledger/internal/apitest"
)

// This file counts the round trips between the server and Postgres, without those in which a connection prepares a
// statement: that happens once, and again after the statement has failed. The check of a signed-in caller travels with
// the statement of the request, so that it costs none, with the exceptions below.

// checkedBefore are the operations of which the check needs a round trip of its own, with the reason. They are the same
// for API tokens: no statement on a route that accepts them has the caller's account as a parameter.
var checkedBefore = map[string]string{
	"CreateAPIToken":    function,
	"CreateLink":        function,
	"DeleteAttachment":  function,
	"EvacuateFreezer":   function,
	"MoveContainers":    function,
	"CheckOut":          function,
	"ReturnCheckout":    function,
	"ReturnContainer":   function,
	"TransferCheckout":  function,
	"RenderLabels":      transfer,
	"PatchOwnAccount":   function,
	"RecordEvent":       function,
	"ReplaceOwnAccount": function,
	"ReplayLedger":      function,
	"Upload":            function,
	"VoidEvent":         function,
	"ListStream":        handler,
	"/metrics":          handler,
	"ListChanges":       roleParameter,
	"ListChangesets":    roleParameter,
	"GetChangeset":      roleParameter,
	"UndoChangeset":     transfer,
	"ListViews":         roleParameter,
	"GetView":           roleParameter,
	"UpdateView":        roleParameter,
	"PatchView":         roleParameter,
	"DeleteView":        roleParameter,
	"ListViewChanges":   roleParameter,
	"CloseStocktake":    transfer,
	"Search":            roleParameter,
	"GetSummary":        roleParameter,
}

// Why a check needs a round trip of its own.
const (
	function      = "a function does more than one statement, and relies on an authorized caller"
	handler       = "an ordinary handler relies on an authorized caller"
	transfer      = "a slot of a long transfer is for authorized callers"
	roleParameter = "the role of the caller, which only the database knows, is a parameter of the statement"
)

// roundTrips returns the round trips of a request that run statements. It repeats the request until they are the same
// as before, since the first one may load the rules or the row that another one creates. token returns the token for
// the next request; "" sends none.
func roundTrips(ts *apitest.Server, wire *wire, token func() string, s sample) int {
	ts.Helper()
	previous := 0
	for range 5 {
		w := ts.Send(token(), s.Method, s.target, s.body, s.headers...)
		got := wire.take()
		if w.Code >= http.StatusInternalServerError || len(got.statements) == 0 || refusedByCheck(got.statements) {
			ts.Fatalf("%s %s: %d %s; statements: %v", s.Method, s.target, w.Code, w.Body, got.statements)
		}
		if got.executions == previous {
			return previous
		}
		previous = got.executions
	}
	ts.Fatalf("%s %s: the number of round trips varies", s.Method, s.target)
	return 0
}

// TestSignedIn_roundTrips compares the round trips of signed-in callers with those of an anonymous caller of an open
// server.
func TestSignedIn_roundTrips(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	id := ts.CreateAccount("root", rest.Admin)
	session, apiToken := ts.CreateSession(id).Access, ts.CreateAPIToken(id, rest.Admin)
	required, requiredWire := recordedInstance(ts)
	open, openWire := recordedInstance(ts, func(o *api.Options) { o.Access.AuthRequired = false })
	always := func(token string) func() string { return func() string { return token } }
	seen := map[string]bool{}
	for _, route := range samples(t, ts) {
		seen[route.operation] = true
		if route.Role == rest.SessionOnly || route.operation == "ListStream" {
			continue // anonymous callers cannot use it, or it does not end
		}
		for form, s := range route.variants() {
			anonymous := roundTrips(open, openWire, always(""), s)
			withSession := roundTrips(required, requiredWire, always(session), s)
			withToken := roundTrips(required, requiredWire, always(apiToken), s)
			want := anonymous
			if form != "" || checkedBefore[s.operation] != "" || s.kind == rest.KindMatching {
				want++ // dry runs, requests for several rows and tables are checked before they begin
			}
			if withSession != want || withToken != want {
				t.Errorf("%s %s%s (%s): %d round trips, %d with a session, %d with an API token, want %d",
					s.Method, s.target, form, s.operation, anonymous, withSession, withToken, want)
			}
		}
	}
	for operation := range checkedBefore {
		if !seen[operation] {
			t.Errorf("no route has the operation %s", operation)
		}
	}
}

// TestSignedIn_oneRoundTrip: reads and writes take one round trip, also those that need a session.
func TestSignedIn_oneRoundTrip(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	recorded, wire := recordedInstance(ts)
	n := 0
	newUser := func() string { // some of the requests end the session or delete the account
		n++
		return ts.SignIn(fmt.Sprint("user ", n), rest.Operator)
	}
	tested := 0
	for _, s := range samples(t, ts) {
		if s.Role == rest.Admin || s.kind == rest.KindFunc || s.kind == rest.KindRaw ||
			s.kind == rest.KindMatching || checkedBefore[s.operation] != "" {
			continue
		}
		if n := roundTrips(recorded, wire, newUser, s); n != 1 {
			t.Errorf("%s %s: %d round trips, want 1", s.Method, s.target, n)
		}
		tested++
	}
	if tested < 80 {
		t.Errorf("only %d routes were tested", tested)
	}
}

// TestSignedIn_preparedRoundTrips: a read and a write take one round trip altogether, once their statements are
// prepared.
func TestSignedIn_preparedRoundTrips(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	id := ts.CreateAccount("oscar", rest.Operator)
	recorded, wire := recordedInstance(ts)
	for name, token := range map[string]string{
		"session":   ts.CreateSession(id).Access,
		"API token": ts.CreateAPIToken(id, rest.Operator),
	} {
		for _, r := range []struct{ method, target, body string }{
			{"GET", "/site/1", ""},
			{"GET", "/sites?country=Iceland", ""},
			{"PATCH", "/site/1", `{"contact": "x"}`},
		} {
			recorded.MustSend(token, r.method, r.target, r.body)
			wire.take()
			recorded.MustSend(token, r.method, r.target, r.body)
			if got := wire.take(); got.roundTrips != 1 || !got.statements[0].isCheck() {
				t.Errorf("%s: %s %s: %d round trips, want 1: %v", name, r.method, r.target, got.roundTrips, got.statements)
			}
		}
	}
}

// TestSignedIn_replica: before a list from a replica, one round trip to the primary checks the caller and returns the
// position that the replica must have. The replica may not know yet that a session has ended, so a refused request does
// not reach it. The replica of this test is none, so the list follows from the primary.
func TestSignedIn_replica(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	id := ts.CreateAccount("vera", rest.Viewer)
	valid, revoked := ts.CreateSession(id), ts.CreateSession(id)
	ts.Exec("UPDATE session SET revoked_at = now() WHERE id = $1", revoked.ID)
	replica, replicaWire := recordedPool(ts)
	for accept, roundTrips := range map[string]int{"application/json": 2, "text/csv": 3} { // a table is checked before
		recorded, wire := recordedInstance(ts, func(o *api.Options) { o.Replica = replica })
		recorded.Send(revoked.Access, "GET", "/sites", "", "Accept: "+accept)
		if got := wire.take().statements; !refusedByCheck(got) {
			t.Errorf("%s, refused: the primary ran %v", accept, got)
		}
		if got := replicaWire.take(); got.roundTrips > 0 {
			t.Errorf("%s, refused: the replica ran %v", accept, got.statements)
		}
		recorded.Send(valid.Access, "GET", "/sites", "", "Accept: "+accept)
		got := wire.take()
		if got.executions != roundTrips || len(got.statements) != 3 || !got.statements[0].isCheck() ||
			!strings.Contains(got.statements[1].sql, "GetWALPosition") {
			t.Errorf("%s: the primary ran %v, want the check, the position and the list", accept, got)
		}
		got = replicaWire.take()
		if got.executions != 1 || !strings.Contains(got.statements[0].sql, "GetMissingWAL") {
			t.Errorf("%s: the replica ran %v, want the comparison of positions", accept, got.statements)
		}
	}
}

// TestSignedIn_recordsCaller: the check and the write share a transaction, in which the check sets what the history
// records.
func TestSignedIn_recordsCaller(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	id := ts.CreateAccount("oscar", rest.Operator)
	for name, token := range map[string]string{
		"session":   ts.CreateSession(id).Access,
		"API token": ts.CreateAPIToken(id, rest.Operator),
	} {
		w := ts.Send(token, "PATCH", "/site/1", `{"contact": "`+name+`"}`)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", name, w.Code, w.Body)
		}
		got := apitest.Value[string](ts, "SELECT concat_ws(' ', actor, request_id) FROM change ORDER BY id DESC LIMIT 1")
		if want := "oscar " + w.Header().Get("X-Request-Id"); got != want {
			t.Errorf("%s: the history has %q, want %q", name, got, want)
		}
	}
}

// TestWriteHeaders_roundTrips: a write with an Idempotency-Key takes two round trips, one with X-Change-Message takes
// one. Without these headers it has no statement more than the check and itself.
func TestWriteHeaders_roundTrips(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	id := ts.CreateAccount("oscar", rest.Operator)
	recorded, wire := recordedInstance(ts)
	token := ts.CreateSession(id).Access
	for n, c := range []struct {
		headers                []string
		roundTrips, statements int
	}{
		{nil, 1, 2},
		{[]string{"X-Change-Message: why"}, 1, 3},
		{[]string{"Idempotency-Key: #"}, 2, 6}, // begin, check, claim, write; save, commit
	} {
		var got traffic
		for attempt := range 2 { // the first one prepares the statements
			var headers []string
			for _, header := range c.headers {
				headers = append(headers, strings.Replace(header, "#", fmt.Sprint(n, attempt), 1))
			}
			wire.take()
			recorded.MustSend(token, "PATCH", "/site/1", fmt.Sprintf(`{"contact": "%d %d"}`, n, attempt), headers...)
			got = wire.take()
		}
		if got.roundTrips != c.roundTrips || len(got.statements) != c.statements {
			t.Errorf("%q: %d round trips with %d statements, want %d with %d: %v", c.headers,
				got.roundTrips, len(got.statements), c.roundTrips, c.statements, got.statements)
		}
	}
}
