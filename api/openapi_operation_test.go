package api

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"labledger/internal/media"
)

// This file generates the operations of the OpenAPI document, with their parameters and request bodies.

// operation returns the operation of one method and path.
func (src *sources) operation(rt route, path string) object {
	e := rt.endpoint
	shortRoute := !strings.HasPrefix(path, "/api/v1/")
	name, doc := "ShowMetrics", "Returns the metrics of the server in the Prometheus text format."
	if e.queries != nil {
		name = functionName(e.queries[0])
		doc = src.doc(name)
	}
	op := object{
		"operationId": operationID(name, rt.method, path),
		"summary":     firstSentence(doc),
		"description": doc,
		"tags":        []string{tag(path, e.raw != nil || e.call != nil)},
		"responses":   object{},
	}
	responses := op["responses"].(object)
	op["security"] = []object{{"token": []string{}}, {"cookie": []string{}}}
	switch {
	case e.out == reflect.TypeFor[CurrentSession](): // authentication is optional
		op["security"] = append(op["security"].([]object), object{})
	case rt.role == public:
		op["security"] = []object{}
	case rt.role == sessionOnly:
		op["description"] = doc + " Requires a session of any role; API tokens are rejected."
	default:
		op["description"] = doc + " Requires the role " + rt.role.String() + "."
	}
	if rt.role != public {
		responses["401"], responses["403"] = ref("responses", "Problem"), ref("responses", "Problem")
	}
	if e.raw != nil && e.queries != nil {
		return src.streamOperation(op, rt, path)
	}
	if e.raw != nil {
		if strings.HasPrefix(path, "/media/") {
			return mediaOperation(op)
		}
		op["x-codeSamples"] = []object{
			{"lang": "Shell", "label": "curl", "source": "curl http://127.0.0.1:5000" + path},
		}
		responses["200"] = object{
			"description": "The metrics.",
			"content":     object{"text/plain": object{"schema": object{"type": "string"}}},
		}
		responses["400"] = ref("responses", "Problem")
		return op
	}
	b := newBinder(e.in, rt.method, pathVariables(path))
	if parameters := src.parameters(rt, b, path); len(parameters) > 0 {
		op["parameters"] = parameters
	}
	if body := src.body(rt, b, path); body != nil {
		op["requestBody"] = body
	}
	src.responses(responses, rt, b, path, shortRoute)
	samples := []object{{"lang": "Shell", "label": "curl", "source": curl(rt, b, path)}}
	for _, sql := range src.statementsOf(rt, b) {
		samples = append(samples, object{"lang": "SQL", "label": sql.label, "source": sql.text})
	}
	op["x-codeSamples"] = samples
	return op
}

// mediaOperation completes the operation that returns uploaded files.
func mediaOperation(op object) object {
	op["operationId"], op["tags"] = "ServeMedia", []string{"attachments"}
	op["summary"] = "Returns an uploaded file"
	op["description"] = "Returns an uploaded file or a range of it. The URL contains a random part and grants the " +
		"access, so the operation requires no authentication."
	pathParam := func(name, doc string) object {
		return object{
			"name":        name,
			"in":          "path",
			"required":    true,
			"description": doc,
			"schema":      object{"type": "string"},
		}
	}
	op["parameters"] = []object{
		pathParam("folder", "Directory in the url of the attachment."),
		pathParam("file", "File name in the url of the attachment."),
	}
	content := object{}
	for _, mediaType := range media.Types() {
		content[mediaType] = object{"schema": object{"type": "string"}}
	}
	op["responses"] = object{
		"200": object{"description": "The file.", "content": content},
		"206": object{"description": "The requested range of the file.", "content": content},
		"304": object{"description": "The client's copy is current."},
		"400": ref("responses", "Problem"),
		"404": ref("responses", "Problem"),
		"416": object{"description": "The range is outside the file."},
	}
	op["x-codeSamples"] = []object{
		{"lang": "Shell", "label": "curl", "source": "curl -O http://127.0.0.1:5000/media/x7/x7…png"},
	}
	return op
}

// streamOperation completes the operation of the live stream.
func (src *sources) streamOperation(op object, rt route, path string) object {
	b := newBinder(rt.endpoint.in, rt.method, nil)
	parameters := []object{{
		"name": "Last-Event-ID",
		"in":   "header",
		"description": "ID of the last message that the client received. The stream continues after it. " +
			"EventSource sends this header when it reconnects.",
		"schema": object{"type": "string"},
	}}
	for _, f := range b.queryFields {
		schema := jsonType(b.typ.Field(f.index).Type)
		schema["type"] = schema["type"].([]string)[0]
		doc := src.fieldDoc(b.typ, f.name)
		parameters = append(parameters, object{"name": f.name, "in": "query", "description": doc, "schema": schema})
	}
	op["tags"], op["parameters"] = []string{"events"}, parameters
	op["summary"] = "Streams events and alerts live"
	responses := op["responses"].(object)
	for status, response := range (object{
		"200": object{
			"description": "An endless stream of Server-Sent Events. " +
				"The data of a message is the row as the list of events or alerts returns it. " +
				"The ID of a message is a position at which the stream can be resumed.",
			"content": object{"text/event-stream": object{"schema": object{"type": "string"}}},
		},
		"400": ref("responses", "Problem"), "406": ref("responses", "Problem"), "503": ref("responses", "Problem"),
	}) {
		responses[status] = response
	}
	samples := []object{{"lang": "Shell", "label": "curl", "source": "curl -N http://127.0.0.1:5000" + path}}
	for _, sql := range src.statementsOf(rt, b) {
		samples = append(samples, object{"lang": "SQL", "label": sql.label, "source": sql.text})
	}
	op["x-codeSamples"] = samples
	return op
}

// operationID returns the name of the query. Where one query serves several paths, the method and the path follow.
func operationID(name, method, path string) string {
	nested := strings.HasSuffix(path, "}/attachments") // one query on several versioned paths
	if strings.HasPrefix(path, "/api/v1/") && method != http.MethodPut && !nested {
		return name
	}
	clean := strings.NewReplacer("{", "", "}", "", "/", "_").Replace(path)
	return name + "_" + strings.ToLower(method) + clean
}

// tag returns the tag of a path. service is true for operations that read no rows.
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

// firstSentence returns the text up to the first full stop or colon.
func firstSentence(text string) string {
	sentence, _, _ := strings.Cut(text, ". ")
	sentence, _, _ = strings.Cut(sentence, ": ")
	return strings.TrimSuffix(sentence, ".")
}

// parameters returns the parameters of an operation in the path, the query string and the headers.
func (src *sources) parameters(rt route, b *binder, path string) []object {
	var all []object
	row := schemaType(rt.endpoint.out)
	for _, f := range b.pathFields {
		schema := jsonType(b.typ.Field(f.index).Type)
		doc := src.fieldDoc(row, f.name)
		if doc == "" {
			doc = src.fieldDoc(b.typ, f.name)
		}
		switch f.name {
		case "limit":
			schema, doc = object{"type": "integer", "minimum": 0}, "Maximum number of rows, up to 1000. 0 means 1000."
		case "offset":
			schema, doc = object{"type": "integer", "minimum": 0}, "Number of rows to skip."
		}
		all = append(all, object{"name": f.name, "in": "path", "required": true, "description": doc, "schema": schema})
	}
	for _, f := range b.queryFields {
		schema := jsonType(b.typ.Field(f.index).Type)
		if kinds, ok := schema["type"].([]string); ok {
			schema["type"] = kinds[0] // an omitted parameter means null
		}
		doc := strings.TrimSpace("Only rows with this value. " + src.fieldDoc(row, f.name))
		switch f.name {
		case "limit":
			size := defaultPageSize
			if !strings.HasPrefix(path, "/api/v1/") {
				size = maxPageSize
			}
			schema = object{"type": "integer", "minimum": 1, "default": size}
			doc = "Maximum number of rows, up to 1000. CSV and NDJSON responses have no maximum and no default."
			if maxRows := rt.endpoint.maxRows; maxRows > 0 {
				schema = object{"type": "integer", "minimum": 1, "maximum": maxRows, "default": defaultTopN}
				doc = "Maximum number of rows."
			}
		case "q":
			schema = object{"type": "string", "minLength": 1, "maxLength": 200}
			doc = "Text to search for."
		case "only":
			kinds := []string{"site", "freezer", "computer", "container", "event", "alert", "rule", "todo", "user"}
			schema = object{"type": "string", "enum": kinds}
			doc = "Only rows of this kind."
		case "offset":
			schema = object{"type": "integer", "minimum": 0, "default": 0}
			doc = "Number of rows to skip. A large offset is slow; `after` is not."
		case "due_before":
			doc = "Only todos that are due before this date."
		case "from":
			doc = "Only rows with this time or a later one, in seconds since 1970."
		case "to":
			doc = "Only rows with an earlier time, in seconds since 1970."
		case "code":
			doc = "Only rows whose alert_codes contain this code."
		case "simulate":
			schema = object{"type": "boolean", "default": false}
			doc = "Same as dry_run."
		case "cascade":
			schema = object{"type": "boolean", "default": false}
			doc = "If true, the server also deletes the rows that depend on this one."
		}
		parameter := object{"name": f.name, "in": "query", "description": doc, "schema": schema}
		if slices.Contains(b.requiredQuery, f.name) {
			parameter["required"], parameter["example"] = true, examples[f.name]
		}
		all = append(all, parameter)
	}
	if len(b.cursorFields) > 0 {
		all = append(all, object{
			"name":        "after",
			"in":          "query",
			"description": "Cursor of the last row received, from the Link header.",
			"schema":      object{"type": "string"},
		})
	}
	if rt.endpoint.descending != nil {
		all = append(all, ref("parameters", "order"))
	}
	if isEventRoute(rt) {
		all = append(all, ref("parameters", "Idempotency-Key"))
	}
	_, versioned := row.FieldByName("Version")
	switch {
	case rt.method == http.MethodGet && versioned && !rt.endpoint.list:
		all = append(all, ref("parameters", "If-None-Match"), ref("parameters", "If-Match"))
	case rt.method != http.MethodGet:
		all = append(all, ref("parameters", "dry_run"))
		if b.versionIndex >= 0 {
			all = append(all, ref("parameters", "If-Match"))
			if b.canCreate() {
				all = append(all, ref("parameters", "If-None-Match"))
			}
		}
	}
	return all
}

// body returns the request body of a write, or nil.
func (src *sources) body(rt route, b *binder, path string) object {
	if rt.method == http.MethodGet {
		return nil
	}
	if len(b.bodyNames) == 0 {
		return nil
	}
	single := src.bodySchema(b, schemaType(rt.endpoint.out))
	if name := ignoredField(rt.method, path); name != "" {
		single["properties"].(object)[name] = object{"description": "Ignored. The ID is in the path."}
	}
	content := object{"application/json": object{"schema": single, "example": exampleBody(rt, b)}}
	if rt.endpoint.form {
		single["properties"].(object)[fileField] = object{
			"type":             "string",
			"contentMediaType": "application/octet-stream",
			"description":      "The file with its name, up to 20 MiB.",
		}
		single["required"] = []string{fileField}
		return object{"required": true, "content": object{"multipart/form-data": object{"schema": single}}}
	}
	if bulk := rt.endpoint.bulk; bulk != nil {
		line := src.bodySchema(bulk.binder, schemaType(rt.endpoint.out))
		content["application/json"].(object)["schema"] = object{
			"oneOf": []object{single, {"type": "array", "items": line}},
		}
		content["application/x-ndjson"] = object{
			"schema": object{"type": "string", "description": "One JSON object per line."},
		}
		content["text/csv"] = object{
			"schema": object{
				"type":        "string",
				"description": "A header line with the column names, then one row per line. An empty cell means null.",
			},
		}
	}
	return object{"required": rt.method != http.MethodDelete, "content": content}
}

// bodySchema returns the schema of a JSON object with the body fields of a binder.
func (src *sources) bodySchema(b *binder, row reflect.Type) object {
	properties := object{}
	for _, f := range b.bodyFields {
		schema := jsonType(b.typ.Field(f.index).Type)
		if f.name == "rules" {
			schema = object{"type": "array", "items": src.bodySchema(ruleBinder, reflect.TypeFor[RuleOverride]())}
		}
		if f.name != "type" { // the type of an event is case-insensitive
			src.enums.restrict(schema, row, f.name)
		}
		schema["description"] = src.fieldDoc(row, f.name)
		if doc := src.fieldDoc(b.typ, f.name); doc != "" {
			schema["description"] = doc
		}
		if f.name == "version" {
			schema["description"] = "Version that the client knows. " +
				"If the row has another version, the server returns 412 and changes nothing."
		}
		if acceptsNumber[f.name] {
			kinds := []string{"string", "number"}
			if _, nullable := schema["type"].([]string); nullable {
				kinds = append(kinds, "null")
			}
			schema["type"] = kinds
		}
		if b.pathFields != nil && slices.Contains(b.pathFields, f) {
			doc := schema["description"].(string) + " Optional here; if present, it must equal the value in the path."
			schema["description"] = strings.TrimSpace(doc)
		}
		properties[f.name] = schema
	}
	schema := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(b.requiredBody) > 0 {
		schema["required"] = b.requiredBody
	}
	return schema
}

// isEventRoute reports whether a route records events.
func isEventRoute(rt route) bool { return rt.endpoint.in == reflect.TypeFor[NewEvent]() }
