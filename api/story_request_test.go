package api

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
)

// This file sends one request of a story, byte for byte, and looks at the answer.

// A storyRequest is sent as it is, right or wrong.
type storyRequest struct {
	method, target string
	headers        []string
	body           string
}

func (r storyRequest) String() string {
	return "> " + clipText(r.method+" "+r.target) + "\n> " + strings.Join(r.headers, "\n> ") + "\n> " + clipText(r.body[:min(len(r.body), 400)])
}

func (r storyRequest) send(base string) (*storyResponse, error) {
	host := strings.TrimPrefix(base, "http://")
	conn, err := net.DialTimeout("tcp", host, 10*time.Second)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute)) // a TCP connection has deadlines
	headers := append([]string{"Host: " + host, "Connection: close"}, r.headers...)
	hasLength := slices.ContainsFunc(r.headers, func(h string) bool {
		return strings.HasPrefix(h, "Content-Length:") || strings.HasPrefix(h, "Transfer-Encoding:")
	})
	if !hasLength && (r.body != "" || slices.Contains([]string{"POST", "PUT", "PATCH"}, r.method)) {
		headers = append(headers, fmt.Sprintf("Content-Length: %d", len(r.body)))
	}
	go func() { // the answer may come before all of the request has left; closing the connection ends this
		_, _ = io.WriteString(conn, r.method+" "+r.target+" HTTP/1.1\r\n"+strings.Join(headers, "\r\n")+"\r\n\r\n"+r.body)
	}()
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.method})
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	return &storyResponse{response, string(body)}, err
}

type storyResponse struct {
	*http.Response
	body string
}

func (resp *storyResponse) String() string {
	if resp == nil {
		return "< nothing"
	}
	var header strings.Builder
	_ = resp.Header.Write(&header) // into memory
	return "< " + resp.Status + "\n< " + strings.ReplaceAll(strings.TrimSpace(header.String()), "\r\n", "\n< ") + "\n< " + clipText(resp.body)
}

// jsonAt finds a part of a JSON body by a path like errors.0.field.
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
			return nil, fmt.Errorf("there is no %s", path)
		}
	}
	return value, nil
}

var secretRE = regexp.MustCompile(`(?i)sqlstate|pgx|pgconn|goroutine|postgres://|\.go:\d|insert into|select .* from`)

// maxDetail is how long a sentence may be, in bytes, however much is wrong: the rest stands under errors.
const maxDetail = 10_000

// violations are what no answer may have, whatever was asked.
func (resp *storyResponse) violations(r storyRequest) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	kind, id := resp.Header.Get("Content-Type"), resp.Header.Get("X-Request-Id")
	if reason := contractViolation(r, resp); reason != "" {
		add("%s", reason)
	}
	if resp.StatusCode >= http.StatusInternalServerError {
		add("no input may yield %d", resp.StatusCode)
	}
	if !requestIDRE.MatchString(id) {
		add("the answer has no X-Request-Id")
	}
	if resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		add("the answer may be sniffed")
	}
	for _, name := range []string{"Cache-Control", "Content-Security-Policy", "Cross-Origin-Resource-Policy", "Referrer-Policy"} {
		if len(resp.Header.Values(name)) != 1 {
			add("the answer's %s is %q", name, resp.Header.Values(name))
		}
	}
	if !utf8.ValidString(resp.body) {
		add("the answer is not UTF-8")
	}
	if resp.StatusCode == http.StatusMethodNotAllowed && resp.Header.Get("Allow") == "" {
		add("405 without Allow")
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
		add("an error must be a problem")
	}
	if r.method == "HEAD" {
		return all
	}
	var p Problem
	if err := json.Unmarshal([]byte(resp.body), &p); err != nil {
		add("the problem is not JSON: %v", err)
	}
	if p.Status != resp.StatusCode || p.RequestID != id || p.Type == "" || p.Title == "" || p.Detail == "" || p.Instance == "" {
		add("the problem is incomplete, or contradicts the answer's head")
	}
	if len(p.Detail) > maxDetail {
		add("the detail has %d bytes", len(p.Detail))
	}
	if leaked := secretRE.FindString(strings.ReplaceAll(resp.body[:min(len(resp.body), 100_000)], p.Instance, "")); leaked != "" {
		add("the problem tells too much: %s", leaked)
	}
	return all
}

// clipText shortens what nobody wants to read in full.
func clipText(text string) string {
	if len(text) > 1000 {
		text = fmt.Sprintf("%s … (%d bytes)", text[:1000], len(text))
	}
	quoted := strconv.Quote(text)
	return strings.NewReplacer(`\n`, "\n  ", `\"`, `"`, `\\`, `\`).Replace(quoted[1 : len(quoted)-1])
}

func compareJSON(want string, got any) (reason string) {
	expected, err := decodeJSON(want)
	if err != nil {
		return "the script is wrong: " + err.Error()
	}
	if !equalJSON(expected, got) {
		encoded, _ := json.Marshal(got) // it was decoded a moment ago
		return "is " + clipText(string(encoded))
	}
	return ""
}

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

func decodeJSON(text string) (value any, err error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err = decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	if _, err = decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("goes on after the JSON")
	}
	return value, nil
}
