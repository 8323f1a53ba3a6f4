package problem

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// A Type is a type of problems, which clients can tell apart by its path. Only this file creates types.
type Type struct {
	Slug   string // end of the path
	Status int    // of the response; 0 if it varies
	Title  string
	Cause  string // what happened
	Remedy string // what the client can do
}

// PathPrefix is the path below which the server describes the types.
const PathPrefix = "/problems/"

// Path returns the path of the page that describes the type. It is the type of problems without a base path.
func (t *Type) Path() string { return PathPrefix + t.Slug }

var types []*Type

// Types returns all types, in the order of their status.
func Types() []*Type { return slices.Clone(types) }

// Find returns the type with a slug, or nil.
func Find(slug string) *Type {
	for _, t := range types {
		if t.Slug == slug {
			return t
		}
	}
	return nil
}

func define(t Type) *Type {
	types = append(types, &t)
	return &t
}

// The types of problems.
var (
	ValidationFailed = define(Type{
		Slug: "validation-failed", Status: http.StatusBadRequest, Title: "Invalid input",
		Cause: "A parameter, header or field of the request is missing, unknown or not valid, " +
			"or it refers to a row that does not exist.",
		Remedy: "Correct every entry of errors, which lists all of them, and send the request again.",
	})
	MalformedBody = define(Type{
		Slug: "malformed-body", Status: http.StatusBadRequest, Title: "Malformed body",
		Cause: "The body cannot be read as a whole: it is incomplete, not valid JSON, not a JSON object or not text.",
		Remedy: "Send the complete body in the format that Content-Type names. " +
			"The message in errors has the line and the column.",
	})
	SignInRequired = define(Type{
		Slug: "sign-in-required", Status: http.StatusUnauthorized, Title: "Sign-in required",
		Cause: "The request has no token, or its access token or API token is not valid, has expired or was revoked. " +
			"The response does not say which.",
		Remedy: "Get an access token with POST /auth/login or POST /auth/refresh. " +
			"Send it in the header Authorization: Bearer <token>.",
	})
	InvalidCredentials = define(Type{
		Slug: "invalid-credentials", Status: http.StatusUnauthorized, Title: "Sign-in failed",
		Cause: "No enabled account has this username and password.",
		Remedy: "Check the username and the password. " +
			"If the password is lost, an admin can create a link to choose a new one.",
	})
	SessionEnded = define(Type{
		Slug: "session-ended", Status: http.StatusUnauthorized, Title: "Session ended",
		Cause: "The refresh token is not valid: the session has expired or was revoked, or the token was used before.",
		Remedy: "Sign in again with POST /auth/login. " +
			"Use each refresh token once, and store the new one of each response.",
	})
	InsufficientRole = define(Type{
		Slug: "insufficient-role", Status: http.StatusForbidden, Title: "Insufficient role",
		Cause:  "The operation requires a role that the caller does not have.",
		Remedy: "Ask an admin for the role that detail names, or use an API token with that role.",
	})
	SessionRequired = define(Type{
		Slug: "session-required", Status: http.StatusForbidden, Title: "Session required",
		Cause:  "The operation manages an account, its sessions or its tokens, and the caller uses an API token.",
		Remedy: "Sign in with username and password, and send the access token of the session.",
	})
	NotOwner = define(Type{
		Slug: "not-owner", Status: http.StatusForbidden, Title: "Row of another user",
		Cause:  "Only the owner of the row, its assignee and admins may change it.",
		Remedy: "Ask an admin, or the owner: detail contains the name.",
	})
	CrossOrigin = define(Type{
		Slug: "cross-origin-request", Status: http.StatusForbidden, Title: "Cross-origin request",
		Cause: "A browser sent a change from a page of another origin. " +
			"The server accepts cookies and anonymous changes only from its own pages.",
		Remedy: "Send changes from the server's own pages, or with a token in the header Authorization.",
	})
	HostNotAllowed = define(Type{
		Slug: "host-not-allowed", Status: http.StatusForbidden, Title: "Host not allowed",
		Cause: "The server accepts requests without a token, and the request names a host that is not this machine. " +
			"The check prevents DNS rebinding.",
		Remedy: "Use localhost or an IP address, send a token, or start the server with AUTH=required.",
	})
	RegistrationClosed = define(Type{
		Slug: "registration-closed", Status: http.StatusForbidden, Title: "Registration closed",
		Cause:  "The operator does not let users register themselves.",
		Remedy: "Ask an admin for an account.",
	})
	NotFound = define(Type{
		Slug: "not-found", Status: http.StatusNotFound, Title: "Not found",
		Cause:  "There is no row or file with this ID or name. It may have been deleted.",
		Remedy: "Check the ID in the path. The history shows deleted rows: GET /api/v1/changes.",
	})
	RouteNotFound = define(Type{
		Slug: "route-not-found", Status: http.StatusNotFound, Title: "No such route",
		Cause:  "The API has no route for this path.",
		Remedy: "Check the path. The reference at /docs lists all paths.",
	})
	InvalidLink = define(Type{
		Slug: "invalid-link", Status: http.StatusNotFound, Title: "Invalid link",
		Cause: "The link to set a password was used, replaced or revoked, or it has expired. " +
			"A link is valid once and for 24 hours.",
		Remedy: "Ask an admin for a new link: POST /api/v1/users/{id}/password-link.",
	})
	MethodNotAllowed = define(Type{
		Slug: "method-not-allowed", Status: http.StatusMethodNotAllowed, Title: "Method not allowed",
		Cause:  "The path exists, but not with this method.",
		Remedy: "Use one of the methods in the header Allow.",
	})
	NotAcceptable = define(Type{
		Slug: "not-acceptable", Status: http.StatusNotAcceptable, Title: "Not acceptable",
		Cause:  "The header Accept matches none of the media types in which the response is available.",
		Remedy: "Accept one of the media types that detail lists, or omit the header.",
	})
	RequestTimeout = define(Type{
		Slug: "request-timeout", Status: http.StatusRequestTimeout, Title: "Request too slow",
		Cause:  "The request did not arrive in time. Nothing was changed.",
		Remedy: "Send the request again. Large bodies arrive faster with Content-Encoding: gzip.",
	})
	StillReferenced = define(Type{
		Slug: "still-referenced", Status: http.StatusConflict, Title: "Still referenced",
		Cause:  "Other rows refer to the row, so it cannot be deleted.",
		Remedy: "Delete or move the other rows first, or repeat the request with ?cascade=true to delete them as well.",
	})
	Duplicate = define(Type{
		Slug: "duplicate", Status: http.StatusConflict, Title: "Duplicate",
		Cause:  "A value that must be unique belongs to another row, or occurs twice in the request.",
		Remedy: "Choose another value for the field in errors, or change the row that has the value.",
	})
	TooManyMatches = define(Type{
		Slug: "too-many-matches", Status: http.StatusConflict, Title: "Too many matches",
		Cause:  "More rows match the filters than max, or than one file can hold. Nothing was changed.",
		Remedy: "Narrow the filters, or raise max if all these rows are meant.",
	})
	Conflict = define(Type{
		Slug: "conflict", Status: http.StatusConflict, Title: "Conflict",
		Cause:  "The request contradicts the current state of the data, such as a second void of an event.",
		Remedy: "Fetch the row again, and decide by its current state.",
	})
	KeyInFlight = define(Type{
		Slug: "idempotency-key-in-flight", Status: http.StatusConflict, Title: "Idempotency key in flight",
		Cause:  "The first request with this Idempotency-Key has no response yet.",
		Remedy: "Repeat the same request after Retry-After seconds to get the response of the first one.",
	})
	StaleVersion = define(Type{
		Slug: "stale-version", Status: http.StatusPreconditionFailed, Title: "Stale version",
		Cause: "The row does not have the version that If-Match, If-None-Match or the field version requires. " +
			"Another request changed, created or deleted the row. Nothing was changed.",
		Remedy: "Fetch the row again, apply the change to it, and send the new version. " +
			"The header ETag has the current version.",
	})
	BodyTooLarge = define(Type{
		Slug: "body-too-large", Status: http.StatusRequestEntityTooLarge, Title: "Body too large",
		Cause:  "The body or the file exceeds the limit of the operation.",
		Remedy: "Send less data. Import many rows as CSV or NDJSON, which have a higher limit.",
	})
	UnsupportedMediaType = define(Type{
		Slug: "unsupported-media-type", Status: http.StatusUnsupportedMediaType, Title: "Unsupported media type",
		Cause:  "The operation does not accept the Content-Type or the Content-Encoding of the body.",
		Remedy: "Send one of the formats in detail, with a Content-Type that names it.",
	})
	FileTypeNotAllowed = define(Type{
		Slug: "file-type-not-allowed", Status: http.StatusUnsupportedMediaType, Title: "File type not allowed",
		Cause:  "Browsers would execute the uploaded file: it is HTML, XML, SVG or a script.",
		Remedy: "Upload the file in a ZIP archive.",
	})
	KeyReused = define(Type{
		Slug: "idempotency-key-reused", Status: http.StatusUnprocessableEntity, Title: "Idempotency key reused",
		Cause:  "The caller used this Idempotency-Key for a different request. Nothing was recorded.",
		Remedy: "Use a new key for each new request, and the same key only to repeat the same request.",
	})
	RateLimited = define(Type{
		Slug: "rate-limited", Status: http.StatusTooManyRequests, Title: "Too many requests",
		Cause:  "The address or the username has reached a rate limit.",
		Remedy: "Wait for Retry-After seconds. Send many rows in one request instead of many requests.",
	})
	TooManyOpen = define(Type{
		Slug: "too-many-open", Status: http.StatusTooManyRequests, Title: "Too many open requests",
		Cause:  "The account has the maximum number of open streams or transfers.",
		Remedy: "End one of them first, or wait until one has finished.",
	})
	ClientClosedRequest = define(Type{
		Slug: "client-closed-request", Status: StatusClientClosed, Title: "Client closed request",
		Cause: "The client disconnected before the response. " +
			"Only the log, the metrics and the traces show this problem.",
		Remedy: "Give the request more time in the client.",
	})
	InternalError = define(Type{
		Slug: "internal-error", Status: http.StatusInternalServerError, Title: "Internal error",
		Cause:  "The server failed in a way that it does not expect.",
		Remedy: "Send the request_id to the operator, who finds the cause in the log under this ID.",
	})
	BadGateway = define(Type{
		Slug: "bad-gateway", Status: http.StatusBadGateway, Title: "Bad gateway",
		Cause: "The proxy cannot reach the server, or the connection broke before the response. " +
			"A write may or may not have been stored.",
		Remedy: "Try again. Check first whether a write was stored, or send it with an Idempotency-Key.",
	})
	DatabaseUnavailable = define(Type{
		Slug: "database-unavailable", Status: http.StatusServiceUnavailable, Title: "Database unavailable",
		Cause: "The database is unreachable, restarting, read-only or out of resources, " +
			"or all connections of the server are in use.",
		Remedy: "Try again after Retry-After seconds. If detail says so, check first whether a write was stored.",
	})
	DatabaseTimeout = define(Type{
		Slug: "database-timeout", Status: http.StatusServiceUnavailable, Title: "Database timeout",
		Cause:  "A statement ran longer than its time limit and was rolled back.",
		Remedy: "Try again, or request less data: a smaller limit, or more filters.",
	})
	WriteConflict = define(Type{
		Slug: "write-conflict", Status: http.StatusServiceUnavailable, Title: "Write conflict",
		Cause: "Other requests were changing the same rows for longer than the server waits. " +
			"Nothing was changed.",
		Remedy: "Try again after Retry-After seconds.",
	})
	Overloaded = define(Type{
		Slug: "overloaded", Status: http.StatusServiceUnavailable, Title: "Server overloaded",
		Cause: "The server has reached its limit of concurrent logins, events, streams or transfers. " +
			"Nothing was changed.",
		Remedy: "Try again after Retry-After seconds.",
	})
	StorageUnavailable = define(Type{
		Slug: "storage-unavailable", Status: http.StatusServiceUnavailable, Title: "Storage unavailable",
		Cause:  "The server cannot store files: it has no directory for them, no permission or no disk space.",
		Remedy: "Try again later. If the problem persists, contact the operator.",
	})
	ServerUnavailable = define(Type{
		Slug: "server-unavailable", Status: http.StatusServiceUnavailable, Title: "Server unavailable",
		Cause:  "The server is starting or shutting down.",
		Remedy: "Try again after Retry-After seconds.",
	})
	GatewayTimeout = define(Type{
		Slug: "gateway-timeout", Status: http.StatusGatewayTimeout, Title: "Gateway timeout",
		Cause:  "The server did not respond to the proxy in time. A write may or may not have been stored.",
		Remedy: "Try again. Check first whether a write was stored, or send it with an Idempotency-Key.",
	})
	ProxyError = define(Type{
		Slug: "proxy-error", Title: "Rejected by the proxy",
		Cause: "The proxy in front of the server rejected the request: it is malformed, " +
			"its URL or headers are too long, or its range is outside the file.",
		Remedy: "Correct what detail names. The status of the response says what is wrong.",
	})
)

//go:embed examples.json
var exampleFile []byte

// examples returns the example of each type by path.
var examples = sync.OnceValue(func() map[string]json.RawMessage {
	var all []json.RawMessage
	if err := json.Unmarshal(exampleFile, &all); err != nil {
		panic(fmt.Errorf("examples.json: %w", err)) // the file is embedded
	}
	byPath := map[string]json.RawMessage{}
	for _, example := range all {
		var p Problem
		if err := json.Unmarshal(example, &p); err != nil {
			panic(fmt.Errorf("examples.json: %w", err))
		}
		byPath[p.Type] = example
	}
	return byPath
})

// Example returns a problem of the type as a server below a base path returned it. A test of the package api provokes
// each of them.
func (t *Type) Example(basePath string) json.RawMessage {
	example := string(examples()[t.Path()])
	if example == "" { // a new type, whose example the test has yet to write
		return json.RawMessage("null")
	}
	for _, member := range []string{"type", "instance"} {
		before := `"` + member + `": "`
		example = strings.Replace(example, before+"/", before+basePath+"/", 1)
	}
	return json.RawMessage(example)
}
