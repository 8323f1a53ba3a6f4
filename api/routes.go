package api

import (
	"net/http"

	"labledger/db"
	"labledger/internal/ledger"
	"labledger/internal/media"
)

// A route is an endpoint with the role that it requires and its paths. Paths under /api/v1 are the versioned contract.
// The short routes are the paths of the systems that Labledger replaces.
type route struct {
	method   string
	role     role
	endpoint endpoint
	paths    []string
}

// deps holds what the endpoints need besides queries.
type deps struct {
	metrics *metrics
	ledger  *ledger.Ledger
	stream  *streamHandler
	authn   *authenticator
	media   *media.Store
	ready   *readiness
	app     App
}

// routes returns the table of all routes. A GET route also serves HEAD, and every path serves OPTIONS.
func routes(d deps) []route {
	l, a, files := d.ledger, d.authn, d.media
	type q = db.Queries
	return []route{
		post(operator, eventEndpoint(l), "/event", "/api/v1/events"),
		get(viewer, orderedList((*q).ListEvents, (*q).ListEventsDesc), "/event/{user_id}", "/api/v1/events"),
		get(viewer, single((*q).GetEvent), "/api/v1/events/{event_id}"),

		get(viewer, streamEndpoint(d.stream), streamPath),

		get(viewer, orderedList((*q).ListAlerts, (*q).ListAlertsDesc), "/api/v1/alerts"),
		get(viewer, single((*q).GetAlert), "/api/v1/alerts/{alert_id}"),
		patch(operator, single((*q).PatchAlert), "/api/v1/alerts/{alert_id}"),
		get(viewer, list((*q).ListAlertChanges), "/api/v1/alerts/{alert_id}/history"),

		get(viewer, list((*q).ListRules), "/api/v1/rules"),
		post(operator, replayEndpoint(l), "/api/v1/rules/replay"),
		get(viewer, single((*q).GetRule), "/api/v1/rules/{code}"),
		put(admin, single((*q).UpdateRule), "/api/v1/rules/{code}"),
		patch(admin, single((*q).PatchRule), "/api/v1/rules/{code}"),
		get(viewer, list((*q).ListRuleChanges), "/api/v1/rules/{code}/history"),

		get(viewer, single((*q).GetDirectoryEntry), "/api/users/{username}"),
		get(admin, single((*q).GetAccount), "/api/v1/users/{id}"),
		get(admin, list((*q).ListAccounts), "/api/v1/users"),
		post(admin, create((*q).CreateAccount, importRows[db.UpsertAccountParams]((*q).ImportAccounts)),
			"/api/v1/users"),
		post(admin, single((*q).UpsertAccount), "/api/v1/users/{id}"),
		put(admin, single((*q).UpsertAccount), "/api/v1/users/{id}"),
		patch(admin, single((*q).PatchAccount), "/api/v1/users/{id}"),
		del(admin, single((*q).DeleteAccount), "/api/v1/users/{id}"),
		get(admin, list((*q).ListAccountChanges), "/api/v1/users/{id}/history"),

		post(public, a.registerEndpoint(), "/auth/register"),
		post(public, a.loginEndpoint(), "/auth/login"),
		post(public, a.refreshEndpoint(), "/auth/refresh"),
		get(public, a.sessionEndpoint(), "/auth/session"),
		post(sessionOnly, endsSession(single((*q).EndSession), alwaysTrue[db.EndSessionParams]), "/auth/logout"),
		get(sessionOnly, list((*q).ListOwnSessions), "/auth/token"),
		put(sessionOnly, endsSession(single((*q).RevokeSession), isOwnSession), "/auth/token/{session_id}"),

		get(sessionOnly, single((*q).GetOwnAccount), "/account"),
		put(sessionOnly, a.updateAccountEndpoint(ReplaceOwnAccount), "/account"),
		patch(sessionOnly, a.updateAccountEndpoint(PatchOwnAccount), "/account"),
		del(sessionOnly, endsSession(single((*q).DeleteOwnAccount), alwaysTrue[db.DeleteOwnAccountParams]), "/account"),

		get(sessionOnly, list((*q).ListTokens), "/api/v1/tokens"),
		post(sessionOnly, a.createTokenEndpoint(), "/api/v1/tokens"),
		del(sessionOnly, single((*q).RevokeToken), "/api/v1/tokens/{id}"),

		get(viewer, single((*q).GetSite), "/site/{id}", "/api/v1/sites/{id}"),
		get(viewer, list((*q).ListSites), "/sites/{offset}/{limit}", "/sites", "/sites/", "/api/v1/sites"),
		post(operator, create((*q).CreateSite, importRows[db.UpsertSiteParams]((*q).ImportSites)), "/api/v1/sites"),
		post(operator, single((*q).UpsertSite), "/site/{id}", "/api/v1/sites/{id}"),
		put(operator, single((*q).UpsertSite), "/site/{id}", "/api/v1/sites/{id}"),
		patch(operator, single((*q).PatchSite), "/site/{id}", "/api/v1/sites/{id}"),
		del(operator, single((*q).DeleteSite), "/site/{id}", "/api/v1/sites/{id}"),
		get(viewer, list((*q).ListSiteChanges), "/site/{id}/history", "/api/v1/sites/{id}/history"),

		get(viewer, single((*q).GetFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		get(viewer, list((*q).ListFreezers),
			"/freezers/{offset}/{limit}", "/freezers", "/freezers/", "/api/v1/freezers"),
		post(operator, create((*q).CreateFreezer, importRows[db.UpsertFreezerParams]((*q).ImportFreezers)),
			"/api/v1/freezers"),
		post(operator, single((*q).UpsertFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		put(operator, single((*q).UpsertFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		patch(operator, single((*q).PatchFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		del(operator, single((*q).DeleteFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		get(viewer, list((*q).ListFreezerChanges), "/freezer/{id}/history", "/api/v1/freezers/{id}/history"),

		get(viewer, single((*q).GetComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		get(viewer, list((*q).ListComputers),
			"/computers/{offset}/{limit}", "/computers", "/computers/", "/api/v1/computers"),
		post(operator, create((*q).CreateComputer, importRows[db.UpsertComputerParams]((*q).ImportComputers)),
			"/api/v1/computers"),
		post(operator, single((*q).UpsertComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		put(operator, single((*q).UpsertComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		patch(operator, single((*q).PatchComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		del(operator, single((*q).DeleteComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		get(viewer, list((*q).ListComputerChanges), "/computer/{id}/history", "/api/v1/computers/{id}/history"),

		get(viewer, single((*q).GetContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		get(viewer, list((*q).ListContainers),
			"/containers/{offset}/{limit}", "/containers", "/containers/", "/api/v1/containers"),
		post(operator, create((*q).CreateContainer, importRows[db.UpsertContainerParams]((*q).ImportContainers)),
			"/api/v1/containers"),
		post(operator, single((*q).UpsertContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		put(operator, single((*q).UpsertContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		patch(operator, single((*q).PatchContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		del(operator, single((*q).DeleteContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		get(viewer, list((*q).ListContainerChanges),
			"/container/{uuid}/history", "/api/v1/containers/{uuid}/history"),

		get(viewer, single((*q).GetTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		get(viewer, list((*q).ListTodos), "/todo", "/todo/", "/api/v1/todos"),
		post(viewer, create((*q).CreateTodo, importRows[db.UpdateTodoParams]((*q).ImportTodos)),
			"/todo", "/api/v1/todos"),
		put(viewer, single((*q).UpdateTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		{methodUpdate, viewer, single((*q).UpdateTodo), []string{"/todo/{id}"}},
		patch(viewer, single((*q).PatchTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		del(viewer, single((*q).DeleteTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		get(viewer, list((*q).ListTodoChanges), "/todo/{id}/history", "/api/v1/todos/{id}/history"),

		post(operator, uploadEndpoint(files), "/upload", "/api/v1/attachments"),
		get(viewer, list((*q).ListAttachments),
			"/api/v1/attachments", "/api/v1/sites/{site_id}/attachments", "/api/v1/freezers/{freezer_id}/attachments",
			"/api/v1/computers/{computer_id}/attachments", "/api/v1/containers/{container_uuid}/attachments"),
		get(viewer, single((*q).GetAttachment), "/api/v1/attachments/{id}"),
		patch(operator, single((*q).PatchAttachment), "/api/v1/attachments/{id}"),
		del(operator, deleteAttachmentEndpoint(files), "/api/v1/attachments/{id}"),
		get(viewer, list((*q).ListAttachmentChanges), "/api/v1/attachments/{id}/history"),
		get(public, raw(serveMedia(files)), "/media/{folder}/{file}"),

		get(viewer, list((*q).ListInstruments),
			"/instruments/{offset}/{limit}", "/instruments", "/instruments/", "/api/v1/instruments"),
		get(viewer, orderedList((*q).ListChanges, (*q).ListChangesDesc), "/api/v1/changes"),
		get(viewer, topN((*q).Search, 50), "/api/v1/search"),

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

// methodUpdate is a method that existing todo clients send instead of PUT.
const methodUpdate = "UPDATE"

// alwaysTrue marks a write that ends the session in any case; see endsSession.
func alwaysTrue[In any](In) bool { return true }

func get(r role, e endpoint, paths ...string) route   { return route{http.MethodGet, r, e, paths} }
func post(r role, e endpoint, paths ...string) route  { return route{http.MethodPost, r, e, paths} }
func put(r role, e endpoint, paths ...string) route   { return route{http.MethodPut, r, e, paths} }
func patch(r role, e endpoint, paths ...string) route { return route{http.MethodPatch, r, e, paths} }
func del(r role, e endpoint, paths ...string) route   { return route{http.MethodDelete, r, e, paths} }
