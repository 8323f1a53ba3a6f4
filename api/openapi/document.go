package main

import (
	"maps"
	"reflect"
	"strings"

	"labledger/api"
	"labledger/api/authn"
	"labledger/api/problem"
	"labledger/api/rest"
)

type object = map[string]any

func ref(kind, name string) object { return object{"$ref": "#/components/" + kind + "/" + name} }

// document returns the OpenAPI document.
func document(src *sources, endpoints []*rest.Endpoint) object {
	paths, parameters := object{}, parameterComponents()
	maps.Copy(parameters, listParameterComponents())
	schemas := object{
		"Problem": problemSchema(src),
		"Reason":  reasonSchema(),
		"Stored":  src.schema(reflect.TypeFor[rest.Stored](), nil),
	}
	for _, e := range endpoints {
		if isWebPage(e.Path) || e.Method == api.MethodUpdate {
			continue // not part of the API, or a method that OpenAPI cannot express
		}
		item, ok := paths[e.Path].(object)
		if !ok {
			item = object{}
			paths[e.Path] = item
		}
		o := newOperation(src, e)
		item[strings.ToLower(e.Method)] = o.object()
		o.addListComponents(parameters, schemas)
		switch {
		case o.Kind == rest.KindRaw:
		case o.Searched() != nil:
			schemas[schemaName(o.row)] = o.groupSchema(o.Searched())
		default:
			schemas[schemaName(o.row)] = src.schema(o.row, o.tables())
		}
	}
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title":       "Labledger",
			"version":     "1",
			"description": introduction,
			"license":     object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"servers": []object{{"url": "/"}},
		"tags":    tags,
		"paths":   paths,
		"components": object{
			"securitySchemes": securitySchemes(),
			"schemas":         schemas,
			"responses":       object{"Problem": problemResponse},
			"headers":         headerComponents(),
			"parameters":      parameters,
		},
	}
}

// tags are the groups of operations, in the order of the API reference.
var tags = []object{
	{"name": "sites", "description": "Places with an address, such as a building of one laboratory."},
	{"name": "freezers", "description": "Instruments that hold containers."},
	{"name": "computers", "description": "Instruments with a MAC address."},
	{"name": "containers", "description": "Items with a UUID and a description, stored in a freezer."},
	{"name": "checkouts", "description": "Who took a container, and when it came back. Each check-out and each return " +
		"records an event of the holder."},
	{"name": "instruments", "description": "Computers and freezers in one read-only list."},
	{"name": "events", "description": "Deposits and withdrawals in the append-only ledger. " +
		"The rules evaluate each event when it arrives."},
	{
		"name":        "alerts",
		"description": "Events that fired at least one rule, with the reasons and the investigation.",
	},
	{
		"name":        "rules",
		"description": "The settings of the rules, and the replay of changed rules over recorded events.",
	},
	{
		"name": "users",
		"description": "Users with their roles and risk levels, and the directory, which has the names of all users. " +
			"An admin invites a user, or resets a password, with a link that is valid once.",
	},
	{"name": "todos", "description": "Things to do, with a status, an assignee and a due date."},
	{
		"name": "stocktakes",
		"description": "Checks of what lies in a freezer or in a container: expected and scanned containers, their " +
			"differences, and writing those to the register.",
	},
	{"name": "labels", "description": "Printed labels with the codes of containers, and their templates."},
	{"name": "views", "description": "List queries that users saved under a name."},
	{"name": "accounts", "description": "Registration, login, sessions, API tokens and the caller's account."},
	{"name": "attachments", "description": "Uploaded files and the rows that they belong to."},
	{"name": "search", "description": "Search in all lists, by words and by key."},
	{"name": "summary", "description": "What the overview of the app shows, in one response."},
	{
		"name":        "changes",
		"description": "The history: every insert, update and delete, including those made in psql.",
	},
	{
		"name": "changesets",
		"description": "The history by request, in words, and the undo of all changes of a request. " +
			"All changes of a transaction in psql are a change set as well.",
	},
	{"name": "service", "description": "The health, readiness and metrics of the server."},
	{"name": "short routes", "description": "The paths of the replaced systems, such as `/site/1`. " +
		"They run the same queries, but every success is a 200 and a list returns up to 1000 rows."},
}

func securitySchemes() object {
	return object{
		"token": object{
			"type":   "http",
			"scheme": "bearer",
			"description": "An access token from `POST /auth/login`, or an API token from `POST /api/v1/tokens`. " +
				"Optional if the server does not require authentication.",
		},
		"cookie": object{
			"type": "apiKey",
			"in":   "cookie",
			"name": authn.AccessCookie,
			"description": "For browsers: the cookie that `POST /auth/login` sets " +
				"if the body contains `\"cookie\": true`. " +
				"Over HTTPS its name is `" + authn.AccessCookieName("", true) + "`. " +
				"The server ignores the cookie if the request has an Authorization header. " +
				"It accepts writes with the cookie only from its own pages, as shown by Sec-Fetch-Site or Origin.",
		},
	}
}

func headerComponents() object {
	header := func(doc string) object { return object{"description": doc, "schema": object{"type": "string"}} }
	return object{
		"ETag": header("Version of the row, in quotes. " +
			"Send it in If-Match to write only if the row has not changed since."),
		"Idempotency-Replayed": header("`true` if this is the response of an earlier request with the same key."),
		"Link":                 header("URLs of the pages beside this one, with rel=\"next\" and rel=\"prev\"."),
		"X-Total-Count":        header("Number of matching rows on all pages, if the request has count."),
		"X-Total-Count-Kind":   header("exact or estimated."),
		"Location":             header("Path of the new row."),
		"Set-Cookie": header("Session cookies of a browser that signed in with cookies: " +
			"new tokens, or their removal after the session has ended."),
		"X-Request-Id": header("ID of the request in the log and in the history. " +
			"The server uses the client's ID if it is well-formed, and generates one otherwise."),
	}
}

func parameterComponents() object {
	parameter := func(in, name string, schema object, doc string) object {
		return object{"name": name, "in": in, "description": doc, "schema": schema}
	}
	key := object{"type": "string", "minLength": 1, "maxLength": rest.MaxKeyLen}
	message := object{"type": "string", "maxLength": rest.MaxMessageLen}
	return object{
		"If-Match": parameter("header", "If-Match", object{"type": "string"},
			"ETag of the row as the client knows it, or * for any version. "+
				"If the row has another version, the server returns 412 and changes nothing."),
		"If-None-Match": parameter("header", "If-None-Match", object{"type": "string"},
			"For a read: the ETag of the client's copy. If the row still has this version, the server returns 304. "+
				"For an upsert: * creates the row, and returns 412 if the row exists."),
		rest.KeyHeader: parameter("header", rest.KeyHeader, key,
			"A key of up to 255 characters that the client chooses for this request, stored for at least a day. "+
				"If the client repeats the request with the same key, the server returns the first response "+
				"with `Idempotency-Replayed: true` and stores nothing. "+
				"A different request with the same key returns 422. "+
				"A repetition returns 409 while the first request is in progress. "+
				"Keys of different callers are independent. Failed requests and dry runs do not use their key."),
		rest.MessageHeader: parameter("header", rest.MessageHeader, message,
			"Why the change is made, in up to 200 characters of UTF-8. The history shows it as `message`."),
		"as_of": parameter("query", "as_of", object{"type": "string"},
			"Time whose rows the server returns, such as 2026-11-30T08:00:00Z, or a date for its beginning in UTC. "+
				"Rows of that time have the changes of all requests that had begun by then. "+
				"A time in the future is the present. The response has no ETag and ignores If-None-Match; "+
				"If-Match is an error."),
		"columns": parameter("query", "columns", object{"type": "string"},
			"For CSV: a field for each column of the file, separated by commas, instead of the names in the header. "+
				"An empty name ignores the column, as in `name,,site_id`."),
		"dry_run": parameter("query", "dry_run", object{"type": "boolean", "default": false},
			"If true, the server does everything, returns the same response, and rolls back."),
	}
}

// isWebPage reports whether a path is outside the OpenAPI document: a page or file for browsers, or the document.
func isWebPage(path string) bool {
	for _, prefix := range []string{"/docs", "/problems", "/app", "/static/", "/api/v1/openapi.json"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// problemSchema returns the schema of a problem. Its type is one of the table, without a base path.
func problemSchema(src *sources) object {
	schema := src.schema(reflect.TypeFor[problem.Problem](), nil)
	var paths []string
	for _, t := range problem.Types() {
		paths = append(paths, t.Path())
	}
	schema["properties"].(object)["type"].(object)["enum"] = paths
	return schema
}

const introduction = "Labledger stores the inventory of a laboratory, an append-only ledger of deposits and " +
	"withdrawals, and the history of every change.\n\n" +
	"**Bodies.** A request or response body is the row itself, without an envelope. " +
	"A request body may name a row instead of giving its key, as in `site` for `site_id`. " +
	"Request bodies may be compressed with `Content-Encoding: gzip`.\n\n" +
	"**Errors.** Every error response is a problem (RFC 9457) that lists all errors of the request. " +
	"Its `type` is the path of a page with the cause and the remedy; `/problems/` lists all types. " +
	"The server rejects unknown parameters and fields, and suggests the closest known name.\n\n" +
	"**Lists.** A list returns one page; the `Link` header contains the URLs of the pages beside it. " +
	"Every column is a filter, also with an operator that fits its type: `__not`, `__in`, `__contains`, " +
	"`__startswith`, `__gt`, `__gte`, `__lt`, `__lte` and `__empty`, as in `name__contains=box`. " +
	"`q` searches, `sort=-name` sorts, `fields` chooses columns, and `include` adds the names of referenced rows. " +
	"To get all matching rows, request `format=csv` or `format=ndjson`.\n\n" +
	"**The past.** Reads of the register return the rows as they were at the time `as_of`: one row, a map, or a list " +
	"with all of its filters and sorts. A state has the changes of all requests that had begun by then. " +
	"Rows of the past have no `ETag`.\n\n" +
	"**Concurrent changes.** A row has a version, which is its `ETag`. " +
	"Send it in `If-Match` so that a write cannot overwrite the change of another client.\n\n" +
	"**Retries.** Send a new `Idempotency-Key` with each write. If no response arrives, repeat the request with the " +
	"same key: it is executed once, and the repetition returns the first response.\n\n" +
	"**SQL.** Beside the curl command, each operation shows the SQL that it runs. Paste it into `labledger psql`."

var problemResponse = object{
	"description": "The request failed. The body says what is wrong and how to fix it.",
	"headers":     object{"X-Request-Id": ref("headers", "X-Request-Id")},
	"content":     object{"application/problem+json": object{"schema": ref("schemas", "Problem")}},
}
