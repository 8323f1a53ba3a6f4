package api

import (
	"net/http"

	"labledger/db"
	"labledger/ledger"
)

// A route is an endpoint and the paths that lead to it. Paths under /api/v1 are the versioned contract; the short ones are the routes of
// the systems that this one replaces.
type route struct {
	method   string
	endpoint endpoint
	paths    []string
}

// routes is the whole API: what is not here does not exist.
// GET also answers HEAD, and every path answers OPTIONS.
func routes(m *metrics, l *ledger.Ledger, live *stream) []route {
	return []route{
		post(recording(l), "/event", "/api/v1/events"),
		get(turnable((*db.Queries).ListEvents, (*db.Queries).ListEventsBackward), "/event/{user_id}", "/api/v1/events"),
		get(one((*db.Queries).GetEvent), "/api/v1/events/{event_id}"),

		get(streaming(live), streamPath),

		get(turnable((*db.Queries).ListAlerts, (*db.Queries).ListAlertsBackward), "/api/v1/alerts"),
		get(one((*db.Queries).GetAlert), "/api/v1/alerts/{alert_id}"),
		patch(one((*db.Queries).PatchAlert), "/api/v1/alerts/{alert_id}"),
		get(many((*db.Queries).ListAlertChanges), "/api/v1/alerts/{alert_id}/history"),

		get(many((*db.Queries).ListRules), "/api/v1/rules"),
		post(replaying(l), "/api/v1/rules/replay"),
		get(one((*db.Queries).GetRule), "/api/v1/rules/{code}"),
		put(one((*db.Queries).UpdateRule), "/api/v1/rules/{code}"),
		patch(one((*db.Queries).PatchRule), "/api/v1/rules/{code}"),
		get(many((*db.Queries).ListRuleChanges), "/api/v1/rules/{code}/history"),

		get(one((*db.Queries).GetDirectoryEntry), "/api/users/{username}"),
		get(one((*db.Queries).GetAccount), "/api/v1/users/{id}"),
		get(many((*db.Queries).ListAccounts), "/api/v1/users"),
		post(create((*db.Queries).CreateAccount, lines[db.UpsertAccountParams]((*db.Queries).ImportAccounts)), "/api/v1/users"),
		post(one((*db.Queries).UpsertAccount), "/api/v1/users/{id}"),
		put(one((*db.Queries).UpsertAccount), "/api/v1/users/{id}"),
		patch(one((*db.Queries).PatchAccount), "/api/v1/users/{id}"),
		remove(one((*db.Queries).DeleteAccount), "/api/v1/users/{id}"),
		get(many((*db.Queries).ListAccountChanges), "/api/v1/users/{id}/history"),

		get(one((*db.Queries).GetSite), "/site/{id}", "/api/v1/sites/{id}"),
		get(many((*db.Queries).ListSites), "/sites/{offset}/{limit}", "/sites", "/sites/", "/api/v1/sites"),
		post(create((*db.Queries).CreateSite, lines[db.UpsertSiteParams]((*db.Queries).ImportSites)), "/api/v1/sites"),
		post(one((*db.Queries).UpsertSite), "/site/{id}", "/api/v1/sites/{id}"),
		put(one((*db.Queries).UpsertSite), "/site/{id}", "/api/v1/sites/{id}"),
		patch(one((*db.Queries).PatchSite), "/site/{id}", "/api/v1/sites/{id}"),
		remove(one((*db.Queries).DeleteSite), "/site/{id}", "/api/v1/sites/{id}"),
		get(many((*db.Queries).ListSiteChanges), "/site/{id}/history", "/api/v1/sites/{id}/history"),

		get(one((*db.Queries).GetFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		get(many((*db.Queries).ListFreezers), "/freezers/{offset}/{limit}", "/freezers", "/freezers/", "/api/v1/freezers"),
		post(create((*db.Queries).CreateFreezer, lines[db.UpsertFreezerParams]((*db.Queries).ImportFreezers)), "/api/v1/freezers"),
		post(one((*db.Queries).UpsertFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		put(one((*db.Queries).UpsertFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		patch(one((*db.Queries).PatchFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		remove(one((*db.Queries).DeleteFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		get(many((*db.Queries).ListFreezerChanges), "/freezer/{id}/history", "/api/v1/freezers/{id}/history"),

		get(one((*db.Queries).GetComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		get(many((*db.Queries).ListComputers), "/computers/{offset}/{limit}", "/computers", "/computers/", "/api/v1/computers"),
		post(create((*db.Queries).CreateComputer, lines[db.UpsertComputerParams]((*db.Queries).ImportComputers)), "/api/v1/computers"),
		post(one((*db.Queries).UpsertComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		put(one((*db.Queries).UpsertComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		patch(one((*db.Queries).PatchComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		remove(one((*db.Queries).DeleteComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		get(many((*db.Queries).ListComputerChanges), "/computer/{id}/history", "/api/v1/computers/{id}/history"),

		get(one((*db.Queries).GetContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		get(many((*db.Queries).ListContainers), "/containers/{offset}/{limit}", "/containers", "/containers/", "/api/v1/containers"),
		post(create((*db.Queries).CreateContainer, lines[db.UpsertContainerParams]((*db.Queries).ImportContainers)), "/api/v1/containers"),
		post(one((*db.Queries).UpsertContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		put(one((*db.Queries).UpsertContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		patch(one((*db.Queries).PatchContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		remove(one((*db.Queries).DeleteContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		get(many((*db.Queries).ListContainerChanges), "/container/{uuid}/history", "/api/v1/containers/{uuid}/history"),

		get(one((*db.Queries).GetTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		get(many((*db.Queries).ListTodos), "/todo", "/todo/", "/api/v1/todos"),
		post(create((*db.Queries).CreateTodo, lines[db.UpdateTodoParams]((*db.Queries).ImportTodos)), "/todo", "/api/v1/todos"),
		put(one((*db.Queries).UpdateTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		{methodUpdate, one((*db.Queries).UpdateTodo), []string{"/todo/{id}"}},
		patch(one((*db.Queries).PatchTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		remove(one((*db.Queries).DeleteTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		get(many((*db.Queries).ListTodoChanges), "/todo/{id}/history", "/api/v1/todos/{id}/history"),

		get(many((*db.Queries).ListInstruments), "/instruments/{offset}/{limit}", "/instruments", "/instruments/", "/api/v1/instruments"),
		get(many((*db.Queries).ListChanges), "/api/v1/changes"),

		get(function(ShowHello), "/"),
		get(function(ShowHealth), "/healthcheck"),
		get(function(ShowReadiness, (*db.Queries).CheckDatabase), "/readyz"),
		get(plain(m.handler()), "/metrics"),
		get(plain(file("openapi.json")), "/api/v1/openapi.json"),
		get(plain(file("docs/index.html")), "/docs"),
		get(plain(docs()), "/docs/{file}"),
	}
}

// methodUpdate is how the first clients of todos spell PUT.
const methodUpdate = "UPDATE"

func get(e endpoint, paths ...string) route    { return route{http.MethodGet, e, paths} }
func post(e endpoint, paths ...string) route   { return route{http.MethodPost, e, paths} }
func put(e endpoint, paths ...string) route    { return route{http.MethodPut, e, paths} }
func patch(e endpoint, paths ...string) route  { return route{http.MethodPatch, e, paths} }
func remove(e endpoint, paths ...string) route { return route{http.MethodDelete, e, paths} }
