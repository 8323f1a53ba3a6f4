package api_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"labledger/api/problem"
)

// This file sends the requests of the stories and checks the responses.

// A storyRequest is sent byte for byte, valid or not.
type storyRequest struct {
	method, target string
	headers        []string
	body           string
}

func (r storyRequest) String() string {
	body := r.body[:min(len(r.body), 400)]
	return "> " + clipText(r.method+" "+r.target) + "\n> " + strings.Join(r.headers, "\n> ") + "\n> " + clipText(body)
}

// send sends the request on a new connection and reads the response.
func (r storyRequest) send(base string) (*storyResponse, error) {
	host, basePath := splitBase(base)
	if strings.HasPrefix(r.target, "/") {
		r.target = basePath + r.target
	}
	r.headers = slices.Clone(r.headers)
	for i, h := range r.headers {
		if strings.HasPrefix(h, "Cookie: ") {
			r.headers[i] = sessionCookieRE.ReplaceAllString(h, "${1}"+strings.ReplaceAll(basePath, "/", "-")+"=")
		}
	}
	conn, err := net.DialTimeout("tcp", host, 10*time.Second)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	headers := append([]string{"Host: " + host, "Connection: close"}, r.headers...)
	hasLength := slices.ContainsFunc(r.headers, func(h string) bool {
		return strings.HasPrefix(h, "Content-Length:") || strings.HasPrefix(h, "Transfer-Encoding:")
	})
	if !hasLength && (r.body != "" || slices.Contains([]string{"POST", "PUT", "PATCH"}, r.method)) {
		headers = append(headers, fmt.Sprintf("Content-Length: %d", len(r.body)))
	}
	// The response may arrive before the request is sent completely. Closing the connection ends the write.
	head := r.method + " " + r.target + " HTTP/1.1\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n"
	go func() { _, _ = io.WriteString(conn, head+r.body) }()
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.method})
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	return &storyResponse{response, string(body)}, err
}

// sessionCookieRE matches the name of a session cookie.
var sessionCookieRE = regexp.MustCompile(`(labledger_(?:access|refresh))=`)

// splitBase splits the URL of a server into the host and the base path.
func splitBase(base string) (host, basePath string) {
	host = strings.TrimPrefix(base, "http://")
	if slash := strings.IndexByte(host, '/'); slash >= 0 {
		return host[:slash], host[slash:]
	}
	return host, ""
}

// urlMemberRE matches the members of a body that are paths of the server.
var urlMemberRE = regexp.MustCompile(`"(instance|type|url)":"(/[^"]*)`)

// removeBasePath removes the base path from all URLs of the server in the response, and from the names of cookies. It
// returns the URLs that do not have the base path. The history contains rows as they are stored, without it.
func (resp *storyResponse) removeBasePath(r storyRequest, base string) (missing []string) {
	if base == "" {
		return nil
	}
	remove := func(text, before string) string {
		trimmed, ok := strings.CutPrefix(text, before+base)
		if !ok {
			missing = append(missing, text)
			return text
		}
		return before + trimmed
	}
	for _, h := range []struct{ name, before string }{{"Location", ""}, {"Link", "<"}} {
		if value := resp.Header.Get(h.name); value != "" {
			resp.Header.Set(h.name, remove(value, h.before))
		}
	}
	cookies := resp.Header.Values("Set-Cookie")
	for i, cookie := range cookies {
		name, rest, _ := strings.Cut(cookie, strings.ReplaceAll(base, "/", "-")+"=")
		value, attributes, _ := strings.Cut(rest, "; Path=")
		path := remove(attributes, "")
		if strings.HasPrefix(path, ";") {
			path = "/" + path
		}
		cookies[i] = name + "=" + value + "; Path=" + path
	}
	if strings.Contains(r.target, "history") || strings.Contains(r.target, "changes") {
		return missing
	}
	resp.body = urlMemberRE.ReplaceAllStringFunc(resp.body, func(m string) string {
		name, path, _ := strings.Cut(m, `:"`)
		return name + `:"` + remove(path, "")
	})
	for _, path := range []string{"/docs/", "/media/", "/problems/", "/static/"} { // in CSV files and in pages
		resp.body = strings.ReplaceAll(resp.body, base+path, path)
	}
	return missing
}

type storyResponse struct {
	*http.Response
	body string
}

func (resp *storyResponse) String() string {
	if resp == nil {
		return "< no response"
	}
	var header strings.Builder
	_ = resp.Header.Write(&header)
	headers := strings.ReplaceAll(strings.TrimSpace(header.String()), "\r\n", "\n< ")
	return "< " + resp.Status + "\n< " + headers + "\n< " + clipText(resp.body)
}

// jsonAt returns the part of a JSON body at a path such as errors.0.field.
func (resp *storyResponse) jsonAt(path string) (any, error) {
	value, err := decodeJSON(resp.body)
	if err != nil || path == "" {
		return value, err
	}
	for name := range strings.SplitSeq(path, ".") {
		object, _ := value.(map[string]any)
		member, isMember := object[name]
		array, isArray := value.([]any)
		index, err := strconv.Atoi(name)
		if index < 0 {
			index += len(array)
		}
		switch {
		case isArray && name == "length":
			value = json.Number(strconv.Itoa(len(array)))
		case isArray && err == nil && 0 <= index && index < len(array):
			value = array[index]
		case isMember:
			value = member
		default:
			return nil, fmt.Errorf("%s does not exist", path)
		}
	}
	return value, nil
}

// internalDetailRE matches details of the implementation, which problems must not contain.
var internalDetailRE = regexp.MustCompile(
	`(?i)sqlstate|pgx|pgconn|goroutine|postgres://|\.go:\d|insert into|select .* from`)

var requestIDRE = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// maxDetail is the maximum length of a problem's detail in bytes. The complete list of errors is in the member errors.
const maxDetail = 10_000

// violations returns the rules that the response violates. They hold for every response of the API.
func (resp *storyResponse) violations(r storyRequest) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	kind, id := resp.Header.Get("Content-Type"), resp.Header.Get("X-Request-Id")
	if reason := contractViolation(r, resp); reason != "" {
		add("%s", reason)
	}
	if resp.StatusCode >= http.StatusInternalServerError {
		add("status is %d; no request may cause it", resp.StatusCode)
	}
	if !requestIDRE.MatchString(id) {
		add("X-Request-Id is missing or malformed: %q", id)
	}
	if resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		add("X-Content-Type-Options is not nosniff")
	}
	for _, name := range []string{
		"Cache-Control", "Content-Security-Policy", "Cross-Origin-Resource-Policy", "Referrer-Policy",
	} {
		if len(resp.Header.Values(name)) != 1 {
			add("header %s has the values %q, want one value", name, resp.Header.Values(name))
		}
	}
	if kind != "application/pdf" && !utf8.ValidString(resp.body) {
		add("the body is not UTF-8")
	}
	if resp.StatusCode == http.StatusMethodNotAllowed && resp.Header.Get("Allow") == "" {
		add("status 405 without the header Allow")
	}
	if resp.StatusCode < http.StatusBadRequest {
		if kind == "application/json" && r.method != "HEAD" {
			if _, err := decodeJSON(resp.body); err != nil {
				add("the body %v", err)
			}
		}
		return all
	}
	if kind != "application/problem+json" {
		add("an error response must be a problem")
	}
	if r.method == "HEAD" {
		return all
	}
	var p problem.Problem
	if err := json.Unmarshal([]byte(resp.body), &p); err != nil {
		add("the problem is not JSON: %v", err)
	}
	if p.Status != resp.StatusCode || p.RequestID != id || p.Title == "" || p.Detail == "" || p.Instance == "" {
		add("the problem is incomplete or contradicts the status or the headers")
	}
	if reason := typeViolation(&p); reason != "" {
		add("%s", reason)
	}
	if len(p.Detail) > maxDetail {
		add("the detail has %d bytes", len(p.Detail))
	}
	body := strings.ReplaceAll(resp.body[:min(len(resp.body), 100_000)], p.Instance, "")
	if leaked := internalDetailRE.FindString(body); leaked != "" {
		add("the problem exposes internals: %s", leaked)
	}
	return all
}

// typeViolation returns how the type of a problem contradicts the table of types, or "". A proxy in front of BASE_URL
// may choose the status.
func typeViolation(p *problem.Problem) string {
	kind := problem.Find(strings.TrimPrefix(p.Type, problem.PathPrefix))
	if kind == nil || kind.Path() != p.Type || kind.Title != p.Title || kind.Status != 0 && kind.Status != p.Status {
		return fmt.Sprintf("no type is %q with the title %q and the status %d", p.Type, p.Title, p.Status)
	}
	return ""
}

// clipText shortens a text for a failure message.
func clipText(text string) string {
	if len(text) > 1000 {
		text = fmt.Sprintf("%s … (%d bytes)", text[:1000], len(text))
	}
	quoted := strconv.Quote(text)
	return strings.NewReplacer(`\n`, "\n  ", `\"`, `"`, `\\`, `\`).Replace(quoted[1 : len(quoted)-1])
}

// compareJSON returns how a value differs from the expected JSON, or "".
func compareJSON(want string, got any) (reason string) {
	expected, err := decodeJSON(want)
	if err != nil {
		return "invalid story: the expected JSON " + err.Error()
	}
	if !equalJSON(expected, got) {
		encoded, _ := json.Marshal(got) // cannot fail: the value was decoded from JSON
		return "got " + clipText(string(encoded))
	}
	return ""
}

// equalJSON reports whether two decoded values are equal. The string "*" in want matches any value.
func equalJSON(want, got any) bool {
	if want == "*" {
		return true
	}
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok || len(got) != len(want) {
			return false
		}
		for k := range want {
			if value, ok := got[k]; !ok || !equalJSON(want[k], value) {
				return false
			}
		}
		return true
	case []any:
		got, ok := got.([]any)
		return ok && slices.EqualFunc(want, got, equalJSON)
	}
	return reflect.DeepEqual(want, got)
}

// decodeJSON decodes a text that consists of one JSON value.
func decodeJSON(text string) (value any, err error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err = decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	if _, err = decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("has data after the JSON value")
	}
	return value, nil
}
