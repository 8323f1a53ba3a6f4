package main

import (
	"maps"
	"net/http"
	"strconv"

	"labledger/api/rest"
)

// addResponses adds every status that an operation can return.
func (o *operation) addResponses(all object) {
	headers := object{"X-Request-Id": ref("headers", "X-Request-Id")}
	if o.SetsCookie {
		headers["Set-Cookie"] = ref("headers", "Set-Cookie")
	}
	schema := ref("schemas", schemaName(o.row))
	content := object{"application/json": object{"schema": schema}}
	success := object{"description": "The row.", "headers": headers, "content": content}
	_, versioned := o.row.FieldByName("Version")
	if versioned && o.Kind != rest.KindList && o.Method != http.MethodDelete {
		headers["ETag"] = ref("headers", "ETag")
	}
	switch {
	case o.isEvent():
		o.addEventResponses(all, schema)
		o.addReplayed(all)
		return
	case o.Kind == rest.KindList && o.MaxRows > 0:
		success["description"] = "The groups, the one with the best match first."
		success["content"] = object{"application/json": object{"schema": object{"type": "array", "items": schema}}}
		addProblems(all, 400, 406, 503)
	case o.Kind == rest.KindList:
		success["description"] = "One page of rows. To get all rows, accept text/csv or application/x-ndjson."
		for _, name := range []string{"Link", "X-Total-Count", "X-Total-Count-Kind"} {
			headers[name] = ref("headers", name)
		}
		success["content"] = object{
			"application/json":     object{"schema": object{"type": "array", "items": schema}},
			"application/x-ndjson": object{"schema": object{"type": "string"}},
			"text/csv": object{"schema": object{
				"type":        "string",
				"description": "Text that begins with = + - or @ has an apostrophe in front.",
			}},
		}
		addProblems(all, 400, 406, 503)
	case o.Kind == rest.KindRender:
		success["description"] = "The file, with one page or label for each row."
		success["content"] = object{}
		for _, mediaType := range o.MediaTypes {
			success["content"].(object)[mediaType] = object{"schema": object{"type": "string", "format": "binary"}}
		}
		addProblems(all, 400, 404, 409, 503)
	case o.Kind == rest.KindMatching:
		success["description"] = "The number of rows. All of them were changed or deleted."
		addProblems(all, 400, 406, 409, 413, 415, 503)
	case o.Kind == rest.KindFunc:
		success["description"] = "The result."
		o.addFuncResponses(all, content)
	case o.Method == http.MethodGet:
		if o.AcceptsIfNoneMatch() {
			all["304"] = object{"description": "The client's copy is current."}
		}
		addProblems(all, 400, 404, 406, 412, 503)
	default:
		addProblems(all, 400, 406, 409, 412, 413, 415, 503)
		if !o.Plan.CanCreate() && len(o.Plan.PathNames()) > 0 {
			addProblems(all, 404)
		}
	}
	o.addSuccess(all, success, content)
	o.addReplayed(all)
}

// addExamples adds the responses of stories as examples.
func (o *operation) addExamples(all object) {
	for status, example := range o.src.examples[o.Method+" "+o.Path] {
		response, documented := all[status].(object)
		if !documented {
			continue
		}
		content := maps.Clone(response["content"].(object)) // several statuses may share it
		content["application/json"] = object{
			"schema":  content["application/json"].(object)["schema"],
			"example": example,
		}
		response["content"] = content
	}
}

// addReplayed adds what an idempotency key may cause to the responses of a write that accepts one.
func (o *operation) addReplayed(all object) {
	if !o.AcceptsKey() {
		return
	}
	addProblems(all, 409, 422)
	for _, status := range []string{"200", "201"} {
		if response, ok := all[status].(object); ok {
			response["headers"].(object)["Idempotency-Replayed"] = ref("headers", "Idempotency-Replayed")
		}
	}
}

// addSuccess adds the responses with status 200 and 201. content is the content of a response with one row.
func (o *operation) addSuccess(all, success, content object) {
	created := object{"description": "The new row.", "headers": object{
		"X-Request-Id": ref("headers", "X-Request-Id"),
		"ETag":         ref("headers", "ETag"),
		"Location":     ref("headers", "Location"),
	}, "content": content}
	switch {
	case o.Status == http.StatusCreated:
		if o.Name == "Register" { // no route returns another user's account
			delete(created["headers"].(object), "Location")
		}
		all["201"] = created
	case o.Kind == rest.KindCreate && o.BulkRow == nil:
		all["201"] = created
	case o.Kind == rest.KindCreate:
		all["201"] = created
		all["200"] = object{
			"description": "All rows were imported.",
			"headers":     success["headers"],
			"content":     object{"application/json": object{"schema": ref("schemas", "Stored")}},
		}
		addProblems(all, 408, 429)
	case o.Plan.CanCreate() && !o.ShortRoute:
		all["201"] = created
		all["200"] = success
	default:
		all["200"] = success
	}
}

func addProblems(all object, statuses ...int) {
	for _, status := range statuses {
		all[strconv.Itoa(status)] = ref("responses", "Problem")
	}
}

// addFuncResponses adds the problems of a function.
func (o *operation) addFuncResponses(all, content object) {
	addProblems(all, append(o.Problems, 400, 406)...)
	switch {
	case o.Redirects:
		all["303"] = object{"description": "Redirects clients that prefer text/html to the web app."}
	case o.Name == "ShowReadiness":
		all["503"] = object{
			"description": "The server is not ready. The body contains the failed checks.",
			"content":     content,
		}
	case o.Method != http.MethodGet:
		addProblems(all, 408, 413, 415, 503)
	case o.Queries != nil:
		addProblems(all, 503)
	}
}

// addEventResponses adds the responses of the operation that records events.
func (o *operation) addEventResponses(all, schema object) {
	addProblems(all, 400, 406, 408, 409, 413, 415, 422, 429, 503)
	headers := object{"X-Request-Id": ref("headers", "X-Request-Id")}
	oneOrMany := object{"oneOf": []object{schema, {"type": "array", "items": schema}}}
	all["200"] = object{
		"description": "The recorded events, in the order of the request.",
		"headers":     headers,
		"content": object{
			"application/json":     object{"schema": oneOrMany},
			"application/x-ndjson": object{"schema": object{"type": "string"}},
		},
	}
	if !o.ShortRoute {
		all["201"] = object{
			"description": "The recorded event.",
			"headers": object{
				"X-Request-Id": ref("headers", "X-Request-Id"),
				"Location":     ref("headers", "Location"),
			},
			"content": object{"application/json": object{"schema": schema}},
		}
	}
}
