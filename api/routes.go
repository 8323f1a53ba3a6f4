package api

import (
	"net/http"

	"labledger/api/authn"
	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/api/sse"
	"labledger/db"
)

// services hold what the operations need besides queries.
type services struct {
	metrics     *metrics
	events      *eventRecorder
	replay      *replayer
	custody     custody
	stream      *sse.Handler
	authn       *authn.Authenticator
	attachments attachments
	ready       *readiness
	app         App
	basePath    string
}

// routes returns the table of all routes. A GET route also serves HEAD, and every path serves OPTIONS.
func routes(s services) []rest.Route {
	type q = *db.Queries
	a := s.authn
	return []rest.Route{
		post(operator, rest.OneOrMany(rest.Func(s.events.RecordEvent, recordDoc), rest.Batch(s.events.recordBatch)),
			"/event", "/api/v1/events").WithoutHistory(),
		get(viewer, rest.List(q.ListEvents), "/event/{user_id}", "/api/v1/events"),
		get(viewer, rest.One(q.GetEvent), "/api/v1/events/{event_id}"),
		post(admin, rest.Func(s.events.VoidEvent, voidDoc), "/api/v1/events/{event_id}/void"),

		get(viewer, rest.RawParams[sse.Params](s.stream, sse.Doc), streamPath),

		get(viewer, rest.List(q.ListAlerts), "/api/v1/alerts"),
		get(viewer, rest.One(q.GetAlert), "/api/v1/alerts/{alert_id}"),
		patch(operator, rest.One(q.PatchAlert), "/api/v1/alerts/{alert_id}"),
		patch(operator, rest.Matching(q.PatchAlert), "/api/v1/alerts"),
		get(viewer, rest.ListOf(q.ListAlertChanges), "/api/v1/alerts/{alert_id}/history"),

		get(viewer, rest.List(q.ListRules), "/api/v1/rules"),
		post(operator, rest.Func(s.replay.ReplayLedger, replayDoc), "/api/v1/rules/replay").
			WithoutKey("the request stores nothing").WithoutHistory(),
		get(viewer, rest.One(q.GetRule), "/api/v1/rules/{code}"),
		put(admin, rest.One(q.UpdateRule), "/api/v1/rules/{code}"),
		patch(admin, rest.One(q.PatchRule), "/api/v1/rules/{code}"),
		get(viewer, rest.ListOf(q.ListRuleChanges), "/api/v1/rules/{code}/history"),

		get(viewer, rest.One(q.GetDirectoryEntry), "/api/users/{username}"),
		get(admin, rest.One(q.GetAccount), "/api/v1/users/{id}"),
		get(admin, rest.List(q.ListAccounts), "/api/v1/users"),
		post(admin, rest.Create(q.CreateAccount, rest.ImportRows[db.UpsertAccountParams](q.ImportAccounts)),
			"/api/v1/users"),
		post(admin, rest.One(q.UpsertAccount), "/api/v1/users/{id}"),
		put(admin, rest.One(q.UpsertAccount), "/api/v1/users/{id}"),
		patch(admin, rest.One(q.PatchAccount), "/api/v1/users/{id}"),
		patch(admin, rest.Matching(q.PatchAccount), "/api/v1/users"),
		del(admin, rest.One(q.DeleteAccount), "/api/v1/users/{id}"),
		get(admin, rest.ListOf(q.ListAccountChanges), "/api/v1/users/{id}/history"),
		get(admin, rest.One(q.GetAccess), "/api/v1/users/{id}/access"),
		post(admin, rest.Func(a.CreateLink, authn.CreateLinkDoc), "/api/v1/users/{id}/password-link").
			WithoutKey(holdsSecret),
		del(admin, rest.One(q.DeletePasswordLink), "/api/v1/users/{id}/password-link"),
		get(viewer, rest.List(q.ListDirectory), "/api/v1/directory").Named("user"),
		get(viewer, rest.One(q.GetDirectoryUser), "/api/v1/directory/{id}").Named("user"),

		post(public, rest.Func(a.Register, authn.RegisterDoc), "/auth/register").WithoutKey(holdsSecret),
		post(public, rest.Func(a.Login, authn.LoginDoc), "/auth/login").WithoutKey(holdsSecret).WithoutHistory(),
		post(public, rest.Func(a.Refresh, authn.RefreshDoc), "/auth/refresh").WithoutKey(holdsSecret).WithoutHistory(),
		get(public, rest.Func(a.ShowSession, authn.SessionDoc), "/auth/session"),
		post(public, rest.Func(a.ShowLink, authn.LinkDoc), "/auth/link").WithoutKey(holdsSecret).WithoutHistory(),
		post(public, rest.Func(a.UseLink, authn.UseLinkDoc), "/auth/password").WithoutKey(holdsSecret),
		post(sessionOnly, rest.One(q.EndSession, authn.AfterSessionEnd), "/auth/logout").Named("session").
			WithoutKey(endsSession).WithoutHistory(),
		get(sessionOnly, rest.ListOf(q.ListOwnSessions), "/auth/token"),
		put(sessionOnly, rest.One(q.RevokeSession, authn.AfterRevocation), "/auth/token/{session_id}").Named("session").
			WithoutHistory(),

		get(sessionOnly, rest.One(q.GetOwnAccount), "/account"),
		put(sessionOnly, rest.Func(a.ReplaceOwnAccount, authn.AccountDoc), "/account"),
		patch(sessionOnly, rest.Func(a.PatchOwnAccount, authn.AccountDoc), "/account"),
		del(sessionOnly, rest.One(q.DeleteOwnAccount, authn.AfterSessionEnd), "/account").WithoutKey(endsSession),

		get(sessionOnly, rest.ListOf(q.ListTokens), "/api/v1/tokens"),
		post(sessionOnly, rest.Func(a.CreateAPIToken, authn.TokenDoc), "/api/v1/tokens").
			WithoutKey(holdsSecret).WithoutHistory(),
		del(sessionOnly, rest.One(q.RevokeToken), "/api/v1/tokens/{id}").WithoutHistory(),

		get(viewer, rest.One(q.GetSite), "/site/{id}", "/api/v1/sites/{id}").AsOf(),
		get(viewer, rest.List(q.ListSites), "/sites/{offset}/{limit}", "/sites", "/sites/", "/api/v1/sites").
			AsOf(),
		post(operator, rest.Create(q.CreateSite, rest.ImportRows[db.UpsertSiteParams](q.ImportSites)), "/api/v1/sites"),
		post(operator, rest.One(q.UpsertSite), "/site/{id}").Repeating("site_id"), // clients repeat the ID
		post(operator, rest.One(q.UpsertSite), "/api/v1/sites/{id}"),
		put(operator, rest.One(q.UpsertSite), "/site/{id}", "/api/v1/sites/{id}"),
		patch(operator, rest.One(q.PatchSite), "/site/{id}", "/api/v1/sites/{id}"),
		patch(operator, rest.Matching(q.PatchSite), "/api/v1/sites"),
		del(operator, rest.One(q.DeleteSite), "/site/{id}", "/api/v1/sites/{id}"),
		del(operator, rest.Matching(q.DeleteSite), "/api/v1/sites"),
		get(viewer, rest.ListOf(q.ListSiteChanges), "/site/{id}/history", "/api/v1/sites/{id}/history"),

		get(viewer, rest.One(q.GetFreezer), "/freezer/{id}", "/api/v1/freezers/{id}").AsOf(),
		get(viewer, rest.List(q.ListFreezers),
			"/freezers/{offset}/{limit}", "/freezers", "/freezers/", "/api/v1/freezers").AsOf(),
		post(operator, rest.Create(q.CreateFreezer, rest.ImportRows[db.UpsertFreezerParams](q.ImportFreezers)),
			"/api/v1/freezers"),
		post(operator, rest.One(q.UpsertFreezer), "/freezer/{id}", "/api/v1/freezers/{id}").
			ShortRequires("name", "site_id"),
		put(operator, rest.One(q.UpsertFreezer), "/freezer/{id}", "/api/v1/freezers/{id}").
			ShortRequires("name", "site_id"),
		patch(operator, rest.One(q.PatchFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		patch(operator, rest.Matching(q.PatchFreezer), "/api/v1/freezers"),
		del(operator, rest.One(q.DeleteFreezer), "/freezer/{id}", "/api/v1/freezers/{id}"),
		del(operator, rest.Matching(q.DeleteFreezer), "/api/v1/freezers"),
		get(viewer, rest.ListOf(q.ListFreezerChanges), "/freezer/{id}/history", "/api/v1/freezers/{id}/history"),

		get(viewer, rest.One(q.GetComputer), "/computer/{id}", "/api/v1/computers/{id}").AsOf(),
		get(viewer, rest.List(q.ListComputers),
			"/computers/{offset}/{limit}", "/computers", "/computers/", "/api/v1/computers").AsOf(),
		post(operator, rest.Create(q.CreateComputer, rest.ImportRows[db.UpsertComputerParams](q.ImportComputers)),
			"/api/v1/computers"),
		post(operator, rest.One(q.UpsertComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		put(operator, rest.One(q.UpsertComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		patch(operator, rest.One(q.PatchComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		patch(operator, rest.Matching(q.PatchComputer), "/api/v1/computers"),
		del(operator, rest.One(q.DeleteComputer), "/computer/{id}", "/api/v1/computers/{id}"),
		del(operator, rest.Matching(q.DeleteComputer), "/api/v1/computers"),
		get(viewer, rest.ListOf(q.ListComputerChanges), "/computer/{id}/history", "/api/v1/computers/{id}/history"),

		get(viewer, rest.One(q.GetContainer), "/container/{uuid}", "/api/v1/containers/{uuid}").AsOf(),
		get(viewer, rest.List(q.ListContainers),
			"/containers/{offset}/{limit}", "/containers", "/containers/", "/api/v1/containers").AsOf(),
		post(operator, rest.Create(q.CreateContainer, rest.ImportRows[db.UpsertContainerParams](q.ImportContainers)),
			"/api/v1/containers").Either("freezer_id", "parent_uuid"),
		post(operator, rest.One(q.UpsertContainer), "/container/{uuid}", "/api/v1/containers/{uuid}").
			ShortRequires("description", "freezer_id").Either("freezer_id", "parent_uuid"),
		put(operator, rest.One(q.UpsertContainer), "/container/{uuid}", "/api/v1/containers/{uuid}").
			ShortRequires("description", "freezer_id").Either("freezer_id", "parent_uuid"),
		patch(operator, rest.One(q.PatchContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		patch(operator, rest.Matching(q.PatchContainer), "/api/v1/containers"),
		del(operator, rest.One(q.DeleteContainer), "/container/{uuid}", "/api/v1/containers/{uuid}"),
		del(operator, rest.Matching(q.DeleteContainer), "/api/v1/containers"),
		get(viewer, rest.ListOf(q.ListContainerChanges),
			"/container/{uuid}/history", "/api/v1/containers/{uuid}/history"),
		get(viewer, rest.Render("/api/v1/containers", renderLabels,
			labelMediaTypes[formatPDF], labelMediaTypes[formatZPL], labelMediaTypes[formatSVG]), "/api/v1/labels"),
		get(public, rest.Func(ShowLabelTemplates, rest.Doc{}), "/api/v1/label-templates"),
		get(viewer, rest.One(q.GetContainerPath), "/api/v1/containers/{uuid}/path").AsOf(),
		get(viewer, rest.One(q.GetContainerContents), "/api/v1/containers/{uuid}/contents").AsOf(),
		get(viewer, rest.One(q.GetFreePositions), "/api/v1/containers/{uuid}/free-positions"),
		get(viewer, rest.One(q.GetFreezerMap), "/api/v1/freezers/{id}/map").AsOf(),
		post(operator, rest.Func(MoveContainers, moveDoc), "/api/v1/moves"),
		post(operator, rest.Func(EvacuateFreezer, evacuateDoc), "/api/v1/freezers/{id}/evacuate").
			Named("freezer").NullableOptional(),
		post(operator, rest.Func(s.custody.ReturnContainer, returnDoc), "/api/v1/containers/{uuid}/return").
			NullableOptional().Named("container"),
		post(operator, rest.One(q.DiscardContainer), "/api/v1/containers/{uuid}/discard").Named("container"),
		post(operator, rest.One(q.MarkContainerLost), "/api/v1/containers/{uuid}/lost").Named("container"),
		post(operator, rest.One(q.MarkContainerFound), "/api/v1/containers/{uuid}/found").Named("container"),
		get(viewer, rest.List(q.ListOccupancy, rest.Key("freezer_id", "ordinal")), "/api/v1/occupancy"),

		get(viewer, rest.List(q.ListCheckouts), "/api/v1/checkouts"),
		post(operator, rest.Func(s.custody.CheckOut, checkOutDoc), "/api/v1/checkouts"),
		get(viewer, rest.One(q.GetCheckout), "/api/v1/checkouts/{id}").Named("check-out"),
		patch(operator, rest.One(q.PatchCheckout), "/api/v1/checkouts/{id}").Named("check-out"),
		post(operator, rest.Func(s.custody.ReturnCheckout, returnDoc), "/api/v1/checkouts/{id}/return").
			NullableOptional().Named("check-out"),
		post(operator, rest.Func(s.custody.TransferCheckout, transferDoc), "/api/v1/checkouts/{id}/transfer").
			NullableOptional().Named("check-out"),
		get(viewer, rest.ListOf(q.ListCheckoutChanges), "/api/v1/checkouts/{id}/history"),
		get(viewer, rest.One(q.GetStocktake), "/api/v1/stocktakes/{id}").Named("stock-take").Volatile(),
		get(viewer, rest.List(q.ListStocktakes), "/api/v1/stocktakes"),
		post(operator, rest.CreateOne(q.CreateStocktake), "/api/v1/stocktakes").Either("freezer_id", "container_uuid"),
		get(viewer, rest.ListOf(q.ListStocktakeItems), "/api/v1/stocktakes/{id}/items"),
		post(operator, rest.One(q.ScanCode), "/api/v1/stocktakes/{id}/scans").Named("stock-take").
			NullableOptional().WithoutHistory(),
		del(operator, rest.One(q.UndoScan), "/api/v1/stocktakes/{id}/scans/{code}").WithoutHistory(),
		post(operator, rest.One(q.CloseStocktake), "/api/v1/stocktakes/{id}/close").Named("stock-take").
			NullableOptional().Long(),
		get(viewer, rest.ListOf(q.ListStocktakeChanges), "/api/v1/stocktakes/{id}/history"),

		// Existing clients omit the nullable fields of todos.
		get(viewer, rest.One(q.GetTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		get(viewer, rest.List(q.ListTodos), "/todo", "/todo/", "/api/v1/todos"),
		post(viewer, rest.Create(q.CreateTodo, rest.ImportRows[db.UpdateTodoParams](q.ImportTodos)),
			"/todo", "/api/v1/todos").NullableOptional(),
		put(viewer, rest.One(q.UpdateTodo), "/todo/{id}", "/api/v1/todos/{id}").NullableOptional(),
		rest.Route{
			Method: MethodUpdate, Role: viewer, Operation: rest.One(q.UpdateTodo), Paths: []string{"/todo/{id}"},
		}.NullableOptional(),
		patch(viewer, rest.One(q.PatchTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		patch(viewer, rest.Matching(q.PatchTodo), "/api/v1/todos"),
		del(viewer, rest.One(q.DeleteTodo), "/todo/{id}", "/api/v1/todos/{id}"),
		del(viewer, rest.Matching(q.DeleteTodo), "/api/v1/todos"),
		get(viewer, rest.ListOf(q.ListTodoChanges), "/todo/{id}/history", "/api/v1/todos/{id}/history"),

		get(viewer, rest.One(q.GetView), "/api/v1/views/{id}"),
		get(viewer, rest.ListOf(q.ListViews), "/api/v1/views"),
		post(viewer, rest.Create(q.CreateView, rest.ImportRows[db.UpdateViewParams](q.ImportViews)), "/api/v1/views"),
		put(viewer, rest.One(q.UpdateView), "/api/v1/views/{id}"),
		patch(viewer, rest.One(q.PatchView), "/api/v1/views/{id}"),
		del(viewer, rest.One(q.DeleteView), "/api/v1/views/{id}"),
		get(viewer, rest.ListOf(q.ListViewChanges), "/api/v1/views/{id}/history"),

		post(operator, rest.Func(s.attachments.Upload, uploadDoc), "/upload", "/api/v1/attachments"),
		get(viewer, rest.List(q.ListAttachments),
			"/api/v1/attachments", "/api/v1/sites/{site_id}/attachments", "/api/v1/freezers/{freezer_id}/attachments",
			"/api/v1/computers/{computer_id}/attachments",
			"/api/v1/containers/{container_uuid}/attachments").URLColumn("url"),
		get(viewer, rest.One(q.GetAttachment), "/api/v1/attachments/{id}").URLColumn("url"),
		patch(operator, rest.One(q.PatchAttachment), "/api/v1/attachments/{id}").URLColumn("url"),
		del(operator, rest.Func(s.attachments.DeleteAttachment, deleteAttachmentDoc), "/api/v1/attachments/{id}"),
		get(viewer, rest.ListOf(q.ListAttachmentChanges), "/api/v1/attachments/{id}/history"),
		get(public, raw(s.attachments.serveMedia), "/media/{folder}/{file}"),

		get(viewer, rest.List(q.ListInstruments, rest.Key("site_id", "ordinal")),
			"/instruments/{offset}/{limit}", "/instruments", "/instruments/", "/api/v1/instruments").AsOf(),
		get(viewer, rest.ListOf(q.ListChanges, rest.Key("xid", "id"), rest.Primary()), "/api/v1/changes"),
		get(viewer, rest.ListOf(q.ListChangesets, rest.Primary(), rest.HasMember("noun", q.ListChangesetNouns),
			rest.Alias("from", "at__gte"), rest.Alias("to", "at__lt"),
			rest.Computed("changes", "summary", "undo_problem", "undone_by_id")), "/api/v1/changesets"),
		get(viewer, rest.One(q.GetChangeset), "/api/v1/changesets/{id}").Named("change set"),
		post(operator, rest.One(q.UndoChangeset), "/api/v1/changesets/{id}/undo").Named("change set").Long(),
		get(viewer, rest.One(q.GetSummary), "/api/v1/summary"),
		get(viewer, rest.SearchLists("containers", "freezers", "computers", "sites", "todos", "directory", "rules",
			"attachments", "events", "alerts"), "/api/v1/search").URLColumn("url"),

		get(public, rest.RedirectBrowsers(appPath, rest.Func(ShowHello, rest.Doc{})), "/"),
		get(public, rest.Func(ShowHealth, rest.Doc{}), "/healthcheck"),
		get(public, rest.Func(s.ready.ShowReadiness, readinessDoc), "/readyz"),
		get(viewer, rest.Raw(s.metrics.handler()), "/metrics"),
		get(public, rest.Raw(serveOpenAPI(s.basePath)), "/api/v1/openapi.json"),
		get(public, rest.Raw(serveAsset("docs/index.html")), "/docs"),
		get(public, raw(serveDocs), "/docs/{file}"),
		get(public, raw(problemTypes{s.basePath}.serveList), "/problems", problem.PathPrefix),
		get(public, raw(problemTypes{s.basePath}.serveType), problem.PathPrefix+"{type}"),
		get(public, rest.RawPage(http.HandlerFunc(s.app.servePage)), "/app", appPath+"{page:.*}"),
		get(public, raw(s.app.serveStatic), "/static/{digest}/{file:.*}"),
	}
}

// The roles of rest, without its name.
const (
	public      = rest.Public
	viewer      = rest.Viewer
	operator    = rest.Operator
	admin       = rest.Admin
	sessionOnly = rest.SessionOnly
)

// Why a write accepts no Idempotency-Key.
const (
	holdsSecret = "the request or its response holds a secret, which is not stored"
	endsSession = "the session that could repeat the request ends with it"
)

// Paths that the code refers to.
const (
	streamPath = "/api/v1/stream"
	appPath    = "/app/" // the prefix of the app's pages
)

// MethodUpdate is a method that existing todo clients send instead of PUT.
const MethodUpdate = "UPDATE"

func get(r rest.Role, o rest.Operation, paths ...string) rest.Route {
	return rest.Route{Method: http.MethodGet, Role: r, Operation: o, Paths: paths}
}

func post(r rest.Role, o rest.Operation, paths ...string) rest.Route {
	return rest.Route{Method: http.MethodPost, Role: r, Operation: o, Paths: paths}
}

func put(r rest.Role, o rest.Operation, paths ...string) rest.Route {
	return rest.Route{Method: http.MethodPut, Role: r, Operation: o, Paths: paths}
}

func patch(r rest.Role, o rest.Operation, paths ...string) rest.Route {
	return rest.Route{Method: http.MethodPatch, Role: r, Operation: o, Paths: paths}
}

func del(r rest.Role, o rest.Operation, paths ...string) rest.Route {
	return rest.Route{Method: http.MethodDelete, Role: r, Operation: o, Paths: paths}
}

func raw(h http.HandlerFunc) rest.Operation { return rest.Raw(h) }
