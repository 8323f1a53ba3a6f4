package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"labledger/db"
	"labledger/internal/media"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// TestOpenAPI makes the OpenAPI document out of the route table, the Go types and the queries' comments, and holds it against the one
// that is embedded.
func TestOpenAPI(t *testing.T) {
	var made bytes.Buffer
	encoder := json.NewEncoder(&made)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document(readSources(t))); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("openapi.json", made.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	embedded, err := files.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(embedded), made.String()); diff != "" {
		t.Errorf("openapi.json is not what the routes say; run `make gen` (- embedded, + made):\n%s", diff)
	}
}

type object = map[string]any

func ref(kind, name string) object { return object{"$ref": "#/components/" + kind + "/" + name} }

// document is the whole OpenAPI document.
func document(src *sources) object {
	paths := object{}
	schemas := object{
		"Problem": src.schema(reflect.TypeFor[Problem]()),
		"Reason":  reason(),
		"Stored":  src.schema(reflect.TypeFor[Stored]()),
	}
	table := routes(parts{metrics: newMetrics(nil, "test")})
	for _, rt := range table {
		for _, path := range rt.paths {
			if isPage(path) || rt.method == methodUpdate {
				continue // pages and the document do not describe themselves, and OpenAPI has no word for the method UPDATE
			}
			item, ok := paths[path].(object)
			if !ok {
				item = object{}
				paths[path] = item
			}
			item[strings.ToLower(rt.method)] = src.operation(rt, path, table)
			if rt.endpoint.plain == nil {
				row := model(rt.endpoint.out)
				schemas[row.Name()] = src.schema(row)
			}
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
		"tags": []object{
			{"name": "sites", "description": "Places where the laboratory works."},
			{"name": "freezers", "description": "Instruments that keep containers cold."},
			{"name": "computers", "description": "Instruments that compute."},
			{"name": "containers", "description": "What is in the freezers."},
			{"name": "instruments", "description": "Computers and freezers in one list."},
			{"name": "events", "description": "The ledger: who put in and took out what, judged by the rules as it arrives."},
			{"name": "alerts", "description": "What the rules found, why, and what people made of it."},
			{"name": "rules", "description": "The settings of the alert rules."},
			{"name": "users", "description": "The directory: whom events speak of, and their risk levels."},
			{"name": "todos", "description": "What somebody has to do."},
			{"name": "accounts", "description": "Signing in, and what one does with an account of one's own."},
			{"name": "attachments", "description": "Files, and what they belong to."},
			{"name": "search", "description": "All of it, by any part of its texts."},
			{"name": "changes", "description": "The history: every insert, update and delete, also those made in psql."},
			{"name": "service", "description": "How the server is."},
			{"name": "short routes", "description": "The routes of the systems that this one replaces. They run the same queries; every success is a 200, and a list answers up to 1000 rows."},
		},
		"paths": paths,
		"components": object{
			"securitySchemes": object{
				"token":  object{"type": "http", "scheme": "bearer", "description": "An access token of POST /auth/login, or an API token of POST /api/v1/tokens. A server that is open takes calls without one, too."},
				"cookie": object{"type": "apiKey", "in": "cookie", "name": accessCookie, "description": "For browsers: what POST /auth/login sets with \"cookie\": true; over HTTPS it is called " + accessName(true) + ". It counts where there is no header Authorization, and changes are taken only from pages of this server: Sec-Fetch-Site or Origin must say so."},
			},
			"schemas":   schemas,
			"responses": object{"Problem": problemResponse},
			"headers": object{
				"ETag":         object{"description": "The row's version, in quotes: give it back in If-Match, and a write goes through only if nobody was faster.", "schema": object{"type": "string"}},
				"Link":         object{"description": `The next page, rel="next"; absent on the last one.`, "schema": object{"type": "string"}},
				"Location":     object{"description": "Where the new row is.", "schema": object{"type": "string"}},
				"Set-Cookie":   object{"description": "Of a browser that keeps its tokens as cookies: the new ones, or, when the session has ended, that they are to go.", "schema": object{"type": "string"}},
				"X-Request-Id": object{"description": "Finds this request in the log and in the history. One that the client sends is kept.", "schema": object{"type": "string"}},
			},
			"parameters": object{
				"If-Match":        object{"name": "If-Match", "in": "header", "description": "ETag of the row as you know it, or * for any. When the row is at another version: 412, and nothing is changed.", "schema": object{"type": "string"}},
				"If-None-Match":   object{"name": "If-None-Match", "in": "header", "description": "Of a read: the ETag you have; 304 when it is still the one. Of an upsert: * to create, and replace nothing.", "schema": object{"type": "string"}},
				"Idempotency-Key": object{"name": "Idempotency-Key", "in": "header", "description": "A name of the client's choice for this request, up to 255 characters, kept for at least a day. Sent again with the same request, it is answered as the first time, with Idempotency-Replayed: true, and records nothing; with another request: 422.", "schema": object{"type": "string", "minLength": 1, "maxLength": 255}},
				"order":           object{"name": "order", "in": "query", "description": "desc: the newest first.", "schema": object{"type": "string", "enum": []string{"asc", "desc"}, "default": "asc"}},
				"dry_run":         object{"name": "dry_run", "in": "query", "description": "true: do everything, answer the same, keep nothing.", "schema": object{"type": "boolean", "default": false}},
			},
		},
	}
}

// isPage tells what is for people in a browser, and the document itself.
func isPage(path string) bool {
	for _, prefix := range []string{"/docs", "/app", "/static/", "/api/v1/openapi.json"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

const introduction = `What stands where in a laboratory, and the whole history of it.

Bodies are the rows themselves. Every answer that is no success is a problem (RFC 9457) that lists all that is wrong at once. Nothing is
ignored: an unknown parameter or field is refused, with the nearest known one named.

Beside each call's curl sample stands **the SQL that it runs**, ready to paste into ` + "`labledger psql`" + `.`

var problemResponse = object{
	"description": "What was wrong, where, and what to do.",
	"headers":     object{"X-Request-Id": ref("headers", "X-Request-Id")},
	"content":     object{"application/problem+json": object{"schema": ref("schemas", "Problem")}},
}

// operation describes one method of one path.
func (src *sources) operation(rt route, path string, table []route) object {
	e := rt.endpoint
	short := !strings.HasPrefix(path, "/api/v1/")
	name, doc := "ShowMetrics", "Shows the server's metrics in Prometheus's text format."
	if e.calls != nil {
		name = functionName(e.calls[0])
		doc = src.doc(name)
	}
	op := object{
		"operationId": operationID(name, rt.method, path),
		"summary":     firstSentence(doc),
		"description": doc,
		"tags":        []string{tag(path, e.plain != nil || e.value != nil)},
		"responses":   object{},
	}
	responses := op["responses"].(object)
	op["security"] = []object{{"token": []string{}}, {"cookie": []string{}}}
	switch {
	case e.out == reflect.TypeFor[CurrentSession](): // it takes a token, and does without
		op["security"] = append(op["security"].([]object), object{})
	case rt.role == public:
		op["security"] = []object{}
	case rt.role == self:
		op["description"] = doc + " Needs a session, of whatever role; an API token will not do."
	default:
		op["description"] = doc + " Needs the role " + rt.role.String() + "."
	}
	if rt.role != public {
		responses["401"], responses["403"] = ref("responses", "Problem"), ref("responses", "Problem")
	}
	if e.plain != nil && e.calls != nil {
		return src.streamOperation(op, rt, path)
	}
	if e.plain != nil {
		if strings.HasPrefix(path, "/media/") {
			return mediaOperation(op)
		}
		op["x-codeSamples"] = []object{{"lang": "Shell", "label": "curl", "source": "curl http://127.0.0.1:5000" + path}}
		responses["200"] = object{"description": "The metrics.", "content": object{"text/plain": object{"schema": object{"type": "string"}}}}
		responses["400"] = ref("responses", "Problem")
		return op
	}
	b := newBinder(e.in, rt.method, variables(path))
	if parameters := src.parameters(rt, b, path); len(parameters) > 0 {
		op["parameters"] = parameters
	}
	if body := src.body(rt, b, path); body != nil {
		op["requestBody"] = body
	}
	src.responses(responses, rt, b, path, short)
	samples := []object{{"lang": "Shell", "label": "curl", "source": curl(rt, b, path)}}
	for _, sql := range src.statementsOf(rt, b) {
		samples = append(samples, object{"lang": "SQL", "label": sql.label, "source": sql.text})
	}
	op["x-codeSamples"] = samples
	return op
}

// mediaOperation describes how files are given out.
func mediaOperation(op object) object {
	op["operationId"], op["tags"] = "ServeMedia", []string{"attachments"}
	op["summary"], op["description"] = "Answers with an uploaded file", "Answers with an uploaded file, or a range of it. Its url, which nobody guesses, is the permission."
	named := func(name, doc string) object {
		return object{"name": name, "in": "path", "required": true, "description": doc, "schema": object{"type": "string"}}
	}
	op["parameters"] = []object{named("folder", "As the url has it."), named("file", "As the url has it.")}
	content := object{}
	for _, kind := range media.Types() {
		content[kind] = object{"schema": object{"type": "string"}}
	}
	op["responses"] = object{
		"200": object{"description": "The file.", "content": content},
		"206": object{"description": "A range of it.", "content": content},
		"304": object{"description": "You have it already."},
		"400": ref("responses", "Problem"), "404": ref("responses", "Problem"), "416": object{"description": "There is no such range."},
	}
	op["x-codeSamples"] = []object{{"lang": "Shell", "label": "curl", "source": "curl -O http://127.0.0.1:5000/media/x7/x7…png"}}
	return op
}

// streamOperation describes the live stream.
func (src *sources) streamOperation(op object, rt route, path string) object {
	b := newBinder(rt.endpoint.in, rt.method, nil)
	parameters := []object{{"name": "Last-Event-ID", "in": "header", "description": "Where to go on: the id of the last message seen. EventSource sends it by itself.", "schema": object{"type": "string"}}}
	for _, f := range b.query {
		schema := jsonType(b.shape.Field(f.index).Type)
		schema["type"] = schema["type"].([]string)[0]
		parameters = append(parameters, object{"name": f.name, "in": "query", "description": src.fieldDoc(b.shape, f.name), "schema": schema})
	}
	op["tags"], op["parameters"] = []string{"events"}, parameters
	op["summary"] = "Streams events and alerts as they come"
	responses := op["responses"].(object)
	for status, answer := range (object{
		"200": object{
			"description": "Server-Sent Events without end. The data of an event is what the list of events or of alerts shows of it; its id is a position to go on from.",
			"content":     object{"text/event-stream": object{"schema": object{"type": "string"}}},
		},
		"400": ref("responses", "Problem"), "406": ref("responses", "Problem"), "503": ref("responses", "Problem"),
	}) {
		responses[status] = answer
	}
	samples := []object{{"lang": "Shell", "label": "curl", "source": "curl -N http://127.0.0.1:5000" + path}}
	for _, sql := range src.statementsOf(rt, b) {
		samples = append(samples, object{"lang": "SQL", "label": sql.label, "source": sql.text})
	}
	op["x-codeSamples"] = samples
	return op
}

// operationID is the query's name, with the path where one query serves several.
func operationID(name, method, path string) string {
	nested := strings.HasSuffix(path, "}/attachments") // one query on several versioned paths
	if strings.HasPrefix(path, "/api/v1/") && method != http.MethodPut && !nested {
		return name
	}
	clean := strings.NewReplacer("{", "", "}", "", "/", "_").Replace(path)
	return name + "_" + strings.ToLower(method) + clean
}

func tag(path string, service bool) string {
	parts := strings.Split(path, "/")
	switch {
	case parts[1] == "auth", parts[1] == "account", path == "/api/v1/tokens", path == "/api/v1/tokens/{id}":
		return "accounts"
	case service:
		return "service"
	case parts[1] == "api" && parts[2] == "v1":
		return parts[3]
	}
	return "short routes"
}

func firstSentence(text string) string {
	sentence, _, _ := strings.Cut(text, ". ")
	sentence, _, _ = strings.Cut(sentence, ": ")
	return strings.TrimSuffix(sentence, ".")
}

// parameters are what a call takes from path, query string and headers.
func (src *sources) parameters(rt route, b *binder, path string) []object {
	var all []object
	row := model(rt.endpoint.out)
	for _, f := range b.path {
		schema := jsonType(b.shape.Field(f.index).Type)
		doc := src.fieldDoc(row, f.name)
		switch f.name {
		case "limit":
			schema, doc = object{"type": "integer", "minimum": 0}, "Rows at most, up to 1000; 0 is the maximum."
		case "offset":
			schema, doc = object{"type": "integer", "minimum": 0}, "Rows to skip."
		}
		all = append(all, object{"name": f.name, "in": "path", "required": true, "description": doc, "schema": schema})
	}
	for _, f := range b.query {
		schema := jsonType(b.shape.Field(f.index).Type)
		if kind, ok := schema["type"].([]string); ok {
			schema["type"] = kind[0] // a parameter that is left out is what null would be
		}
		doc := "Only rows with this value. " + src.fieldDoc(row, f.name)
		switch f.name {
		case "limit":
			size := pageSize
			if !strings.HasPrefix(path, "/api/v1/") {
				size = pageMaximum
			}
			schema, doc = object{"type": "integer", "minimum": 1, "default": size}, "Rows at most, up to 1000. A stream (CSV, NDJSON) has no limit unless it is given one."
			if most := rt.endpoint.most; most > 0 {
				schema, doc = object{"type": "integer", "minimum": 1, "maximum": most, "default": bestSize}, "Rows at most."
			}
		case "q":
			schema, doc = object{"type": "string", "minLength": 1, "maxLength": 200}, "What to look for."
		case "only":
			schema, doc = object{"type": "string", "enum": []string{"site", "freezer", "computer", "container", "event", "alert", "rule", "todo", "user"}}, "Only rows of this kind."
		case "offset":
			schema, doc = object{"type": "integer", "minimum": 0, "default": 0}, "Rows to skip. Costs more the deeper it goes; `after` does not."
		case "due_before":
			doc = "Only todos that are due before this day."
		case "from":
			doc = "Only rows whose time is at or after this one, in seconds since 1970."
		case "to":
			doc = "Only rows whose time is before this one, in seconds since 1970."
		case "code":
			doc = "Only rows with this alert code."
		case "simulate":
			schema, doc = object{"type": "boolean", "default": false}, "true: the same as dry_run."
		case "cascade":
			schema, doc = object{"type": "boolean", "default": false}, "true: delete what depends on it, too."
		}
		parameter := object{"name": f.name, "in": "query", "description": doc, "schema": schema}
		if slices.Contains(b.needed, f.name) {
			parameter["required"], parameter["example"] = true, examples[f.name]
		}
		all = append(all, parameter)
	}
	if len(b.cursor) > 0 {
		all = append(all, object{"name": "after", "in": "query", "description": "Key of the last row seen, as the Link header gives it.", "schema": object{"type": "string"}})
	}
	if rt.endpoint.backward != nil {
		all = append(all, ref("parameters", "order"))
	}
	if recordsEvents(rt) {
		all = append(all, ref("parameters", "Idempotency-Key"))
	}
	_, versioned := row.FieldByName("Version")
	switch {
	case rt.method == http.MethodGet && versioned && !rt.endpoint.list:
		all = append(all, ref("parameters", "If-None-Match"), ref("parameters", "If-Match"))
	case rt.method != http.MethodGet:
		all = append(all, ref("parameters", "dry_run"))
		if b.version >= 0 {
			all = append(all, ref("parameters", "If-Match"))
			if b.upserts() {
				all = append(all, ref("parameters", "If-None-Match"))
			}
		}
	}
	return all
}

// body is what a write takes.
func (src *sources) body(rt route, b *binder, path string) object {
	if rt.method == http.MethodGet {
		return nil
	}
	if len(b.names) == 0 {
		return nil
	}
	one := src.bodySchema(b, model(rt.endpoint.out))
	if name := ignoredField(rt.method, path); name != "" {
		one["properties"].(object)[name] = object{"description": "Ignored; the path says it."}
	}
	content := object{"application/json": object{"schema": one, "example": exampleBody(rt, b)}}
	if rt.endpoint.form {
		one["properties"].(object)[fileField] = object{"type": "string", "contentMediaType": "application/octet-stream", "description": "The file, with its name, up to 20 MiB."}
		one["required"] = []string{fileField}
		return object{"required": true, "content": object{"multipart/form-data": object{"schema": one}}}
	}
	if bulk := rt.endpoint.bulk; bulk != nil {
		line := src.bodySchema(bulk.binder, model(rt.endpoint.out))
		content["application/json"].(object)["schema"] = object{"oneOf": []object{one, {"type": "array", "items": line}}}
		content["application/x-ndjson"] = object{"schema": object{"type": "string", "description": "One object a line."}}
		content["text/csv"] = object{"schema": object{"type": "string", "description": "A header line that names the columns, then one row a line. An empty cell is null."}}
	}
	return object{"required": rt.method != http.MethodDelete, "content": content}
}

func (src *sources) bodySchema(b *binder, row reflect.Type) object {
	properties := object{}
	for _, f := range b.body {
		schema := jsonType(b.shape.Field(f.index).Type)
		if f.name == "rules" {
			schema = object{"type": "array", "items": src.bodySchema(ruleBinder, reflect.TypeFor[ReplayedRule]())}
		}
		if f.name != "type" { // an event's is taken in any case
			src.choices.limit(schema, row, f.name)
		}
		schema["description"] = src.fieldDoc(row, f.name)
		if doc := src.fieldDoc(b.shape, f.name); doc != "" {
			schema["description"] = doc
		}
		if f.name == "version" {
			schema["description"] = "The version that you know. When the row is at another one: 412, and nothing is changed."
		}
		if numbersAsText[f.name] {
			kinds := []string{"string", "number"}
			if _, nullable := schema["type"].([]string); nullable {
				kinds = append(kinds, "null")
			}
			schema["type"] = kinds
		}
		if b.path != nil && slices.Contains(b.path, f) {
			schema["description"] = schema["description"].(string) + " May be left out here; must be what the path says."
		}
		properties[f.name] = schema
	}
	schema := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(b.required) > 0 {
		schema["required"] = b.required
	}
	return schema
}

// responses lists every status that a call can answer.
func (src *sources) responses(all object, rt route, b *binder, path string, short bool) {
	row := model(rt.endpoint.out)
	headers := object{"X-Request-Id": ref("headers", "X-Request-Id")}
	if in := rt.endpoint.in; rt.endpoint.signsOut != nil || in == reflect.TypeFor[Credentials]() || in == reflect.TypeFor[RefreshRequest]() || in == reflect.TypeFor[OwnAccount]() {
		headers["Set-Cookie"] = ref("headers", "Set-Cookie")
	}
	schema := ref("schemas", row.Name())
	content := object{"application/json": object{"schema": schema}}
	good := object{"description": "The row.", "headers": headers, "content": content}
	problems := []int{400, 503}
	_, versioned := row.FieldByName("Version")
	if versioned && !rt.endpoint.list && rt.method != http.MethodDelete {
		headers["ETag"] = ref("headers", "ETag")
	}
	switch {
	case rt.endpoint.value != nil:
		good["description"] = "The answer."
		problems = []int{400, 406}
		if rt.endpoint.browsers != "" {
			all["303"] = object{"description": "To the web app, for who would rather have text/html."}
		}
		if path == "/readyz" {
			unready := object{"description": "Not ready, and why.", "content": content}
			all["503"] = unready
		}
	case rt.endpoint.most > 0:
		good["description"] = "The rows, the best first."
		good["content"] = object{"application/json": object{"schema": object{"type": "array", "items": schema}}}
		problems = append(problems, 406)
	case rt.endpoint.list:
		good["description"] = "The rows. Ask for text/csv or application/x-ndjson to have all of them."
		headers["Link"] = ref("headers", "Link")
		good["content"] = object{
			"application/json":     object{"schema": object{"type": "array", "items": schema}},
			"application/x-ndjson": object{"schema": object{"type": "string"}},
			"text/csv":             object{"schema": object{"type": "string"}},
		}
		problems = append(problems, 406)
	case rt.method == http.MethodGet && rt.endpoint.own != nil:
		good["description"] = "The answer."
		problems = append(problems, 406)
	case rt.method == http.MethodGet:
		all["304"] = object{"description": "You have it already."}
		problems = append(problems, 404, 406, 412)
	case rt.endpoint.own != nil && !recordsEvents(rt):
		good["description"] = "The answer."
		problems = append(problems, 406, 408, 413, 415)
		switch rt.endpoint.in {
		case reflect.TypeFor[NewAccount]():
			problems = append(problems, 403, 409, 429)
		case reflect.TypeFor[OwnAccount]():
			problems = append(problems, 404, 412, 429)
		case reflect.TypeFor[Credentials]():
			problems = append(problems, 401, 403, 429)
		case reflect.TypeFor[RefreshRequest]():
			problems = append(problems, 401, 403)
		case reflect.TypeFor[db.DeleteAttachmentParams]():
			problems = append(problems, 404, 412)
		}
	default:
		problems = append(problems, 406, 409, 412, 413, 415)
		if rt.method == http.MethodPatch || rt.method == http.MethodDelete || rt.method == http.MethodPut && !b.upserts() {
			problems = append(problems, 404)
		}
	}
	for _, status := range problems {
		all[strconv.Itoa(status)] = ref("responses", "Problem")
	}
	if recordsEvents(rt) {
		status := "201"
		if short {
			status = "200"
		}
		many := object{"oneOf": []object{schema, {"type": "array", "items": schema}}}
		recorded := object{"description": "The event is recorded.", "headers": object{"X-Request-Id": ref("headers", "X-Request-Id")}, "content": object{
			"application/json": object{"schema": schema},
		}}
		all["200"] = object{"description": "The events are recorded, each answered in the order of the request.", "headers": recorded["headers"], "content": object{
			"application/json":     object{"schema": many},
			"application/x-ndjson": object{"schema": object{"type": "string"}},
		}}
		if !short {
			recorded["headers"].(object)["Location"] = ref("headers", "Location")
			all[status] = recorded
		}
		for _, status := range []string{"408", "422"} {
			all[status] = ref("responses", "Problem")
		}
		delete(all, "412")
		return
	}
	created := object{"description": "The new row.", "headers": object{
		"X-Request-Id": ref("headers", "X-Request-Id"), "ETag": ref("headers", "ETag"), "Location": ref("headers", "Location"),
	}, "content": content}
	switch {
	case rt.endpoint.form:
		all["201"] = created
	case rt.endpoint.in == reflect.TypeFor[NewAccount](), rt.endpoint.in == reflect.TypeFor[NewToken]():
		if rt.endpoint.in == reflect.TypeFor[NewAccount]() {
			delete(created["headers"].(object), "Location")
		}
		all["201"] = created
	case rt.endpoint.bulk != nil:
		all["201"] = created
		all["200"] = object{"description": "All rows are stored.", "headers": headers, "content": object{"application/json": object{"schema": ref("schemas", "Stored")}}}
		all["408"] = ref("responses", "Problem")
	case b.upserts() && !short && rt.method != http.MethodGet:
		all["201"] = created
		all["200"] = good
	default:
		all["200"] = good
	}
}

// recordsEvents tells the call that takes events in.
func recordsEvents(rt route) bool { return rt.endpoint.in == reflect.TypeFor[NewEvent]() }
