package api_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"labledger/api"
)

// This file validates every response of the stories, and every request that succeeded, against the OpenAPI document.

// openAPIRouter finds the operation of a request.
var openAPIRouter = sync.OnceValue(func() routers.Router {
	embedded, err := os.ReadFile("openapi.json")
	if err != nil {
		panic(err)
	}
	document, err := openapi3.NewLoader().LoadFromData(embedded)
	if err != nil {
		panic(err)
	}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		panic(err)
	}
	text := func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		all, err := io.ReadAll(body)
		return string(all), err
	}
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", text)
	openapi3filter.RegisterBodyDecoder("text/csv", text)
	return router
})

// contractViolation reports how a request or its response violates openapi.json, or "".
func contractViolation(r storyRequest, resp *storyResponse) string {
	req, err := r.documented()
	if err != nil {
		return "" // the target is not a URL
	}
	if r.method == api.MethodUpdate && resp.StatusCode == http.StatusMethodNotAllowed {
		return ""
	}
	accepted := resp.StatusCode < http.StatusBadRequest
	route, variables, err := openAPIRouter().FindRoute(req)
	switch {
	case err != nil && accepted && req.Method != http.MethodOptions && !isWebPage(req.URL.Path):
		return fmt.Sprintf("%s %s is not in openapi.json: %v", r.method, r.target, err)
	case err != nil, resp.Header.Get("X-Request-Id") == "": // the response is not from the API
		return ""
	}
	for name, value := range variables {
		if decoded, err := url.PathUnescape(value); err == nil {
			variables[name] = decoded
		}
	}
	input := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: variables, Route: route,
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true,
			MultiError:            true,
			AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
			// The parts of a form have any media type.
			ExcludeRequestBody: strings.HasPrefix(req.Header.Get("Content-Type"), "multipart/"),
		},
	}
	emptyImport := r.body == "" && req.Method == http.MethodPost // an import may have no rows
	if accepted && r.method != http.MethodHead && !emptyImport {
		if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
			return fmt.Sprintf("openapi.json does not allow this request: %v", err)
		}
	}
	if r.method == http.MethodHead {
		return ""
	}
	if accepted && isSelection(req) {
		return selectionViolation(route, resp)
	}
	output := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 resp.StatusCode,
		Header:                 resp.Header,
		Options:                input.Options,
	}
	output.SetBodyBytes([]byte(resp.body))
	if err := openapi3filter.ValidateResponse(context.Background(), output); err != nil {
		return fmt.Sprintf("openapi.json does not allow this response: %v", err)
	}
	return ""
}

// isSelection reports whether a request chooses the columns of a list.
func isSelection(req *http.Request) bool {
	query := req.URL.Query()
	return query.Has("fields") || query.Has("include")
}

// selectionViolation reports how the rows of a list with chosen columns violate their schema, or "".
func selectionViolation(route *routers.Route, resp *storyResponse) string {
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		return ""
	}
	success := route.Operation.Responses.Status(http.StatusOK).Value.Content.Get("application/json")
	name := strings.TrimPrefix(success.Schema.Value.Items.Ref, "#/components/schemas/") + "Selection"
	var rows []any
	if err := json.Unmarshal([]byte(resp.body), &rows); err != nil {
		return err.Error()
	}
	for _, row := range rows {
		if err := route.Spec.Components.Schemas[name].Value.VisitJSON(row); err != nil {
			return fmt.Sprintf("openapi.json does not allow this row: %v", err)
		}
	}
	return ""
}

// documented returns the request as OpenAPI can express it.
func (r storyRequest) documented() (*http.Request, error) {
	body := io.Reader(strings.NewReader(strings.TrimPrefix(r.body, "\ufeff"))) // an import may have a byte order mark
	isZipped := func(header string) bool { return strings.HasSuffix(strings.ToLower(header), "gzip") }
	if slices.ContainsFunc(r.headers, isZipped) {
		if decoded, err := gzip.NewReader(body); err == nil {
			body = decoded
		}
	}
	req, err := http.NewRequest(r.method, r.target, body)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(req.URL.Path, "/api/v1/") {
		req.URL.Path = strings.TrimSuffix(req.URL.Path, "/") // the document has no slash at the end of a list
	}
	for _, line := range r.headers {
		if name, value, ok := strings.Cut(line, ":"); ok {
			req.Header.Add(name, strings.TrimSpace(value))
		}
	}
	if r.body != "" && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json") // the default of the server
	}
	switch r.method {
	case http.MethodHead:
		req.Method = http.MethodGet
	case api.MethodUpdate:
		req.Method = http.MethodPut
	}
	return req, nil
}

// TestContractViolation checks that violations are detected.
func TestContractViolation(t *testing.T) {
	t.Parallel()
	request := storyRequest{method: "GET", target: "/site/1"}
	head := func(status int) *http.Response {
		return &http.Response{
			StatusCode: status,
			Header:     http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"x"}},
		}
	}
	const row = `{"id":1,"name":"a","contact":null,"address":null,"state_or_region":null,"country":null,` +
		`"postcode_or_zip":null,"version":1`
	unknownPath := storyRequest{method: "GET", target: "/nothing"}
	invalidParameter := storyRequest{method: "DELETE", target: "/site/1?cascade=maybe"}
	stringID := strings.Replace(row, ":1", `:"1"`, 1) + "}"
	for _, c := range []struct {
		name      string
		request   storyRequest
		response  *storyResponse
		violation bool
	}{
		{"a row", request, &storyResponse{head(200), row + "}"}, false},
		{"an extra column", request, &storyResponse{head(200), row + `,"extra":1}`}, true},
		{"a string instead of an integer", request, &storyResponse{head(200), stringID}, true},
		{"a missing column", request, &storyResponse{head(200), `{"id":1}`}, true},
		{"an undocumented status", request, &storyResponse{head(201), row + "}"}, true},
		{"an undocumented path", unknownPath, &storyResponse{head(200), "{}"}, true},
		{"an invalid parameter", invalidParameter, &storyResponse{head(200), row + "}"}, true},
	} {
		if reason := contractViolation(c.request, c.response); (reason != "") != c.violation {
			t.Errorf("%s: got %q, want a violation: %t", c.name, reason, c.violation)
		}
	}
}

// isWebPage reports whether a path serves a file for browsers, which the OpenAPI document does not describe.
func isWebPage(path string) bool {
	return slices.ContainsFunc([]string{"/docs", "/problems", "/app", "/static/", "/api/v1/openapi.json"}, func(prefix string) bool {
		return strings.HasPrefix(path, prefix)
	})
}
