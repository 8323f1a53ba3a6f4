package main

import (
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"labledger/api/rest"
	"labledger/internal/media"
)

// An operation is an endpoint with its description.
type operation struct {
	*rest.Endpoint
	rest.Description
	src *sources
	row reflect.Type // the type that documents the response; nil for an ordinary handler

	listRow reflect.Type // the rows that the filters of the operation choose; nil without filters
}

func newOperation(src *sources, e *rest.Endpoint) *operation {
	o := &operation{Endpoint: e, Description: e.Operation.Describe(), src: src}
	if o.Out != nil {
		o.row = schemaType(o.Out)
	}
	if list := e.List(); list != nil {
		o.listRow = schemaType(list.Row())
	}
	return o
}

// tables returns the tables of the rows that the operation returns.
func (o *operation) tables() []string {
	for _, name := range o.QueryNames() {
		if tables := o.src.query(name).Tables; tables != nil {
			return tables
		}
	}
	return nil
}

// fieldDoc returns the comment of a field of the response or of the parameters.
func (o *operation) fieldDoc(t reflect.Type, name string) string {
	return o.src.fieldDoc(t, name, o.tables())
}

// queryName returns the name of the query or function that the operation runs.
func (o *operation) queryName() string {
	if o.Kind == rest.KindMatching {
		return o.QueryNames()[0]
	}
	return o.Name
}

// isEvent reports whether the operation records events.
func (o *operation) isEvent() bool { return o.Name == "RecordEvent" }

// isValue reports whether the operation returns neither rows nor the result of a write.
func (o *operation) isValue() bool { return o.Kind == rest.KindFunc && o.Method == http.MethodGet }

// object returns the operation as a part of the document.
func (o *operation) object() object {
	name, doc := "ShowMetrics", "Returns the metrics of the server in the Prometheus text format."
	if o.Name != "" {
		name = o.Name
		doc = o.src.doc(o.queryName())
	}
	summary := firstSentence(doc)
	if o.Kind == rest.KindMatching {
		summary += ", for all matching rows"
		doc += " The server does so for all rows that match the filters. " +
			"If more than max rows match, or if one row fails, nothing changes."
	}
	doc += o.filterNote()
	op := object{
		"operationId": operationID(name, o.Method, o.Path),
		"summary":     summary,
		"description": doc,
		"tags":        []string{tag(o.Path, o.Kind == rest.KindRaw || o.isValue())},
		"responses":   object{},
	}
	responses := op["responses"].(object)
	op["security"] = []object{{"token": []string{}}, {"cookie": []string{}}}
	switch {
	case name == "ShowSession": // authentication is optional
		op["security"] = append(op["security"].([]object), object{})
	case o.Role == rest.Public:
		op["security"] = []object{}
	case o.Role == rest.SessionOnly:
		op["description"] = doc + " Requires a session of any role; API tokens are rejected."
	default:
		op["description"] = doc + " Requires the role " + o.Role.String() + "."
	}
	if o.Role != rest.Public {
		responses["401"], responses["403"] = ref("responses", "Problem"), ref("responses", "Problem")
	}
	if o.Kind == rest.KindRaw {
		return o.completeRaw(op)
	}
	if parameters := o.parameters(); len(parameters) > 0 {
		op["parameters"] = parameters
	}
	if body := o.body(); body != nil {
		op["requestBody"] = body
	}
	o.addResponses(responses)
	o.addExamples(responses)
	op["x-codeSamples"] = o.samples(o.curl())
	return op
}

// samples returns the samples of an operation: a curl command and its SQL.
func (o *operation) samples(curl string) []object {
	all := []object{{"lang": "Shell", "label": "curl", "source": curl}}
	for _, sql := range o.statements() {
		all = append(all, object{"lang": "SQL", "label": sql.label, "source": sql.text})
	}
	return all
}

// completeRaw completes the operation of an ordinary handler.
func (o *operation) completeRaw(op object) object {
	switch {
	case o.Name == "ListStream":
		return o.completeStream(op)
	case strings.HasPrefix(o.Path, media.Prefix):
		return completeMedia(op)
	}
	op["x-codeSamples"] = o.samples("curl http://127.0.0.1:5000" + o.Path)
	responses := op["responses"].(object)
	responses["200"] = object{
		"description": "The metrics.",
		"content":     object{"text/plain": object{"schema": object{"type": "string"}}},
	}
	responses["400"] = ref("responses", "Problem")
	return op
}

// completeMedia completes the operation that returns uploaded files.
func completeMedia(op object) object {
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

// completeStream completes the operation of the live stream.
func (o *operation) completeStream(op object) object {
	parameters := []object{{
		"name": "Last-Event-ID",
		"in":   "header",
		"description": "ID of the last message that the client received. The stream continues after it. " +
			"EventSource sends this header when it reconnects.",
		"schema": object{"type": "string"},
	}}
	for _, name := range o.Plan.QueryNames() {
		schema := jsonType(o.paramType(name))
		schema["type"] = schema["type"].([]string)[0]
		doc := o.fieldDoc(o.Plan.Type(), name)
		parameters = append(parameters, object{"name": name, "in": "query", "description": doc, "schema": schema})
	}
	op["tags"], op["parameters"] = []string{"events"}, parameters
	op["summary"] = "Streams events and alerts live"
	responses := op["responses"].(object)
	responses["200"] = object{
		"description": "An endless stream of Server-Sent Events. " +
			"The data of a message is the row as the list of events or alerts returns it. " +
			"The ID of a message is a position at which the stream can be resumed.",
		"content": object{"text/event-stream": object{"schema": object{"type": "string"}}},
	}
	addProblems(responses, append(o.Problems, 400, 406, 503)...)
	op["x-codeSamples"] = o.samples("curl -N http://127.0.0.1:5000" + o.Path)
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

// custodyRE matches the paths of what becomes of a container.
var custodyRE = regexp.MustCompile(`^/api/v1/containers/\{uuid\}/(return|lost|found|discard)$`)

// tag returns the tag of a path. service is true for operations that read no rows.
func tag(path string, service bool) string {
	parts := strings.Split(path, "/")
	switch {
	case parts[1] == "auth", parts[1] == "account", path == "/api/v1/tokens", path == "/api/v1/tokens/{id}":
		return "accounts"
	case path == "/api/v1/label-templates":
		return "labels"
	case service:
		return "service"
	case strings.HasPrefix(path, "/api/v1/directory"):
		return "users"
	case path == "/api/v1/moves", path == "/api/v1/occupancy":
		return "containers"
	case custodyRE.MatchString(path):
		return "checkouts"
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
func (o *operation) parameters() []object {
	var all []object
	if o.Kind == rest.KindMatching {
		return o.matchingParameters()
	}
	for _, name := range o.Plan.PathNames() {
		all = append(all, o.pathParameter(name))
	}
	for _, name := range o.Plan.QueryNames() {
		all = append(all, o.queryParameter(name))
	}
	switch list := o.List(); {
	case o.Kind == rest.KindRender:
		all = append(all, ref("parameters", "q"), ref("parameters", schemaName(o.listRow)+".sort"))
	case list != nil:
		all = append(append(all, o.listPathParameters(list)...), o.listParameters(list)...)
	}
	return append(all, o.sharedParameters()...)
}

func (o *operation) pathParameter(name string) object {
	schema := jsonType(o.paramType(name))
	doc := o.fieldDoc(o.row, name)
	if doc == "" {
		doc = o.fieldDoc(o.Plan.Type(), name)
	}
	return object{"name": name, "in": "path", "required": true, "description": doc, "schema": schema}
}

func (o *operation) queryParameter(name string) object {
	schema := jsonType(o.paramType(name))
	if kinds, ok := schema["type"].([]string); ok {
		schema["type"] = kinds[0] // an omitted parameter means null
	}
	doc := columnDocs[o.Plan.Type().Name()][name]
	if doc == "" {
		doc = strings.TrimSpace("Only rows with this value. " + o.fieldDoc(o.row, name))
	}
	if o.Kind == rest.KindRender {
		return object{
			"name": name, "in": "query", "description": o.fieldDoc(o.Plan.Type(), name), "schema": schema,
		}
	}
	switch name {
	case "limit":
		schema = object{"type": "integer", "minimum": 1, "maximum": o.MaxRows, "default": rest.DefaultFoundRows}
		doc = o.fieldDoc(o.Plan.Type(), name)
	case "q":
		schema = object{"type": "string", "minLength": 1, "maxLength": 200}
		doc = o.fieldDoc(o.Plan.Type(), name)
	case "noun":
		schema = object{"type": "string", "enum": slices.Sorted(maps.Keys(o.Searched()))}
		doc = o.fieldDoc(o.Plan.Type(), name)
	case "simulate":
		schema = object{"type": "boolean", "default": false}
		doc = "Same as dry_run."
	case "cascade":
		schema = object{"type": "boolean", "default": false}
		doc = "If true, the server also deletes the rows that depend on this one."
	}
	parameter := object{"name": name, "in": "query", "description": doc, "schema": schema}
	if slices.Contains(o.Plan.RequiredQuery(), name) {
		parameter["required"], parameter["example"] = true, examples[name]
	}
	return parameter
}

// sharedParameters returns references to the parameters that several operations have.
func (o *operation) sharedParameters() (all []object) {
	if o.AcceptsKey() {
		all = append(all, ref("parameters", rest.KeyHeader))
	}
	if o.AcceptsMessage() {
		all = append(all, ref("parameters", rest.MessageHeader))
	}
	if o.AcceptsAsOf() {
		all = append(all, ref("parameters", "as_of"))
	}
	_, versioned := o.row.FieldByName("Version")
	switch {
	case o.Method == http.MethodGet && versioned && o.Kind != rest.KindList:
		if o.AcceptsIfNoneMatch() {
			all = append(all, ref("parameters", "If-None-Match"))
		}
		all = append(all, ref("parameters", "If-Match"))
	case o.Method != http.MethodGet:
		all = append(all, ref("parameters", "dry_run"))
		if o.Rows != nil {
			all = append(all, ref("parameters", "columns"))
		}
		if o.Plan.HasVersion() {
			all = append(all, ref("parameters", "If-Match"))
			if o.Plan.CanCreate() {
				all = append(all, ref("parameters", "If-None-Match"))
			}
		}
	}
	return all
}

// paramType returns the type of a parameter.
func (o *operation) paramType(name string) reflect.Type { return fieldType(o.Plan.Type(), name) }

// fieldType returns the type of the field of a struct with a JSON name. It panics if there is none.
func fieldType(t reflect.Type, name string) reflect.Type {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("json") == name {
			return t.Field(i).Type
		}
	}
	panic(t.Name() + " has no field " + name)
}
