package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestAuditActor: the history names who wrote, by session and by API token alike, whatever was written.
func TestAuditActor(t *testing.T) {
	ts := newTestServer(t)
	adminSession, oscar := ts.createAccount("boss", admin), ts.createAccount("oscar", operator)
	tokens := map[string][]string{ // by actor
		"boss": {ts.createSession(adminSession).access, ts.createAPIToken(adminSession, admin)}, "oscar": {ts.createSession(oscar).access, ts.createAPIToken(oscar, operator)},
	}
	n := 0
	// wrote sends a write and holds the rows of the history against it; those have the request id.
	checkActor := func(actor, token, history, method, target, body string, header ...string) (answer object) {
		t.Helper()
		n++
		id := fmt.Sprint("request-", n)
		answer = ts.mustSend(token, method, target, body, append(header, "X-Request-Id: "+id, "X-Actor: Bob", "X-User: Bob")...)
		source := " WHERE request_id = '" + id + "'"
		if history == "event" { // has no request id
			source = fmt.Sprintf(" WHERE id = '%v'", answer["event_id"])
		}
		if actors := scan[[]string](ts, "SELECT coalesce(array_agg(DISTINCT actor), '{}') FROM "+history+source); len(actors) != 1 || actors[0] != actor {
			t.Errorf("%s %s by %s is recorded in %s as by %q", method, target, actor, history, actors)
		}
		return answer
	}
	for actor, all := range tokens {
		for i, token := range all {
			for _, resource := range []struct{ plural, whole, part string }{
				{"sites", `{"name": "x", "contact": null, "address": null, "state_or_region": null, "country": null, "postcode_or_zip": null}`, `{"country": "Iceland"}`},
				{"freezers", `{"name": "x", "site_id": 1}`, `{"name": "y"}`},
				{"computers", `{"name": "x", "mac": null, "site_id": 1}`, `{"name": "y"}`},
				{"containers", `{"description": "x", "freezer_id": 1}`, `{"description": "y"}`},
				{"todos", `{"description": "x", "status": "open"}`, `{"status": "done"}`},
			} {
				list := "/api/v1/" + resource.plural
				row := checkActor(actor, token, "change", "POST", list, resource.whole)
				key := row["id"]
				if row["uuid"] != nil {
					key = row["uuid"]
				}
				one := fmt.Sprintf("%s/%v", list, key)
				checkActor(actor, token, "change", "PUT", one, strings.Replace(resource.whole, `"x"`, `"z"`, 1))
				checkActor(actor, token, "change", "PATCH", one, resource.part)
				checkActor(actor, token, "change", "POST", list, resource.whole+"\n"+resource.whole+"\n", "Content-Type: application/x-ndjson")
				checkActor(actor, token, "change", "DELETE", one, "")
			}
			user := fmt.Sprintf("%s-%d", actor, i)
			ts.exec("INSERT INTO account (username) VALUES ($1)", user)
			id := scan[int64](ts, "SELECT id FROM account WHERE username = $1", user)
			event := fmt.Sprintf(`{"type": "withdraw", "amount": "150", "user_id": %d, "time": 1}`, id)
			alertResponse := checkActor(actor, token, "event", "POST", "/event", event)
			alert := fmt.Sprintf("/api/v1/alerts/%v", alertResponse["alert_id"])
			ts.mustSend(token, "PATCH", alert, `{"note": "Seen"}`)
			if got := scan[string](ts, "SELECT string_agg(DISTINCT actor, ' ') FROM alert_change WHERE alert_id = $1", alertResponse["alert_id"]); got != actor {
				t.Errorf("the alert was changed by %s, not by %s", got, actor)
			}
			if actor != "boss" {
				continue
			}
			checkActor(actor, token, "change", "PATCH", "/api/v1/rules/123", fmt.Sprintf(`{"limit": %d}`, 300+i))
			one := fmt.Sprint("/api/v1/users/", id)
			checkActor(actor, token, "change", "PATCH", one, `{"risk": "high"}`)
			checkActor(actor, token, "change", "PUT", one, `{"username": "`+user+`", "country": null, "risk": null, "role": "viewer", "disabled": false}`)
			checkActor(actor, token, "change", "DELETE", one, "")
			checkActor(actor, token, "change", "POST", "/api/v1/users", `{"username": "`+user+` again"}`)
		}
	}
	checkActor("oscar", tokens["oscar"][0], "change", "PATCH", "/account", `{"country": "Iceland"}`)
	checkActor("newcomer", "", "change", "POST", "/auth/register", `{"username": "newcomer", "password": "a new horse for the battery"}`)
	checkActor("oscar", tokens["oscar"][0], "change", "DELETE", "/account", "")
}

// TestHistoryHidesSecrets: what proves who somebody is stands nowhere in the history, and of accounts only admins read there.
func TestHistoryHidesSecrets(t *testing.T) {
	ts := newTestServer(t)
	adminSession := ts.createSession(ts.createAccount("boss", admin)).access
	// Everything that could leave a trace, over HTTP.
	const password = "a new horse for the battery"
	ts.mustSend("", "POST", "/auth/register", `{"username": "ann", "password": "`+testPassword+`", "country": "Iceland"}`)
	got := ts.mustSend("", "POST", "/auth/login", `{"username": "ann", "password": "`+testPassword+`"}`)
	secrets := []string{testPassword, password, "argon2", "password", "generation", fmt.Sprint(got["access_token"]), fmt.Sprint(got["refresh_token"])}
	token := ts.mustSend(fmt.Sprint(got["access_token"]), "POST", "/api/v1/tokens", `{"name": "the script of ann"}`)
	secrets = append(secrets, fmt.Sprint(token["token"]), fmt.Sprint(token["prefix"]), "the script of ann")
	got = ts.mustSend("", "POST", "/auth/refresh", fmt.Sprintf(`{"refresh_token": "%v"}`, got["refresh_token"]))
	ann := fmt.Sprint(got["access_token"])
	secrets = append(secrets, ann, fmt.Sprint(got["refresh_token"]))
	ts.mustSend(ann, "POST", "/todo", `{"description": "x", "status": "open"}`)
	ts.mustSend(ann, "PATCH", "/account", `{"country": "Norway", "password": "`+password+`", "current_password": "`+testPassword+`"}`)
	got = ts.mustSend("", "POST", "/auth/login", `{"username": "ann", "password": "`+password+`"}`)
	ann = fmt.Sprint(got["access_token"])
	ts.mustSend(adminSession, "PATCH", fmt.Sprint("/api/v1/users/", scan[int64](ts, "SELECT id FROM account WHERE username = 'ann'")), `{"risk": "high"}`)

	if tables := scan[string](ts, "SELECT string_agg(DISTINCT table_name, ' ' ORDER BY table_name) FROM change"); tables != "account computer credential freezer rule site todo" {
		t.Errorf("the history is of %s", tables)
	}
	if set := scan[string](ts, "SELECT string_agg(action || ' by ' || actor, ', ' ORDER BY id) FROM change WHERE table_name = 'credential'"); set != "insert by labledger, insert by ann, update by ann" {
		t.Errorf("passwords were set: %s", set)
	}
	id := scan[int64](ts, "SELECT id FROM account WHERE username = 'ann'")
	for _, accept := range []string{"application/json", "text/csv", "application/x-ndjson"} {
		for _, query := range []string{"", "?table_name=account", "?actor=ann", "?actor=boss", fmt.Sprint("?row_key=", id), "?after=0", "?after=1", "?offset=1", "?limit=1000", "?action=update", "?caller_role=admin"} {
			w := ts.send(ann, "GET", "/api/v1/changes"+query, "", "Accept: "+accept)
			if query == "?caller_role=admin" {
				if w.Code != http.StatusBadRequest {
					t.Errorf("%s: %d", query, w.Code)
				}
				continue
			}
			text := w.Body.String()
			if w.Code != http.StatusOK || strings.Contains(text, "account") || strings.Contains(text, "Iceland") || strings.Contains(text, "Norway") {
				t.Errorf("a viewer reads of accounts, with %s, %s: %d %s", query, accept, w.Code, clipText(text))
			}
			if query == "" && !strings.Contains(text, "todo") {
				t.Errorf("the history is empty: %s", text)
			}
		}
		all := ts.send(adminSession, "GET", "/api/v1/changes?limit=1000", "", "Accept: "+accept).Body.String()
		path := ts.send(adminSession, "GET", fmt.Sprint("/api/v1/users/", id, "/history"), "", "Accept: "+accept).Body.String()
		if !strings.Contains(all, "account") || !strings.Contains(path, "Iceland") || !strings.Contains(path, "Norway") {
			t.Errorf("an admin should read of accounts: %s\n%s", clipText(all), clipText(path))
		}
		for _, s := range secrets {
			if strings.Contains(all+path, s) {
				t.Errorf("the history holds %s", s)
			}
		}
	}
	// Nor where no route leads.
	for _, s := range secrets {
		if strings.Contains(dumpRows(t, ts.pool, "change", "alert_change", "event", "idempotency"), s) {
			t.Errorf("the database's own history holds %s", s)
		}
	}
	for _, path := range []string{"site", "freezer", "computer", "todo"} {
		if w := ts.send(ann, "GET", fmt.Sprint("/", path, "/", id, "/history"), ""); strings.Contains(w.Body.String(), "account") {
			t.Errorf("the history of a %s tells of an account: %s", path, w.Body)
		}
	}
}
