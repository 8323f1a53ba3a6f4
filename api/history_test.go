package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"labledger/api/rest"
	"labledger/internal/apitest"
)

// TestHistory_recordsActor: the history records the actor of every write, whether it came with a session or an API
// token.
func TestHistory_recordsActor(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	adminID, oscarID := ts.CreateAccount("boss", rest.Admin), ts.CreateAccount("oscar", rest.Operator)
	oscarSession := ts.CreateSession(oscarID).Access
	for i, w := range []actorWriter{
		{Server: ts, actor: "boss", token: ts.CreateSession(adminID).Access},
		{Server: ts, actor: "boss", token: ts.CreateAPIToken(adminID, rest.Admin)},
		{Server: ts, actor: "oscar", token: oscarSession},
		{Server: ts, actor: "oscar", token: ts.CreateAPIToken(oscarID, rest.Operator)},
	} {
		w.name = fmt.Sprintf("%s-%d", w.actor, i)
		w.changeRows()
		user := w.recordEvent()
		if w.actor == "boss" {
			w.administer(user, 300+i)
		}
	}
	oscar := actorWriter{Server: ts, actor: "oscar", token: oscarSession, name: "oscar"}
	oscar.check("change", "PATCH", "/account", `{"country": "Iceland"}`)
	newcomer := actorWriter{Server: ts, actor: "newcomer", name: "newcomer"}
	newcomer.check("change", "POST", "/auth/register",
		`{"username": "newcomer", "password": "a new horse for the battery"}`)
	oscar.check("change", "DELETE", "/account", "")
}

// An actorWriter makes changes with one credential and checks their actor.
type actorWriter struct {
	*apitest.Server
	actor, token string
	name         string // unique
	requests     int
}

// check sends a write and checks the actor of the rows that it adds to a history table.
func (w *actorWriter) check(history, method, target, body string, header ...string) (response apitest.Object) {
	w.Helper()
	w.requests++
	id := fmt.Sprint(w.name, "-", w.requests)
	header = append(header, "X-Request-Id: "+id, "X-Actor: Bob", "X-User: Bob")
	response = w.MustSend(w.token, method, target, body, header...)
	source := " WHERE request_id = '" + id + "'"
	if history == "event" { // has no request_id
		source = fmt.Sprintf(" WHERE id = '%v'", response["event_id"])
	}
	const sql = "SELECT coalesce(array_agg(DISTINCT actor), '{}') FROM "
	actors := apitest.Value[[]string](w.Server, sql+history+source)
	if !slices.Equal(actors, []string{w.actor}) {
		w.Errorf("%s %s by %s: actors in %s: %q", method, target, w.actor, history, actors)
	}
	return response
}

// changeRows creates, replaces, patches, imports and deletes rows of each table.
func (w *actorWriter) changeRows() {
	w.Helper()
	for _, resource := range []struct{ plural, row, patch string }{
		{
			plural: "sites",
			row: `{"name": "x", "contact": null, "address": null, "state_or_region": null, "country": null,` +
				` "postcode_or_zip": null}`,
			patch: `{"country": "Iceland"}`,
		},
		{"freezers", `{"name": "x", "site_id": 1, "capacity": null}`, `{"name": "y"}`},
		{"computers", `{"name": "x", "mac": null, "site_id": 1}`, `{"name": "y"}`},
		{
			plural: "containers",
			row: `{"description": "x", "freezer_id": 1, "barcode": null, "kind": "box", "type": null, "owner": null,` +
				` "project": null, "quantity": null, "unit": null, "expires_on": null, "thaw_count": 0, "rows": null,` +
				` "columns": null, "scheme": null, "blocked": null, "capacity": null, "parent_uuid": null,` +
				` "position": null}`,
			patch: `{"description": "y"}`,
		},
		{"todos", `{"description": "x", "status": "open"}`, `{"status": "done"}`},
		{"views", `{"name": "x", "noun": "sites", "query": "q=x", "shared": false}`, `{"shared": true}`},
	} {
		listPath := "/api/v1/" + resource.plural
		row := w.check("change", "POST", listPath, resource.row)
		key := row["id"]
		if row["uuid"] != nil {
			key = row["uuid"]
		}
		rowPath := fmt.Sprintf("%s/%v", listPath, key)
		w.check("change", "PUT", rowPath, strings.Replace(resource.row, `"x"`, `"z"`, 1))
		w.check("change", "PATCH", rowPath, resource.patch)
		firstRow := strings.Replace(resource.row, `"x"`, `"`+w.name+`"`, 1)
		twoRows := firstRow + "\n" + strings.Replace(resource.row, `"x"`, `"`+w.name+` 2"`, 1) + "\n"
		w.check("change", "POST", listPath, twoRows, "Content-Type: application/x-ndjson")
		w.check("change", "DELETE", rowPath, "")
	}
}

// recordEvent creates a user, records an event of this user that raises an alert, and changes the alert. It returns the
// user's ID.
func (w *actorWriter) recordEvent() (user int64) {
	w.Helper()
	user = apitest.Value[int64](w.Server, "INSERT INTO account (username) VALUES ($1) RETURNING id", w.name)
	event := fmt.Sprintf(`{"type": "withdraw", "amount": "150", "user_id": %d, "time": 1}`, user)
	alert := w.check("event", "POST", "/event", event)["alert_id"]
	w.MustSend(w.token, "PATCH", fmt.Sprintf("/api/v1/alerts/%v", alert), `{"note": "Seen"}`)
	const alertActors = "SELECT string_agg(DISTINCT actor, ' ') FROM alert_change WHERE alert_id = $1"
	if got := apitest.Value[string](w.Server, alertActors, alert); got != w.actor {
		w.Errorf("actors of the alert change: %s, want %s", got, w.actor)
	}
	return user
}

// administer makes the changes that require the role admin. It deletes the user.
func (w *actorWriter) administer(user int64, limit int) {
	w.Helper()
	w.check("change", "PATCH", "/api/v1/rules/123", fmt.Sprintf(`{"limit": %d}`, limit))
	userPath := fmt.Sprint("/api/v1/users/", user)
	w.check("change", "PATCH", userPath, `{"risk": "high"}`)
	w.check("change", "PUT", userPath, `{"username": "`+w.name+
		`", "display_name": null, "email": null, "country": null, "risk": null, "role": "viewer", "disabled": false}`)
	w.check("change", "DELETE", userPath, "")
	w.check("change", "POST", "/api/v1/users", `{"username": "`+w.name+` again"}`)
}

// TestRename_keepsAssignedAlerts: the alerts of a renamed user follow, and their history names the admin.
func TestRename_keepsAssignedAlerts(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	admin := ts.CreateSession(ts.CreateAccount("boss", rest.Admin)).Access
	oscar := ts.CreateAccount("oscar", rest.Operator)
	event := ts.MustSend(admin, "POST", "/event", `{"type": "withdraw", "amount": "150", "user_id": 1, "time": 1}`)
	alertPath := fmt.Sprintf("/api/v1/alerts/%v", event["alert_id"])
	ts.MustSend(admin, "PATCH", alertPath, `{"assignee": "oscar"}`)
	ts.MustSend(admin, "PATCH", fmt.Sprint("/api/v1/users/", oscar), `{"username": "oskar"}`)
	if alert := ts.MustSend(admin, "GET", alertPath, ""); alert["assignee"] != "oskar" {
		t.Errorf("the alert is assigned to %v, want oskar", alert["assignee"])
	}
	const last = `SELECT format('%s: %s to %s', actor, before ->> 'assignee', after ->> 'assignee')
		FROM alert_change ORDER BY version DESC LIMIT 1`
	if got := apitest.Value[string](ts, last); got != "boss: oscar to oskar" {
		t.Errorf("last change of the alert: %s", got)
	}
}

// TestRename_keepsViews: the views of a renamed user follow. Their whole history is still the user's own.
func TestRename_keepsViews(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	admin := ts.CreateSession(ts.CreateAccount("boss", rest.Admin)).Access
	oscarID := ts.CreateAccount("oscar", rest.Viewer)
	oscar := ts.CreateSession(oscarID).Access
	view := ts.MustSend(oscar, "POST", "/api/v1/views", `{"name": "Mine", "noun": "sites", "query": "q=x"}`)
	viewPath := fmt.Sprintf("/api/v1/views/%v", view["id"])
	ts.MustSend(admin, "PATCH", fmt.Sprint("/api/v1/users/", oscarID), `{"username": "oskar"}`)
	if view := ts.MustSend(oscar, "PATCH", viewPath, `{"query": "q=y"}`); view["owner"] != "oskar" {
		t.Errorf("the view belongs to %v, want oskar", view["owner"])
	}
	const actors = "SELECT string_agg(actor, ' ' ORDER BY id) FROM change WHERE table_name = 'view'"
	if got := apitest.Value[string](ts, actors); got != "oscar boss oskar" {
		t.Errorf("actors of the changes: %s", got)
	}
	for _, deleted := range []bool{false, true} {
		if deleted {
			ts.MustSend(oscar, "DELETE", viewPath, "")
		}
		history := ts.Send(oscar, "GET", viewPath+"/history", "").Body.String()
		if !strings.Contains(history, "q=x") || strings.Contains(history, `"action":"delete"`) != deleted {
			t.Errorf("the owner does not see the whole history, deleted %v: %s", deleted, history)
		}
	}
}

// TestHistory_hidesViews: only admins see the views of other users in the history of all tables, in the list, in exports
// and in the history of a deleted view.
func TestHistory_hidesViews(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	admin := ts.CreateSession(ts.CreateAccount("boss", rest.Admin)).Access
	ann := ts.CreateSession(ts.CreateAccount("ann", rest.Operator)).Access
	benID := ts.CreateAccount("ben", rest.Operator)
	ben := ts.CreateSession(benID).Access
	callers := map[string]string{
		"ben": ben, "ben's API token": ts.CreateAPIToken(benID, rest.Operator),
		"an admin's operator token": ts.CreateAPIToken(ts.CreateAccount("root", rest.Admin), rest.Operator),
	}
	view := ts.MustSend(ann, "POST", "/api/v1/views", `{"name": "Private", "noun": "sites", "query": "q=secret"}`)
	viewPath := fmt.Sprintf("/api/v1/views/%v", view["id"])
	for _, deleted := range []bool{false, true} {
		if deleted {
			ts.MustSend(ann, "DELETE", viewPath, "")
		}
		for _, accept := range []string{"application/json", "text/csv", "application/x-ndjson"} {
			for _, path := range []string{
				"/api/v1/changes", "/api/v1/changes?table_name=view", "/api/v1/changes?sort=-id", viewPath + "/history",
				"/api/v1/views", "/api/v1/views?owner=ann",
			} {
				for name, token := range callers {
					w := ts.Send(token, "GET", path, "", "Accept: "+accept)
					if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "secret") {
						t.Errorf("%s sees a private view at %s as %s: %d %s", name, path, accept, w.Code, w.Body)
					}
				}
				shown := !deleted || !strings.HasPrefix(path, "/api/v1/views") || strings.HasSuffix(path, "/history")
				w := ts.Send(admin, "GET", path, "", "Accept: "+accept)
				if strings.Contains(w.Body.String(), "secret") != shown {
					t.Errorf("an admin at %s as %s, deleted %v: %d %s", path, accept, deleted, w.Code, w.Body)
				}
			}
		}
	}
}

// TestHistory_hidesSecrets: the history contains no passwords, tokens or hashes, and only admins see changes of
// accounts.
func TestHistory_hidesSecrets(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	admin := ts.CreateSession(ts.CreateAccount("boss", rest.Admin)).Access
	ann, secrets := useSecrets(ts)
	id := apitest.Value[int64](ts, "SELECT id FROM account WHERE username = 'ann'")
	ts.MustSend(admin, "PATCH", fmt.Sprint("/api/v1/users/", id), `{"risk": "high"}`)
	link := ts.MustSend(admin, "POST", fmt.Sprintf("/api/v1/users/%d/password-link", id), "")
	secrets = append(secrets, fmt.Sprint(link["token"]), "hash")

	tables := apitest.Value[string](ts, "SELECT string_agg(DISTINCT table_name, ' ' ORDER BY table_name) FROM change")
	if tables != "account computer credential freezer password_link rule site todo" {
		t.Errorf("tables in the history: %s", tables)
	}
	passwordChanges := apitest.Value[string](ts, `SELECT string_agg(action || ' by ' || actor, ', ' ORDER BY id)
		FROM change WHERE table_name = 'credential'`)
	if passwordChanges != "insert by db:labledger, insert by ann, update by ann" {
		t.Errorf("password changes: %s", passwordChanges)
	}
	for _, accept := range []string{"application/json", "text/csv", "application/x-ndjson"} {
		checkViewerChanges(ts, ann, id, accept)
		get := func(path string) string {
			return ts.Send(admin, "GET", path, "", "Accept: "+accept).Body.String()
		}
		feed, history := get("/api/v1/changes?limit=1000"), get(fmt.Sprint("/api/v1/users/", id, "/history"))
		if !strings.Contains(feed, "account") || !strings.Contains(history, "Iceland") ||
			!strings.Contains(history, "Norway") {
			t.Errorf("an admin does not see changes of accounts: %s\n%s", clipText(feed), clipText(history))
		}
		shown := strings.ReplaceAll(feed+history, "password_link", "") // the name of a table
		for _, s := range secrets {
			if strings.Contains(shown, s) {
				t.Errorf("the history contains %s", s)
			}
		}
	}
	// The tables contain no secrets either, including those that no route shows.
	dump := apitest.DumpTables(t, ts.Pool, "change", "alert_change", "event", "idempotency")
	dump = strings.ReplaceAll(dump, "password_link", "")
	for _, s := range secrets {
		if strings.Contains(dump, s) {
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

// useSecrets makes every kind of request that handles secrets, as the new viewer ann. It returns an access token of ann
// and the secrets.
func useSecrets(ts *apitest.Server) (access string, secrets []string) {
	ts.Helper()
	const password = "a new horse for the battery"
	const oldCredentials = `{"username": "ann", "password": "` + apitest.Password + `"}`
	ts.MustSend("", "POST", "/auth/register", strings.Replace(oldCredentials, "}", `, "country": "Iceland"}`, 1))
	login := ts.MustSend("", "POST", "/auth/login", oldCredentials)
	const tokenBody = `{"name": "nightly export of ann"}`
	token := ts.MustSend(fmt.Sprint(login["access_token"]), "POST", "/api/v1/tokens", tokenBody)
	refreshBody := fmt.Sprintf(`{"refresh_token": "%v"}`, login["refresh_token"])
	refreshed := ts.MustSend("", "POST", "/auth/refresh", refreshBody)
	ann := fmt.Sprint(refreshed["access_token"])
	ts.MustSend(ann, "POST", "/todo", `{"description": "x", "status": "open"}`)
	ts.MustSend(ann, "PATCH", "/account",
		`{"country": "Norway", "password": "`+password+`", "current_password": "`+apitest.Password+`"}`)
	again := ts.MustSend("", "POST", "/auth/login", `{"username": "ann", "password": "`+password+`"}`)
	secrets = []string{apitest.Password, password, "argon2", "password", "generation", "nightly export of ann"}
	for _, secret := range []any{
		login["access_token"], login["refresh_token"], token["token"], token["prefix"], ann, refreshed["refresh_token"],
	} {
		secrets = append(secrets, fmt.Sprint(secret))
	}
	return fmt.Sprint(again["access_token"]), secrets
}

// checkViewerChanges checks that no parameter shows a viewer the changes of accounts. id is the account of the viewer.
func checkViewerChanges(ts *apitest.Server, token string, id int64, accept string) {
	ts.Helper()
	for _, query := range []string{
		"", "?table_name=account", "?actor=ann", "?actor=boss", fmt.Sprint("?row_key=", id), "?after=0", "?after=1",
		"?offset=1", "?limit=1000", "?action=update",
	} {
		w := ts.Send(token, "GET", "/api/v1/changes"+query, "", "Accept: "+accept)
		text := w.Body.String()
		if w.Code != http.StatusOK {
			ts.Errorf("%s, %s: %d %s", query, accept, w.Code, clipText(text))
		}
		for _, private := range []string{"account", "Iceland", "Norway"} {
			if strings.Contains(text, private) {
				ts.Errorf("%s, %s: a viewer sees %q: %s", query, accept, private, clipText(text))
			}
		}
		if query == "" && !strings.Contains(text, "todo") {
			ts.Errorf("no todo in the history: %s", text)
		}
	}
	const role = "/api/v1/changes?caller_role=admin"
	if w := ts.Send(token, "GET", role, "", "Accept: "+accept); w.Code != http.StatusBadRequest {
		ts.Errorf("%s: status %d, want 400", role, w.Code)
	}
}
