package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"labledger/api/rest"
	"labledger/internal/apitest"
)

// TestHistory_recordsActor: the history records the actor of every write, whether it came with a session or an API
// token.
func TestHistory_recordsActor(t *testing.T) {
	ts := apitest.New(t)
	adminID, oscarID := ts.CreateAccount("boss", rest.Admin), ts.CreateAccount("oscar", rest.Operator)
	tokens := map[string][]string{ // by actor
		"boss":  {ts.CreateSession(adminID).Access, ts.CreateAPIToken(adminID, rest.Admin)},
		"oscar": {ts.CreateSession(oscarID).Access, ts.CreateAPIToken(oscarID, rest.Operator)},
	}
	n := 0
	// checkActor sends a write and checks the actor of the rows that it adds to a history table.
	checkActor := func(actor, token, history, method, target, body string, header ...string) (response apitest.Object) {
		t.Helper()
		n++
		id := fmt.Sprint("request-", n)
		header = append(header, "X-Request-Id: "+id, "X-Actor: Bob", "X-User: Bob")
		response = ts.MustSend(token, method, target, body, header...)
		source := " WHERE request_id = '" + id + "'"
		if history == "event" { // has no request_id
			source = fmt.Sprintf(" WHERE id = '%v'", response["event_id"])
		}
		actors := apitest.Value[[]string](ts, "SELECT coalesce(array_agg(DISTINCT actor), '{}') FROM "+history+source)
		if len(actors) != 1 || actors[0] != actor {
			t.Errorf("%s %s by %s: actors in %s: %q", method, target, actor, history, actors)
		}
		return response
	}
	for actor, actorTokens := range tokens {
		for i, token := range actorTokens {
			for _, resource := range []struct{ plural, row, patch string }{
				{
					plural: "sites",
					row: `{"name": "x", "contact": null, "address": null, "state_or_region": null, "country": null,` +
						` "postcode_or_zip": null}`,
					patch: `{"country": "Iceland"}`,
				},
				{"freezers", `{"name": "x", "site_id": 1}`, `{"name": "y"}`},
				{"computers", `{"name": "x", "mac": null, "site_id": 1}`, `{"name": "y"}`},
				{"containers", `{"description": "x", "freezer_id": 1}`, `{"description": "y"}`},
				{"todos", `{"description": "x", "status": "open"}`, `{"status": "done"}`},
			} {
				listPath := "/api/v1/" + resource.plural
				row := checkActor(actor, token, "change", "POST", listPath, resource.row)
				key := row["id"]
				if row["uuid"] != nil {
					key = row["uuid"]
				}
				rowPath := fmt.Sprintf("%s/%v", listPath, key)
				checkActor(actor, token, "change", "PUT", rowPath, strings.Replace(resource.row, `"x"`, `"z"`, 1))
				checkActor(actor, token, "change", "PATCH", rowPath, resource.patch)
				twoRows := resource.row + "\n" + resource.row + "\n"
				checkActor(actor, token, "change", "POST", listPath, twoRows, "Content-Type: application/x-ndjson")
				checkActor(actor, token, "change", "DELETE", rowPath, "")
			}
			user := fmt.Sprintf("%s-%d", actor, i)
			ts.Exec("INSERT INTO account (username) VALUES ($1)", user)
			id := apitest.Value[int64](ts, "SELECT id FROM account WHERE username = $1", user)
			event := fmt.Sprintf(`{"type": "withdraw", "amount": "150", "user_id": %d, "time": 1}`, id)
			alertResponse := checkActor(actor, token, "event", "POST", "/event", event)
			alert := fmt.Sprintf("/api/v1/alerts/%v", alertResponse["alert_id"])
			ts.MustSend(token, "PATCH", alert, `{"note": "Seen"}`)
			const alertActors = "SELECT string_agg(DISTINCT actor, ' ') FROM alert_change WHERE alert_id = $1"
			if got := apitest.Value[string](ts, alertActors, alertResponse["alert_id"]); got != actor {
				t.Errorf("actors of the alert change: %s, want %s", got, actor)
			}
			if actor != "boss" {
				continue
			}
			checkActor(actor, token, "change", "PATCH", "/api/v1/rules/123", fmt.Sprintf(`{"limit": %d}`, 300+i))
			rowPath := fmt.Sprint("/api/v1/users/", id)
			checkActor(actor, token, "change", "PATCH", rowPath, `{"risk": "high"}`)
			checkActor(actor, token, "change", "PUT", rowPath,
				`{"username": "`+user+`", "country": null, "risk": null, "role": "viewer", "disabled": false}`)
			checkActor(actor, token, "change", "DELETE", rowPath, "")
			checkActor(actor, token, "change", "POST", "/api/v1/users", `{"username": "`+user+` again"}`)
		}
	}
	checkActor("oscar", tokens["oscar"][0], "change", "PATCH", "/account", `{"country": "Iceland"}`)
	checkActor("newcomer", "", "change", "POST", "/auth/register",
		`{"username": "newcomer", "password": "a new horse for the battery"}`)
	checkActor("oscar", tokens["oscar"][0], "change", "DELETE", "/account", "")
}

// TestHistory_hidesSecrets: the history contains no passwords, tokens or hashes, and only admins see changes of
// accounts.
func TestHistory_hidesSecrets(t *testing.T) {
	ts := apitest.New(t)
	adminSession := ts.CreateSession(ts.CreateAccount("boss", rest.Admin)).Access
	// Make every kind of request that handles secrets.
	const password = "a new horse for the battery"
	ts.MustSend("", "POST", "/auth/register", `{"username": "ann", "password": "`+apitest.Password+`", "country": "Iceland"}`)
	response := ts.MustSend("", "POST", "/auth/login", `{"username": "ann", "password": "`+apitest.Password+`"}`)
	secrets := []string{
		apitest.Password, password, "argon2", "password", "generation",
		fmt.Sprint(response["access_token"]), fmt.Sprint(response["refresh_token"]),
	}
	const tokenBody = `{"name": "nightly export of ann"}`
	token := ts.MustSend(fmt.Sprint(response["access_token"]), "POST", "/api/v1/tokens", tokenBody)
	secrets = append(secrets, fmt.Sprint(token["token"]), fmt.Sprint(token["prefix"]), "nightly export of ann")
	response = ts.MustSend("", "POST", "/auth/refresh", fmt.Sprintf(`{"refresh_token": "%v"}`, response["refresh_token"]))
	ann := fmt.Sprint(response["access_token"])
	secrets = append(secrets, ann, fmt.Sprint(response["refresh_token"]))
	ts.MustSend(ann, "POST", "/todo", `{"description": "x", "status": "open"}`)
	ts.MustSend(ann, "PATCH", "/account",
		`{"country": "Norway", "password": "`+password+`", "current_password": "`+apitest.Password+`"}`)
	response = ts.MustSend("", "POST", "/auth/login", `{"username": "ann", "password": "`+password+`"}`)
	ann = fmt.Sprint(response["access_token"])
	id := apitest.Value[int64](ts, "SELECT id FROM account WHERE username = 'ann'")
	ts.MustSend(adminSession, "PATCH", fmt.Sprint("/api/v1/users/", id), `{"risk": "high"}`)

	tables := apitest.Value[string](ts, "SELECT string_agg(DISTINCT table_name, ' ' ORDER BY table_name) FROM change")
	if tables != "account computer credential freezer rule site todo" {
		t.Errorf("tables in the history: %s", tables)
	}
	passwordChanges := apitest.Value[string](ts, `SELECT string_agg(action || ' by ' || actor, ', ' ORDER BY id)
		FROM change WHERE table_name = 'credential'`)
	if passwordChanges != "insert by labledger, insert by ann, update by ann" {
		t.Errorf("password changes: %s", passwordChanges)
	}
	for _, accept := range []string{"application/json", "text/csv", "application/x-ndjson"} {
		for _, query := range []string{
			"", "?table_name=account", "?actor=ann", "?actor=boss", fmt.Sprint("?row_key=", id), "?after=0", "?after=1",
			"?offset=1", "?limit=1000", "?action=update", "?caller_role=admin",
		} {
			w := ts.Send(ann, "GET", "/api/v1/changes"+query, "", "Accept: "+accept)
			if query == "?caller_role=admin" {
				if w.Code != http.StatusBadRequest {
					t.Errorf("%s: status %d, want 400", query, w.Code)
				}
				continue
			}
			text := w.Body.String()
			if w.Code != http.StatusOK {
				t.Errorf("%s, %s: %d %s", query, accept, w.Code, clipText(text))
			}
			for _, private := range []string{"account", "Iceland", "Norway"} {
				if strings.Contains(text, private) {
					t.Errorf("%s, %s: a viewer sees %q: %s", query, accept, private, clipText(text))
				}
			}
			if query == "" && !strings.Contains(text, "todo") {
				t.Errorf("no todo in the history: %s", text)
			}
		}
		get := func(path string) string {
			return ts.Send(adminSession, "GET", path, "", "Accept: "+accept).Body.String()
		}
		feed, history := get("/api/v1/changes?limit=1000"), get(fmt.Sprint("/api/v1/users/", id, "/history"))
		if !strings.Contains(feed, "account") || !strings.Contains(history, "Iceland") ||
			!strings.Contains(history, "Norway") {
			t.Errorf("an admin does not see changes of accounts: %s\n%s", clipText(feed), clipText(history))
		}
		for _, s := range secrets {
			if strings.Contains(feed+history, s) {
				t.Errorf("the history contains %s", s)
			}
		}
	}
	// The tables contain no secrets either, including those that no route shows.
	for _, s := range secrets {
		if strings.Contains(apitest.DumpTables(t, ts.Pool, "change", "alert_change", "event", "idempotency"), s) {
			t.Errorf("the history tables contain %s", s)
		}
	}
	for _, table := range []string{"site", "freezer", "computer", "todo"} {
		w := ts.Send(ann, "GET", fmt.Sprint("/", table, "/", id, "/history"), "")
		if strings.Contains(w.Body.String(), "account") {
			t.Errorf("the history of a %s shows an account: %s", table, w.Body)
		}
	}
}
