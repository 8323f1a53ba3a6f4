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

// A request is sent as it is, right or wrong.
type request struct {
	method, target string
	headers        []string
	body           string
}

func (r request) String() string {
	return "> " + clip(r.method+" "+r.target) + "\n> " + strings.Join(r.headers, "\n> ") + "\n> " + clip(r.body[:min(len(r.body), 400)])
}

func (r request) send(base string) (*answer, error) {
	host := strings.TrimPrefix(base, "http://")
	conn, err := net.DialTimeout("tcp", host, 10*time.Second)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute)) // a TCP connection has deadlines
	headers := append([]string{"Host: " + host, "Connection: close"}, r.headers...)
	framed := slices.ContainsFunc(r.headers, func(h string) bool {
		return strings.HasPrefix(h, "Content-Length:") || strings.HasPrefix(h, "Transfer-Encoding:")
	})
	if !framed && (r.body != "" || slices.Contains([]string{"POST", "PUT", "PATCH"}, r.method)) {
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
	return &answer{response, string(body)}, err
}

type answer struct {
	*http.Response
	body string
}

func (a *answer) String() string {
	if a == nil {
		return "< nothing"
	}
	var header strings.Builder
	_ = a.Header.Write(&header) // into memory
	return "< " + a.Status + "\n< " + strings.ReplaceAll(strings.TrimSpace(header.String()), "\r\n", "\n< ") + "\n< " + clip(a.body)
}

// part finds a part of a JSON body by a path like errors.0.field.
func (a *answer) part(path string) (any, error) {
	value, err := decode(a.body)
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

var secret = regexp.MustCompile(`(?i)sqlstate|pgx|pgconn|goroutine|postgres://|\.go:\d|insert into|select .* from`)

// maxDetail is how long a sentence may be, in bytes, however much is wrong: the rest stands under errors.
const maxDetail = 10_000

// faults are what no answer may have, whatever was asked.
func (a *answer) faults(r request) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	kind, id := a.Header.Get("Content-Type"), a.Header.Get("X-Request-Id")
	if fault := broken(r, a); fault != "" {
		add("%s", fault)
	}
	if a.StatusCode >= http.StatusInternalServerError {
		add("no input may yield %d", a.StatusCode)
	}
	if !wellFormedID.MatchString(id) {
		add("the answer has no X-Request-Id")
	}
	if a.Header.Get("X-Content-Type-Options") != "nosniff" {
		add("the answer may be sniffed")
	}
	for _, name := range []string{"Cache-Control", "Content-Security-Policy", "Cross-Origin-Resource-Policy", "Referrer-Policy"} {
		if len(a.Header.Values(name)) != 1 {
			add("the answer's %s is %q", name, a.Header.Values(name))
		}
	}
	if !utf8.ValidString(a.body) {
		add("the answer is not UTF-8")
	}
	if a.StatusCode == http.StatusMethodNotAllowed && a.Header.Get("Allow") == "" {
		add("405 without Allow")
	}
	if a.StatusCode < http.StatusBadRequest {
		if kind == "application/json" && r.method != "HEAD" {
			if _, err := decode(a.body); err != nil {
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
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		add("the problem is not JSON: %v", err)
	}
	if p.Status != a.StatusCode || p.RequestID != id || p.Type == "" || p.Title == "" || p.Detail == "" || p.Instance == "" {
		add("the problem is incomplete, or contradicts the answer's head")
	}
	if len(p.Detail) > maxDetail {
		add("the detail has %d bytes", len(p.Detail))
	}
	if found := secret.FindString(strings.ReplaceAll(a.body[:min(len(a.body), 100_000)], p.Instance, "")); found != "" {
		add("the problem tells too much: %s", found)
	}
	return all
}

// clip shortens what nobody wants to read in full.
func clip(text string) string {
	if len(text) > 1000 {
		text = fmt.Sprintf("%s … (%d bytes)", text[:1000], len(text))
	}
	quoted := strconv.Quote(text)
	return strings.NewReplacer(`\n`, "\n  ", `\"`, `"`, `\\`, `\`).Replace(quoted[1 : len(quoted)-1])
}

func sameJSON(want string, got any) (fault string) {
	wanted, err := decode(want)
	if err != nil {
		return "the script is wrong: " + err.Error()
	}
	if !alike(wanted, got) {
		encoded, _ := json.Marshal(got) // it was decoded a moment ago
		return "is " + clip(string(encoded))
	}
	return ""
}

func alike(want, got any) bool {
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
			if value, ok := got[k]; !ok || !alike(want[k], value) {
				return false
			}
		}
		return true
	case []any:
		got, ok := got.([]any)
		return ok && slices.EqualFunc(want, got, alike)
	}
	return reflect.DeepEqual(want, got)
}

func decode(text string) (value any, err error) {
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
