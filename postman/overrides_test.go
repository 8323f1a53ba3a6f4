package postman

// mockNouns are the nouns with a row 1 in the mock data. Requests that only read use that row.
var mockNouns = []string{"site", "freezer", "computer", "user"}

// overrides holds what the OpenAPI document does not contain, by method and path.
var overrides = map[string]struct {
	method      string            // replaces the method
	note        string            // appended to the description
	path        map[string]string // values of path variables
	body        map[string]any    // body fields
	alsoCreates string            // noun of a second row that the request creates
	mediaType   string            // media type of the response
	noDryRun    bool              // not a dry run, although the request creates no row with a variable
	before      []string          // pre-request script
	after       []string          // script after the response
}{
	"GET /api/v1/stream": {method: "HEAD",
		note: "Sent as HEAD, because a GET does not end. Send GET to receive messages."},
	"GET /api/users/{username}": {path: map[string]string{"username": "Bob"}},
	"POST /api/v1/events":       {body: map[string]any{"type": "withdraw", "amount": "142.50"}, alsoCreates: "alert"},
	"POST /api/v1/moves": {body: map[string]any{
		"containers": []any{map[string]any{"container_uuid": "{{container}}"}},
	}},

	"POST /api/v1/sites": {after: []string{
		`pm.collectionVariables.set("changeset", pm.response.headers.get("X-Request-Id"));`,
	}},
	"GET /api/v1/changesets/{id}":       {path: map[string]string{"id": "{{changeset}}"}},
	"POST /api/v1/changesets/{id}/undo": {path: map[string]string{"id": "{{changeset}}"}},

	"POST /api/v1/checkouts":                      {body: map[string]any{"container_uuid": "{{container}}"}},
	"POST /api/v1/checkouts/{id}/transfer":        {body: map[string]any{"holder": "Jane"}},
	"DELETE /api/v1/stocktakes/{id}/scans/{code}": {path: map[string]string{"code": "LL-000417"}},

	"POST /api/v1/attachments": {after: []string{
		`const [, , folder, file] = pm.response.json().url.split("/");`,
		`pm.collectionVariables.set("folder", folder);`,
		`pm.collectionVariables.set("file", file);`,
	}},
	"GET /media/{folder}/{file}": {path: map[string]string{"folder": "{{folder}}", "file": "{{file}}"},
		mediaType: "text/plain"},

	"POST /api/v1/users/{id}/password-link": {noDryRun: true, after: []string{
		`pm.collectionVariables.set("link", pm.response.json().token);`,
	}},
	"POST /auth/link":     {body: map[string]any{"token": "{{link}}"}},
	"POST /auth/password": {body: map[string]any{"token": "{{link}}", "password": "{{password}}"}},

	"POST /auth/register": {
		body: credentials, noDryRun: true,
		before: []string{
			`pm.collectionVariables.set("username", "Ada " + pm.variables.replaceIn("{{$guid}}"));`,
			`pm.collectionVariables.set("previous_token", pm.collectionVariables.get("access_token"));`,
		},
	},
	"POST /auth/login": {body: credentials, noDryRun: true, after: storeTokensScript},
	"POST /auth/refresh": {body: map[string]any{"refresh_token": "{{refresh_token}}"}, noDryRun: true,
		after: storeTokensScript},
	"PATCH /account": {noDryRun: true},
	"PUT /account": {body: map[string]any{"current_password": "{{password}}",
		"password": "incorrect horse battery staple"}},
	"GET /auth/token": {after: []string{
		`pm.collectionVariables.set("session", pm.response.json().find((s) => s.own).id);`,
	}},
	"PUT /auth/token/{session_id}": {path: map[string]string{"session_id": "{{session}}"},
		body: map[string]any{"session_id": "{{session}}"}},
	"POST /auth/logout": {
		noDryRun: true,
		after: []string{
			`pm.collectionVariables.set("access_token", pm.collectionVariables.get("previous_token"));`,
			`pm.collectionVariables.set("previous_token", "");`,
		},
	},
}

var (
	credentials       = map[string]any{"username": "{{username}}", "password": "{{password}}"}
	storeTokensScript = []string{
		`pm.collectionVariables.set("access_token", pm.response.json().access_token);`,
		`pm.collectionVariables.set("refresh_token", pm.response.json().refresh_token);`,
	}
)

// sequences holds the requests of folders whose requests depend on others, in order. A sequence includes requests of
// other folders that it needs. The folder "accounts" invites a user, then goes from registering to signing out.
var sequences = map[string][]string{
	"accounts": {
		"POST /api/v1/users", "POST /api/v1/users/{id}/password-link", "POST /auth/link", "POST /auth/password",
		"DELETE /api/v1/users/{id}/password-link", "DELETE /api/v1/users/{id}",
		"POST /auth/register", "POST /auth/login", "POST /auth/refresh", "GET /auth/session", "GET /account",
		"PATCH /account", "PUT /account", "GET /auth/token", "PUT /auth/token/{session_id}",
		"POST /api/v1/tokens", "GET /api/v1/tokens", "DELETE /api/v1/tokens/{id}", "POST /api/v1/todos",
		"DELETE /api/v1/todos/{id}", "DELETE /account", "POST /auth/logout",
	},
	"changesets": {
		"POST /api/v1/sites", "GET /api/v1/changesets", "GET /api/v1/changesets/{id}",
		"POST /api/v1/changesets/{id}/undo", "DELETE /api/v1/sites/{id}",
	},
	"checkouts": {
		"POST /api/v1/containers", "GET /api/v1/checkouts", "POST /api/v1/checkouts", "PATCH /api/v1/checkouts/{id}",
		"GET /api/v1/checkouts/{id}", "GET /api/v1/checkouts/{id}/history", "POST /api/v1/checkouts/{id}/return",
		"POST /api/v1/checkouts", "POST /api/v1/checkouts/{id}/transfer", "POST /api/v1/containers/{uuid}/return",
		"POST /api/v1/containers/{uuid}/lost", "POST /api/v1/containers/{uuid}/found",
		"POST /api/v1/containers/{uuid}/discard", "POST /api/v1/containers/{uuid}/found",
	},
	"stocktakes": {
		"GET /api/v1/stocktakes", "POST /api/v1/stocktakes", "POST /api/v1/stocktakes/{id}/scans",
		"GET /api/v1/stocktakes/{id}", "GET /api/v1/stocktakes/{id}/items",
		"DELETE /api/v1/stocktakes/{id}/scans/{code}", "POST /api/v1/stocktakes/{id}/close",
		"GET /api/v1/stocktakes/{id}/history",
	},
}
