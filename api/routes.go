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

// deps are what calls need that are not queries alone.
type deps struct {
	metrics *metrics
	ledger  *ledger.Ledger
	stream  *streamHandler
	authn   *authenticator
	media   *media.Store
	ready   *readiness
	app     App
}

// routes is the whole API: what is not here does not exist.
// GET also answers HEAD, and every path answers OPTIONS.
func routes(d deps) []route {
	l, a, files := d.ledger, d.authn, d.media
	return []route{
		post(operator, eventEndpoint(l), "/event", "/api/v1/events"),
		get(viewer, orderedList((*db.Queries).ListEvents, (*db.Queries).ListEventsDesc), "/event/{user_id}", "/api/v1/events"),
		get(viewer, single((*db.Queries).GetEvent), "/api/v1/events/{event_id}"),

		get(viewer, streamEndpoint(d.stream), streamPath),

		get(viewer, orderedList((*db.Queries).ListAlerts, (*db.Queries).ListAlertsDesc), "/api/v1/alerts"),
		get(viewer, single((*db.Queries).GetAlert), "/api/v1/alerts/{alert_id}"),
		patch(operator, single((*db.Queries).PatchAlert), "/api/v1/alerts/{alert_id}"),
		get(viewer, list((*db.Queries).ListAlertChanges), "/api/v1/alerts/{alert_id}/history"),

		get(viewer, list((*db.Queries).ListRules), "/api/v1/rules"),
		post(operator, replayEndpoint(l), "/api/v1/rules/replay"),
		get(viewer, single((*db.Queries).GetRule), "/api/v1/rules/{code}"),
		put(admin, single((*db.Queries).UpdateRule), "/api/v1/rules/{code}"),
		patch(admin, single((*db.Queries).PatchRule), "/api/v1/rules/{code}"),
		get(viewer, list((*db.Queries).ListRuleChanges), "/api/v1/rules/{code}/history"),

		get(viewer, single((*db.Queries).GetDirectoryEntry), "/api/users/{username}"),
		get(admin, single((*db.Queries).GetAccount), "/api/v1/users/{id}"),
		get(admin, list((*db.Queries).ListAccounts), "/api/v1/users"),
		post(admin, create((*db.Queries).CreateAccount, importRows[db.UpsertAccountParams]((*db.Queries).ImportAccounts)), "/api/v1/users"),
		post(admin, single((*db.Queries).UpsertAccount), "/api/v1/users/{id}"),
		put(admin, single((*db.Queries).UpsertAccount), "/api/v1/users/{id}"),
		patch(admin, single((*db.Queries).PatchAccount), "/api/v1/users/{id}"),
		del(admin, single((*db.Queries).DeleteAccount), "/api/v1/users/{id}"),
		get(admin, list((*db.Queries).ListAccountChanges), "/api/v1/users/{id}/history"),

		post(public, a.registerEndpoint(), "/auth/register"),
		post(public, a.loginEndpoint(), "/auth/login"),
		post(public, a.refreshEndpoint(), "/auth/refresh"),
		get(public, a.sessionEndpoint(), "/auth/session"),
		post(sessionOnly, endsSession(single((*db.Queries).EndSession), func(db.EndSessionParams) bool { return true }), "/auth/logout"),
		get(sessionOnly, list((*db.Queries).ListOwnSessions), "/auth/token"),
		put(sessionOnly, endsSession(single((*db.Queries).RevokeSession), isOwnSession), "/auth/token/{session_id}"),

		get(sessionOnly, single((*db.Queries).GetOwnAccount), "/account"),
		put(sessionOnly, a.updateAccountEndpoint(ReplaceOwnAccount), "/account"),
		patch(sessionOnly, a.updateAccountEndpoint(PatchOwnAccount), "/account"),
		del(sessionOnly, endsSession(single((*db.Queries).DeleteOwnAccount), func(db.DeleteOwnAccountParams) bool { return true }), "/account"),

		get(sessionOnly, list((*db.Queries).ListTokens), "/api/v1/tokens"),
		post(sessionOnly, a.createTokenEndpoint(), "/api/v1/tokens"),
		del(sessionOnly, single((*db.Queries).RevokeToken), "/api/v1/tokens/{id}"),

		get(viewer, single((*db.Queries).GetSite), "/site/{id}", "/api/v1/sites/{id}"),
		get(viewer, list((*db.Queries).ListSites), "/sites/{offset}/{limit}", "/sites", "/sites/", "/api/v1/sites"),
		post(operator, create((*db.Queries).CreateSite, importRows[db.UpsertSiteParams]((*db.Queries).ImportSites)), "/api/v1/sites"),
		post(operator, single((*db.Queries).UpsertSite), "/site/{id}", "/api/v1/sites/{id}"),
		put(operator, single((*db.Queries).UpsertSite), "/site/{id}", "/api/v1/sites/{id}"),
		patch(operator, single((*db.Queries).PatchSite), "/site/{id}", "/api/v1/sites/{id}"),
		del(operator, single((*db.Queries).DeleteSite), "/site/{id}", "/api/v1/sites/{id}"),
		get(viewer, list((*db.Queries).ListSiteChanges), "/site/{id}/history", "/api/v1/sites/{id}/history"),

		get(viewer, single((*db.Queries).GetFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		get(viewer, list((*db.Queries).ListFreezers), "/freezers/{offset}/{limit}", "/freezers", "/freezers/", "/api/v1/freezers"),
		post(operator, create((*db.Queries).CreateFreezer, importRows[db.UpsertFreezerParams]((*db.Queries).ImportFreezers)), "/api/v1/freezers"),
		post(operator, single((*db.Queries).UpsertFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		put(operator, single((*db.Queries).UpsertFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		patch(operator, single((*db.Queries).PatchFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		del(operator, single((*db.Queries).DeleteFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		get(viewer, list((*db.Queries).ListFreezerChanges), "/freezer/{id}/history", "/api/v1/freezers/{id}/history"),

		get(viewer, single((*db.Queries).GetComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		get(viewer, list((*db.Queries).ListComputers), "/computers/{offset}/{limit}", "/computers", "/computers/", "/api/v1/computers"),
		post(operator, create((*db.Queries).CreateComputer, importRows[db.UpsertComputerParams]((*db.Queries).ImportComputers)), "/api/v1/computers"),
		post(operator, single((*db.Queries).UpsertComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		put(operator, single((*db.Queries).UpsertComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		patch(operator, single((*db.Queries).PatchComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		del(operator, single((*db.Queries).DeleteComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		get(viewer, list((*db.Queries).ListComputerChanges), "/computer/{id}/history", "/api/v1/computers/{id}/history"),

		get(viewer, single((*db.Queries).GetContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		get(viewer, list((*db.Queries).ListContainers), "/containers/{offset}/{limit}", "/containers", "/containers/", "/api/v1/containers"),
		post(operator, create((*db.Queries).CreateContainer, importRows[db.UpsertContainerParams]((*db.Queries).ImportContainers)), "/api/v1/containers"),
		post(operator, single((*db.Queries).UpsertContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		put(operator, single((*db.Queries).UpsertContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		patch(operator, single((*db.Queries).PatchContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		del(operator, single((*db.Queries).DeleteContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		get(viewer, list((*db.Queries).ListContainerChanges), "/container/{uuid}/history", "/api/v1/containers/{uuid}/history"),

		get(viewer, single((*db.Queries).GetTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		get(viewer, list((*db.Queries).ListTodos), "/todo", "/todo/", "/api/v1/todos"),
		post(viewer, create((*db.Queries).CreateTodo, importRows[db.UpdateTodoParams]((*db.Queries).ImportTodos)), "/todo", "/api/v1/todos"),
		put(viewer, single((*db.Queries).UpdateTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		{methodUpdate, viewer, single((*db.Queries).UpdateTodo), []string{"/todo/{id}"}},
		patch(viewer, single((*db.Queries).PatchTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		del(viewer, single((*db.Queries).DeleteTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		get(viewer, list((*db.Queries).ListTodoChanges), "/todo/{id}/history", "/api/v1/todos/{id}/history"),

		post(operator, uploadEndpoint(files), "/upload", "/api/v1/attachments"),
		get(viewer, list((*db.Queries).ListAttachments), "/api/v1/attachments", "/api/v1/sites/{site_id}/attachments", "/api/v1/freezers/{freezer_id}/attachments",
			"/api/v1/computers/{computer_id}/attachments", "/api/v1/containers/{container_uuid}/attachments"),
		get(viewer, single((*db.Queries).GetAttachment), "/api/v1/attachments/{id}"),
		patch(operator, single((*db.Queries).PatchAttachment), "/api/v1/attachments/{id}"),
		del(operator, deleteAttachmentEndpoint(files), "/api/v1/attachments/{id}"),
		get(viewer, list((*db.Queries).ListAttachmentChanges), "/api/v1/attachments/{id}/history"),
		get(public, raw(serveMedia(files)), "/media/{folder}/{file}"),

		get(viewer, list((*db.Queries).ListInstruments), "/instruments/{offset}/{limit}", "/instruments", "/instruments/", "/api/v1/instruments"),
		get(viewer, orderedList((*db.Queries).ListChanges, (*db.Queries).ListChangesDesc), "/api/v1/changes"),
		get(viewer, topN((*db.Queries).Search, 50), "/api/v1/search"),

		get(public, withBrowserRedirect(callFunc(ShowHello)), "/"),
		get(public, callFunc(ShowHealth), "/healthcheck"),
		get(public, d.ready.endpoint(), "/readyz"),
		get(viewer, raw(d.metrics.handler()), "/metrics"),
		get(public, raw(serveAsset("openapi.json")), "/api/v1/openapi.json"),
		get(public, raw(serveAsset("docs/index.html")), "/docs"),
		get(public, raw(serveDocs()), "/docs/{file}"),
		get(public, d.app.pageEndpoint(), "/app", appPath+"{page:.*}"),
		get(public, raw(d.app.staticHandler()), "/static/{digest}/{file:.*}"),
	}
}

// methodUpdate is how the first clients of todos spell PUT.
const methodUpdate = "UPDATE"

func get(r role, e endpoint, paths ...string) route   { return route{http.MethodGet, r, e, paths} }
func post(r role, e endpoint, paths ...string) route  { return route{http.MethodPost, r, e, paths} }
func put(r role, e endpoint, paths ...string) route   { return route{http.MethodPut, r, e, paths} }
func patch(r role, e endpoint, paths ...string) route { return route{http.MethodPatch, r, e, paths} }
func del(r role, e endpoint, paths ...string) route   { return route{http.MethodDelete, r, e, paths} }
