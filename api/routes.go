package api

import (
	"net/http"

	"labledger/db"
	"labledger/internal/ledger"
	"labledger/internal/media"
)

// A route is an endpoint, who may call it, and the paths that lead to it. Paths under /api/v1 are the versioned contract; the short ones are the routes of
// the systems that this one replaces.
type route struct {
	method   string
	role     role
	endpoint endpoint
	paths    []string
}

// parts are what calls need that are not queries alone.
type parts struct {
	metrics *metrics
	ledger  *ledger.Ledger
	live    *stream
	gate    *gate
	files   *media.Store
	ready   *readiness
	app     App
}

// routes is the whole API: what is not here does not exist.
// GET also answers HEAD, and every path answers OPTIONS.
func routes(p parts) []route {
	l, g, files := p.ledger, p.gate, p.files
	return []route{
		post(operator, recording(l), "/event", "/api/v1/events"),
		get(viewer, turnable((*db.Queries).ListEvents, (*db.Queries).ListEventsDesc), "/event/{user_id}", "/api/v1/events"),
		get(viewer, one((*db.Queries).GetEvent), "/api/v1/events/{event_id}"),

		get(viewer, streaming(p.live), streamPath),

		get(viewer, turnable((*db.Queries).ListAlerts, (*db.Queries).ListAlertsDesc), "/api/v1/alerts"),
		get(viewer, one((*db.Queries).GetAlert), "/api/v1/alerts/{alert_id}"),
		patch(operator, one((*db.Queries).PatchAlert), "/api/v1/alerts/{alert_id}"),
		get(viewer, many((*db.Queries).ListAlertChanges), "/api/v1/alerts/{alert_id}/history"),

		get(viewer, many((*db.Queries).ListRules), "/api/v1/rules"),
		post(operator, replaying(l), "/api/v1/rules/replay"),
		get(viewer, one((*db.Queries).GetRule), "/api/v1/rules/{code}"),
		put(admin, one((*db.Queries).UpdateRule), "/api/v1/rules/{code}"),
		patch(admin, one((*db.Queries).PatchRule), "/api/v1/rules/{code}"),
		get(viewer, many((*db.Queries).ListRuleChanges), "/api/v1/rules/{code}/history"),

		get(viewer, one((*db.Queries).GetDirectoryEntry), "/api/users/{username}"),
		get(admin, one((*db.Queries).GetAccount), "/api/v1/users/{id}"),
		get(admin, many((*db.Queries).ListAccounts), "/api/v1/users"),
		post(admin, create((*db.Queries).CreateAccount, lines[db.UpsertAccountParams]((*db.Queries).ImportAccounts)), "/api/v1/users"),
		post(admin, one((*db.Queries).UpsertAccount), "/api/v1/users/{id}"),
		put(admin, one((*db.Queries).UpsertAccount), "/api/v1/users/{id}"),
		patch(admin, one((*db.Queries).PatchAccount), "/api/v1/users/{id}"),
		remove(admin, one((*db.Queries).DeleteAccount), "/api/v1/users/{id}"),
		get(admin, many((*db.Queries).ListAccountChanges), "/api/v1/users/{id}/history"),

		post(public, g.registering(), "/auth/register"),
		post(public, g.signingIn(), "/auth/login"),
		post(public, g.refreshing(), "/auth/refresh"),
		get(public, g.showingSession(), "/auth/session"),
		post(self, signingOut(one((*db.Queries).EndSession), func(db.EndSessionParams) bool { return true }), "/auth/logout"),
		get(self, many((*db.Queries).ListOwnSessions), "/auth/token"),
		put(self, signingOut(one((*db.Queries).RevokeSession), revokesOwn), "/auth/token/{session_id}"),

		get(self, one((*db.Queries).GetOwnAccount), "/account"),
		put(self, g.changingOwn(ReplaceOwnAccount), "/account"),
		patch(self, g.changingOwn(PatchOwnAccount), "/account"),
		remove(self, signingOut(one((*db.Queries).DeleteOwnAccount), func(db.DeleteOwnAccountParams) bool { return true }), "/account"),

		get(self, many((*db.Queries).ListTokens), "/api/v1/tokens"),
		post(self, g.makingTokens(), "/api/v1/tokens"),
		remove(self, one((*db.Queries).RevokeToken), "/api/v1/tokens/{id}"),

		get(viewer, one((*db.Queries).GetSite), "/site/{id}", "/api/v1/sites/{id}"),
		get(viewer, many((*db.Queries).ListSites), "/sites/{offset}/{limit}", "/sites", "/sites/", "/api/v1/sites"),
		post(operator, create((*db.Queries).CreateSite, lines[db.UpsertSiteParams]((*db.Queries).ImportSites)), "/api/v1/sites"),
		post(operator, one((*db.Queries).UpsertSite), "/site/{id}", "/api/v1/sites/{id}"),
		put(operator, one((*db.Queries).UpsertSite), "/site/{id}", "/api/v1/sites/{id}"),
		patch(operator, one((*db.Queries).PatchSite), "/site/{id}", "/api/v1/sites/{id}"),
		remove(operator, one((*db.Queries).DeleteSite), "/site/{id}", "/api/v1/sites/{id}"),
		get(viewer, many((*db.Queries).ListSiteChanges), "/site/{id}/history", "/api/v1/sites/{id}/history"),

		get(viewer, one((*db.Queries).GetFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		get(viewer, many((*db.Queries).ListFreezers), "/freezers/{offset}/{limit}", "/freezers", "/freezers/", "/api/v1/freezers"),
		post(operator, create((*db.Queries).CreateFreezer, lines[db.UpsertFreezerParams]((*db.Queries).ImportFreezers)), "/api/v1/freezers"),
		post(operator, one((*db.Queries).UpsertFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		put(operator, one((*db.Queries).UpsertFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		patch(operator, one((*db.Queries).PatchFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		remove(operator, one((*db.Queries).DeleteFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		get(viewer, many((*db.Queries).ListFreezerChanges), "/freezer/{id}/history", "/api/v1/freezers/{id}/history"),

		get(viewer, one((*db.Queries).GetComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		get(viewer, many((*db.Queries).ListComputers), "/computers/{offset}/{limit}", "/computers", "/computers/", "/api/v1/computers"),
		post(operator, create((*db.Queries).CreateComputer, lines[db.UpsertComputerParams]((*db.Queries).ImportComputers)), "/api/v1/computers"),
		post(operator, one((*db.Queries).UpsertComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		put(operator, one((*db.Queries).UpsertComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		patch(operator, one((*db.Queries).PatchComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		remove(operator, one((*db.Queries).DeleteComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		get(viewer, many((*db.Queries).ListComputerChanges), "/computer/{id}/history", "/api/v1/computers/{id}/history"),

		get(viewer, one((*db.Queries).GetContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		get(viewer, many((*db.Queries).ListContainers), "/containers/{offset}/{limit}", "/containers", "/containers/", "/api/v1/containers"),
		post(operator, create((*db.Queries).CreateContainer, lines[db.UpsertContainerParams]((*db.Queries).ImportContainers)), "/api/v1/containers"),
		post(operator, one((*db.Queries).UpsertContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		put(operator, one((*db.Queries).UpsertContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		patch(operator, one((*db.Queries).PatchContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		remove(operator, one((*db.Queries).DeleteContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		get(viewer, many((*db.Queries).ListContainerChanges), "/container/{uuid}/history", "/api/v1/containers/{uuid}/history"),

		get(viewer, one((*db.Queries).GetTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		get(viewer, many((*db.Queries).ListTodos), "/todo", "/todo/", "/api/v1/todos"),
		post(viewer, create((*db.Queries).CreateTodo, lines[db.UpdateTodoParams]((*db.Queries).ImportTodos)), "/todo", "/api/v1/todos"),
		put(viewer, one((*db.Queries).UpdateTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		{methodUpdate, viewer, one((*db.Queries).UpdateTodo), []string{"/todo/{id}"}},
		patch(viewer, one((*db.Queries).PatchTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		remove(viewer, one((*db.Queries).DeleteTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		get(viewer, many((*db.Queries).ListTodoChanges), "/todo/{id}/history", "/api/v1/todos/{id}/history"),

		post(operator, uploading(files), "/upload", "/api/v1/attachments"),
		get(viewer, many((*db.Queries).ListAttachments), "/api/v1/attachments", "/api/v1/sites/{site_id}/attachments", "/api/v1/freezers/{freezer_id}/attachments",
			"/api/v1/computers/{computer_id}/attachments", "/api/v1/containers/{container_uuid}/attachments"),
		get(viewer, one((*db.Queries).GetAttachment), "/api/v1/attachments/{id}"),
		patch(operator, one((*db.Queries).PatchAttachment), "/api/v1/attachments/{id}"),
		remove(operator, lettingGo(files), "/api/v1/attachments/{id}"),
		get(viewer, many((*db.Queries).ListAttachmentChanges), "/api/v1/attachments/{id}/history"),
		get(public, plain(serveMedia(files)), "/media/{folder}/{file}"),

		get(viewer, many((*db.Queries).ListInstruments), "/instruments/{offset}/{limit}", "/instruments", "/instruments/", "/api/v1/instruments"),
		get(viewer, turnable((*db.Queries).ListChanges, (*db.Queries).ListChangesDesc), "/api/v1/changes"),
		get(viewer, best((*db.Queries).Search, 50), "/api/v1/search"),

		get(public, greeting(function(ShowHello)), "/"),
		get(public, function(ShowHealth), "/healthcheck"),
		get(public, p.ready.showing(), "/readyz"),
		get(viewer, plain(p.metrics.handler()), "/metrics"),
		get(public, plain(file("openapi.json")), "/api/v1/openapi.json"),
		get(public, plain(file("docs/index.html")), "/docs"),
		get(public, plain(docs()), "/docs/{file}"),
		get(public, p.app.page(), "/app", appPath+"{page:.*}"),
		get(public, plain(p.app.static()), "/static/{digest}/{file:.*}"),
	}
}

// methodUpdate is how the first clients of todos spell PUT.
const methodUpdate = "UPDATE"

func get(r role, e endpoint, paths ...string) route    { return route{http.MethodGet, r, e, paths} }
func post(r role, e endpoint, paths ...string) route   { return route{http.MethodPost, r, e, paths} }
func put(r role, e endpoint, paths ...string) route    { return route{http.MethodPut, r, e, paths} }
func patch(r role, e endpoint, paths ...string) route  { return route{http.MethodPatch, r, e, paths} }
func remove(r role, e endpoint, paths ...string) route { return route{http.MethodDelete, r, e, paths} }
