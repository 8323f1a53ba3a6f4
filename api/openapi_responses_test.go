package api

import (
	"net/http"
	"reflect"
	"strconv"

	"labledger/db"
)

// responses adds every status that an operation can return.
func (src *sources) responses(all object, rt route, b *binder, path string, shortRoute bool) {
	row := schemaType(rt.endpoint.out)
	headers := object{"X-Request-Id": ref("headers", "X-Request-Id")}
	if in := rt.endpoint.in; rt.endpoint.endsSession != nil || in == reflect.TypeFor[LoginRequest]() ||
		in == reflect.TypeFor[RefreshRequest]() ||
		in == reflect.TypeFor[UpdateAccountRequest]() {
		headers["Set-Cookie"] = ref("headers", "Set-Cookie")
	}
	schema := ref("schemas", row.Name())
	content := object{"application/json": object{"schema": schema}}
	success := object{"description": "The row.", "headers": headers, "content": content}
	problems := []int{400, 503}
	_, versioned := row.FieldByName("Version")
	if versioned && !rt.endpoint.list && rt.method != http.MethodDelete {
		headers["ETag"] = ref("headers", "ETag")
	}
	switch {
	case rt.endpoint.call != nil:
		success["description"] = "The result."
		problems = []int{400, 406}
		if rt.endpoint.redirectBrowsers != "" {
			all["303"] = object{"description": "Redirects clients that prefer text/html to the web app."}
		}
		if path == "/readyz" {
			all["503"] = object{
				"description": "The server is not ready. The body contains the failed checks.",
				"content":     content,
			}
		}
	case rt.endpoint.maxRows > 0:
		success["description"] = "The rows, best match first."
		success["content"] = object{"application/json": object{"schema": object{"type": "array", "items": schema}}}
		problems = append(problems, 406)
	case rt.endpoint.list:
		success["description"] = "One page of rows. To get all rows, accept text/csv or application/x-ndjson."
		headers["Link"] = ref("headers", "Link")
		success["content"] = object{
			"application/json":     object{"schema": object{"type": "array", "items": schema}},
			"application/x-ndjson": object{"schema": object{"type": "string"}},
			"text/csv":             object{"schema": object{"type": "string"}},
		}
		problems = append(problems, 406)
	case rt.method == http.MethodGet && rt.endpoint.handle != nil:
		success["description"] = "The result."
		problems = append(problems, 406)
	case rt.method == http.MethodGet:
		all["304"] = object{"description": "The client's copy is current."}
		problems = append(problems, 404, 406, 412)
	case rt.endpoint.handle != nil && !isEventRoute(rt):
		success["description"] = "The result."
		problems = append(problems, 406, 408, 413, 415)
		switch rt.endpoint.in {
		case reflect.TypeFor[RegisterRequest]():
			problems = append(problems, 403, 409, 429)
		case reflect.TypeFor[UpdateAccountRequest]():
			problems = append(problems, 404, 412, 429)
		case reflect.TypeFor[LoginRequest]():
			problems = append(problems, 401, 403, 429)
		case reflect.TypeFor[RefreshRequest]():
			problems = append(problems, 401, 403)
		case reflect.TypeFor[db.DeleteAttachmentParams]():
			problems = append(problems, 404, 412)
		}
	default:
		problems = append(problems, 406, 409, 412, 413, 415)
		if rt.method == http.MethodPatch || rt.method == http.MethodDelete ||
			rt.method == http.MethodPut && !b.canCreate() {
			problems = append(problems, 404)
		}
	}
	for _, status := range problems {
		all[strconv.Itoa(status)] = ref("responses", "Problem")
	}
	if isEventRoute(rt) {
		status := "201"
		if shortRoute {
			status = "200"
		}
		oneOrMany := object{"oneOf": []object{schema, {"type": "array", "items": schema}}}
		recorded := object{
			"description": "The recorded event.",
			"headers":     object{"X-Request-Id": ref("headers", "X-Request-Id")},
			"content": object{
				"application/json": object{"schema": schema},
			},
		}
		all["200"] = object{
			"description": "The recorded events, in the order of the request.",
			"headers":     recorded["headers"],
			"content": object{
				"application/json":     object{"schema": oneOrMany},
				"application/x-ndjson": object{"schema": object{"type": "string"}},
			},
		}
		if !shortRoute {
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
		"X-Request-Id": ref("headers", "X-Request-Id"),
		"ETag":         ref("headers", "ETag"),
		"Location":     ref("headers", "Location"),
	}, "content": content}
	switch {
	case rt.endpoint.form:
		all["201"] = created
	case rt.endpoint.in == reflect.TypeFor[RegisterRequest](), rt.endpoint.in == reflect.TypeFor[CreateTokenRequest]():
		if rt.endpoint.in == reflect.TypeFor[RegisterRequest]() {
			delete(created["headers"].(object), "Location")
		}
		all["201"] = created
	case rt.endpoint.bulk != nil:
		all["201"] = created
		all["200"] = object{
			"description": "All rows were imported.",
			"headers":     headers,
			"content":     object{"application/json": object{"schema": ref("schemas", "Stored")}},
		}
		all["408"] = ref("responses", "Problem")
	case b.canCreate() && !shortRoute && rt.method != http.MethodGet:
		all["201"] = created
		all["200"] = success
	default:
		all["200"] = success
	}
}
