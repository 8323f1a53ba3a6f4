// Package postman holds a Postman collection of the whole API and the test that generates it from the OpenAPI document.
// The package must not depend on routes, types or queries: only on the document and on a few rows of the mock data.
package postman

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	textdiff "github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the generated collection to its file")

const (
	file   = "labledger.postman_collection.json"
	server = "http://127.0.0.1:5000" // the base URL in the curl samples
)

// TestCollection generates the collection from the OpenAPI document and compares it with the stored one.
func TestCollection(t *testing.T) {
	text, err := os.ReadFile("../api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	var createdBy bytes.Buffer
	encoder := json.NewEncoder(&createdBy)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(d.collection()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, createdBy.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	stored, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := textdiff.Diff(string(stored), createdBy.String()); diff != "" {
		t.Errorf("%s does not match openapi.json; run `make gen` (- stored, + generated):\n%s", file, diff)
	}
}

// The parts of the OpenAPI document that the generator reads.
type (
	document struct {
		Tags       []tag                           `json:"tags"`
		Paths      map[string]map[string]operation `json:"paths"` // by path and method
		Components struct {
			Parameters map[string]parameter `json:"parameters"`
		} `json:"components"`
	}
	tag struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	}
	operation struct {
		Summary     string      `json:"summary"`
		Description string      `json:"description"`
		Tags        []string    `json:"tags"`
		Security    []any       `json:"security"` // empty if no authentication is required
		Parameters  []parameter `json:"parameters"`
		RequestBody struct {
			Content map[string]struct {
				Example map[string]any `json:"example"`
			} `json:"content"`
		} `json:"requestBody"`
		Responses map[string]struct {
			Content map[string]any `json:"content"`
		} `json:"responses"`
		Samples []struct {
			Lang   string `json:"lang"`
			Source string `json:"source"`
		} `json:"x-codeSamples"`
	}
	parameter struct {
		Ref         string `json:"$ref"`
		Name        string `json:"name"`
		In          string `json:"in"`
		Description string `json:"description"`
		Required    bool   `json:"required"`
		Example     string `json:"example"`
		Schema      struct {
			Default any   `json:"default"`
			Enum    []any `json:"enum"`
		} `json:"schema"`
	}
)

// The Postman collection format: https://schema.getpostman.com/json/collection/v2.1.0/docs/index.html.
type (
	collection struct {
		Info struct {
			ID          string `json:"_postman_id"`
			Name        string `json:"name"`
			Description string `json:"description"`
			Schema      string `json:"schema"`
		} `json:"info"`
		Auth     *auth   `json:"auth"`
		Item     []item  `json:"item"`
		Variable []value `json:"variable"`
	}
	item struct { // a folder or a request
		Name        string   `json:"name"`
		Description string   `json:"description,omitempty"`
		Item        []item   `json:"item,omitempty"`
		Event       []event  `json:"event,omitempty"`
		Request     *request `json:"request,omitempty"`
		Response    []any    `json:"response,omitzero"`
	}
	auth struct {
		Type   string  `json:"type"`
		Bearer []value `json:"bearer,omitempty"`
	}
	event struct {
		Listen string `json:"listen"`
		Script script `json:"script"`
	}
	script struct {
		Type string   `json:"type"`
		Exec []string `json:"exec"`
	}
	request struct {
		Auth        *auth   `json:"auth,omitempty"` // nil to inherit from the collection
		Method      string  `json:"method"`
		Header      []value `json:"header"`
		Body        *body   `json:"body,omitempty"`
		URL         address `json:"url"`
		Description string  `json:"description"`
	}
	body struct {
		Mode    string         `json:"mode"`
		Raw     string         `json:"raw,omitempty"`
		Options map[string]any `json:"options,omitempty"`
		Form    []field        `json:"formdata,omitempty"`
	}
	field struct {
		Key  string `json:"key"`
		Type string `json:"type"`
		Src  string `json:"src"`
	}
	address struct {
		Raw      string   `json:"raw"`
		Host     []string `json:"host"`
		Path     []string `json:"path"`
		Query    []value  `json:"query,omitempty"`
		Variable []value  `json:"variable,omitempty"`
	}
	value struct {
		Key         string `json:"key"`
		Value       string `json:"value"`
		Description string `json:"description,omitempty"`
		Disabled    bool   `json:"disabled,omitempty"`
	}
)

// description returns the description of the collection. It quotes the names of two requests.
func (d *document) description() string {
	createSite, signIn := d.Paths["/api/v1/sites"]["post"].Summary, d.Paths["/auth/login"]["post"].Summary
	return fmt.Sprintf("All operations of the API. Each request works unchanged with the mock data. "+
		"Its test checks that the response is a documented success.\n\n"+
		"A request that creates a row stores its ID in a variable: %q sets `{{site}}`. "+
		"Requests that change or delete a site use that variable. "+
		"A request that would change existing rows, such as the rules, is a dry run. "+
		"So a run of the whole collection leaves the tables unchanged, except for one account, "+
		"two events and their alerts, and the history of all changes.\n\n"+
		"A server without required authentication needs no token. "+
		"Otherwise set the variables `username` and `password` and send %q: "+
		"it stores the access token, which all later requests send. "+
		"In a run, the folder \"accounts\" registers a new account, uses it, signs out, "+
		"and restores the previous access token.\n\n"+
		"Optional parameters and headers are included, but disabled.", createSite, signIn)
}

// mockNouns are the nouns with a row 1 in the mock data. Requests that only read use that row.
var mockNouns = []string{"site", "freezer", "computer", "user"}

// overrides holds what the OpenAPI document does not contain, by method and path.
var overrides = map[string]struct {
	method      string            // replaces the method
	note        string            // appended to the description
	path        map[string]string // values of path variables
	body        map[string]any    // body fields
	alsoCreates string            // noun of a second row that the request creates
	mediaType   string            // media type of the response
	noDryRun    bool              // not a dry run, although the request creates no row with a variable
	before      []string          // pre-request script
	after       []string          // script after the response
}{
	"GET /api/v1/stream": {method: "HEAD",
		note: "Sent as HEAD, because a GET does not end. Send GET to receive messages."},
	"GET /api/users/{username}": {path: map[string]string{"username": "Bob"}},
	"POST /api/v1/events":       {body: map[string]any{"type": "withdraw", "amount": "142.50"}, alsoCreates: "alert"},

	"POST /api/v1/attachments": {after: []string{
		`const [, , folder, file] = pm.response.json().url.split("/");`,
		`pm.collectionVariables.set("folder", folder);`,
		`pm.collectionVariables.set("file", file);`,
	}},
	"GET /media/{folder}/{file}": {path: map[string]string{"folder": "{{folder}}", "file": "{{file}}"},
		mediaType: "text/plain"},

	"POST /auth/register": {
		body: credentials, noDryRun: true,
		before: []string{
			`pm.collectionVariables.set("username", "Ada " + pm.variables.replaceIn("{{$guid}}"));`,
			`pm.collectionVariables.set("previous_token", pm.collectionVariables.get("access_token"));`,
		},
	},
	"POST /auth/login": {body: credentials, noDryRun: true, after: storeTokensScript},
	"POST /auth/refresh": {body: map[string]any{"refresh_token": "{{refresh_token}}"}, noDryRun: true,
		after: storeTokensScript},
	"PATCH /account": {noDryRun: true},
	"PUT /account": {body: map[string]any{"current_password": "{{password}}",
		"password": "incorrect horse battery staple"}},
	"GET /auth/token": {after: []string{
		`pm.collectionVariables.set("session", pm.response.json().find((s) => s.own).id);`,
	}},
	"PUT /auth/token/{session_id}": {path: map[string]string{"session_id": "{{session}}"},
		body: map[string]any{"session_id": "{{session}}"}},
	"POST /auth/logout": {
		noDryRun: true,
		after: []string{
			`pm.collectionVariables.set("access_token", pm.collectionVariables.get("previous_token"));`,
			`pm.collectionVariables.set("previous_token", "");`,
		},
	},
}

var (
	credentials       = map[string]any{"username": "{{username}}", "password": "{{password}}"}
	storeTokensScript = []string{
		`pm.collectionVariables.set("access_token", pm.response.json().access_token);`,
		`pm.collectionVariables.set("refresh_token", pm.response.json().refresh_token);`,
	}
)

// accountSequence is the order of the requests in the folder "accounts", from registering to signing out. It includes
// requests of other folders that an account uses.
var accountSequence = []string{
	"POST /auth/register", "POST /auth/login", "POST /auth/refresh", "GET /auth/session", "GET /account",
	"PATCH /account", "PUT /account", "GET /auth/token", "PUT /auth/token/{session_id}",
	"POST /api/v1/tokens", "GET /api/v1/tokens", "DELETE /api/v1/tokens/{id}", "POST /api/v1/todos",
	"DELETE /api/v1/todos/{id}", "DELETE /account", "POST /auth/logout",
}

// call is an operation with its method and path.
type call struct {
	operation
	method, path string
}

func (c call) isGet() bool { return c.method == "GET" }

func (c call) name() string { return c.method + " " + c.path }

// segments returns the segments of the path without the prefixes /api/v1 and /api.
func (c call) segments() []string {
	path := strings.TrimPrefix(strings.TrimPrefix(c.path, "/api/v1"), "/api")
	return strings.Split(strings.TrimPrefix(path, "/"), "/")
}

// noun returns the resource of a call, in the singular.
func (c call) noun() string { return strings.TrimSuffix(c.segments()[0], "s") }

// createsRow reports whether a call creates a row whose key is a path variable.
func (c call) createsRow(keys map[string]string) bool {
	return c.method == "POST" && len(c.segments()) == 1 && keys[c.noun()] != ""
}

// rank orders the calls of a noun so that they can be sent one after another.
func (c call) rank() int {
	kind := c.method
	if len(c.segments()) > 1 && isVariable(c.segments()[1]) && !strings.Contains(c.path, "{offset}") {
		kind += " row"
	}
	order := []string{"GET", "POST", "POST row", "PUT row", "PATCH row", "GET row", "DELETE row"}
	return slices.Index(order, kind)
}

func isVariable(part string) bool { return strings.HasPrefix(part, "{") }

// collection generates the collection.
func (d *document) collection() collection {
	var calls []call
	keys := map[string]string{} // path variable with a row's key, by noun
	for path, methods := range d.Paths {
		for method, op := range methods {
			c := call{op, strings.ToUpper(method), path}
			calls = append(calls, c)
			if ends := c.segments(); strings.HasPrefix(path, "/api/v1/") && len(ends) == 2 && isVariable(ends[1]) {
				keys[c.noun()] = strings.Trim(ends[1], "{}")
			}
		}
	}
	slices.SortFunc(calls, func(a, b call) int {
		return cmp.Or(a.rank()-b.rank(), len(a.segments())-len(b.segments()), cmp.Compare(a.path, b.path))
	})
	createdBy := map[string]string{} // name of the request that creates the row, by noun
	for _, c := range calls {
		if c.createsRow(keys) && strings.HasPrefix(c.path, "/api/v1/") {
			createdBy[c.noun()] = c.Summary
			if also := overrides[c.name()].alsoCreates; also != "" {
				createdBy[also] = c.Summary
			}
		}
	}
	var all collection
	all.Info.ID = "5f0c5f2e-6c61-4b6c-9ed6-1ab1ed6e7a00"
	all.Info.Name = "Labledger"
	all.Info.Description = d.description()
	all.Info.Schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
	var tags []string
	for _, tag := range d.Tags {
		tags = append(tags, tag.Name)
	}
	lastTag := tags[len(tags)-1] // its folder also gets the operations with an undeclared tag
	for _, tag := range d.Tags {
		var members []call
		for _, c := range calls {
			if c.Tags[0] == tag.Name || tag.Name == lastTag && !slices.Contains(tags, c.Tags[0]) {
				members = append(members, c)
			}
		}
		folder := item{Name: tag.Name, Description: tag.Description}
		if tag.Name == "accounts" {
			members = orderAccountCalls(members, calls)
		}
		if tag.Name == lastTag {
			folder.Item = d.byNoun(members, keys, createdBy)
		} else {
			folder.Item = d.items(members, keys, createdBy)
		}
		all.Item = append(all.Item, folder)
	}
	all.Auth = &auth{Type: "bearer", Bearer: []value{{Key: "token", Value: "{{access_token}}"}}}
	all.Variable = []value{
		{Key: "baseUrl", Value: server, Description: "The base URL of the server."},
		{Key: "username", Description: "The user who signs in. Registering sets a new name."},
		{Key: "password", Value: "correct horse battery staple", Description: "The password of that user."},
		{Key: "access_token", Description: "Sent with all requests. Set by signing in."},
		{Key: "refresh_token", Description: "Renews the access token once. Set by signing in."},
		{Key: "previous_token", Description: "The access token before registering, restored after signing out."},
		{Key: "session", Description: "The ID of the current session."},
		{Key: "folder", Description: "The directory in the URL of the uploaded file. Set by an upload."},
		{Key: "file", Description: "The name in the URL of the uploaded file. Set by an upload."},
	}
	for _, noun := range slices.Sorted(maps.Keys(createdBy)) {
		all.Variable = append(all.Variable, value{Key: noun, Description: fmt.Sprintf("Set by %q.", createdBy[noun])})
	}
	return all
}

// orderAccountCalls returns the calls of accountSequence. It panics if that lacks one of members.
func orderAccountCalls(members, all []call) (ordered []call) {
	for _, name := range accountSequence {
		ordered = append(ordered, all[slices.IndexFunc(all, func(c call) bool { return c.name() == name })])
	}
	for _, c := range members {
		if !slices.Contains(accountSequence, c.name()) {
			panic(c.name() + " is missing in accountSequence")
		}
	}
	return ordered
}

// byNoun returns a folder of calls for each noun, in the order of the tags.
func (d *document) byNoun(calls []call, keys, createdBy map[string]string) (folders []item) {
	var nouns []string
	for _, tag := range d.Tags {
		nouns = append(nouns, strings.TrimSuffix(tag.Name, "s"))
	}
	byNoun := map[string][]call{}
	for _, c := range calls {
		byNoun[c.noun()] = append(byNoun[c.noun()], c)
	}
	for _, noun := range slices.Sorted(maps.Keys(byNoun)) {
		if !slices.Contains(nouns, noun) {
			nouns = append(nouns, noun)
		}
	}
	for _, noun := range nouns {
		if len(byNoun[noun]) > 0 {
			folders = append(folders, item{Name: noun, Item: d.items(byNoun[noun], keys, createdBy)})
		}
	}
	return folders
}

// items returns the requests of a folder. If several calls have the same summary, their names include the path or the
// method.
func (d *document) items(calls []call, keys, createdBy map[string]string) (items []item) {
	for _, c := range calls {
		i := d.item(c, keys, createdBy)
		for _, other := range calls {
			switch {
			case other.Summary != c.Summary:
			case other.path != c.path:
				i.Name = fmt.Sprintf("%s (%s)", c.Summary, c.path)
			case other.method != c.method:
				i.Name = fmt.Sprintf("%s (%s)", c.Summary, c.method)
			}
		}
		items = append(items, i)
	}
	return items
}

// item returns the request of a call with its test script.
func (d *document) item(c call, keys, createdBy map[string]string) item {
	override := overrides[c.name()]
	r := &request{Method: cmp.Or(override.method, c.method), Description: c.describe(override.note)}
	dryRun := !c.isGet() && !c.createsRow(keys) && !override.noDryRun
	if len(c.Security) == 0 {
		r.Auth = &auth{Type: "noauth"}
	}
	if c.path == "/" {
		r.URL.Path = []string{""}
	}
	for i, part := range strings.Split(c.path, "/")[1:] {
		if name := strings.Trim(part, "{}"); isVariable(part) {
			part = ":" + name
			v := value{Key: name, Value: cmp.Or(override.path[name], c.sample(i))}
			if noun := c.noun(); createdBy[noun] != "" && keys[noun] == name &&
				!(c.isGet() && slices.Contains(mockNouns, noun)) {
				v.Value, dryRun = "{{"+noun+"}}", false
			}
			r.URL.Variable = append(r.URL.Variable, v)
		}
		if c.path != "/" {
			r.URL.Path = append(r.URL.Path, part)
		}
	}
	statuses, mediaType := c.success()
	mediaType = cmp.Or(override.mediaType, mediaType)
	r.Header = []value{{Key: "Accept", Value: mediaType}}
	raw := "{{baseUrl}}/" + strings.Join(r.URL.Path, "/")
	for _, p := range c.Parameters {
		if p.Ref != "" {
			p = d.Components.Parameters[p.Ref[strings.LastIndex(p.Ref, "/")+1:]]
		}
		v := value{Key: p.Name, Description: p.Description, Disabled: true}
		if p.Schema.Default != nil {
			v.Value = fmt.Sprint(p.Schema.Default)
		} else if len(p.Schema.Enum) > 0 {
			v.Value = fmt.Sprint(p.Schema.Enum[0])
		}
		switch {
		case p.In == "path":
			for i := range r.URL.Variable {
				if r.URL.Variable[i].Key == p.Name {
					r.URL.Variable[i].Description = p.Description
				}
			}
		case p.Name == "dry_run":
			v.Value, v.Disabled = "true", !dryRun
			if dryRun {
				raw += "?dry_run=true"
			}
			fallthrough
		case p.In == "query":
			if p.Required {
				v.Value, v.Disabled = p.Example, false
				raw += "?" + p.Name + "=" + p.Example
			}
			r.URL.Query = append(r.URL.Query, v)
		case p.Name == "Idempotency-Key":
			v.Value, v.Disabled = "{{$guid}}", false
			fallthrough
		case p.In == "header":
			r.Header = append(r.Header, v)
		}
	}
	r.URL.Raw, r.URL.Host = raw, []string{"{{baseUrl}}"}
	if content, ok := c.RequestBody.Content["application/json"]; ok && c.method != "DELETE" {
		maps.Copy(content.Example, override.body)
		r.Header = append(r.Header, value{Key: "Content-Type", Value: "application/json"})
		r.Body = &body{Mode: "raw", Raw: prettyJSON(content.Example),
			Options: map[string]any{"raw": map[string]any{"language": "json"}}}
	}
	if _, ok := c.RequestBody.Content["multipart/form-data"]; ok {
		r.Body = &body{Mode: "formdata", Form: []field{{"file", "file", "LICENSE"}}}
	}
	test := []string{
		fmt.Sprintf("pm.test(%q, () => {", "status "+strings.Join(statuses, " or ")+", type "+mediaType),
		fmt.Sprintf("    pm.expect(pm.response.code, pm.response.text()).to.be.oneOf([%s]);",
			strings.Join(statuses, ", ")),
		fmt.Sprintf("    pm.expect(pm.response.headers.get(\"Content-Type\")).to.match(/^%s(;|$)/);",
			regexp.MustCompile(`[/.+]`).ReplaceAllString(mediaType, `\$0`)),
	}
	if mediaType == "application/json" {
		test = append(test, "    pm.response.json();")
	}
	test = append(test, "});")
	if c.createsRow(keys) {
		test = append(test, storeKeyScript(c.noun(), keys[c.noun()]))
		if override.alsoCreates != "" {
			test = append(test, storeKeyScript(override.alsoCreates, keys[override.alsoCreates]))
		}
	}
	i := item{Name: c.Summary, Request: r, Response: []any{}}
	if override.before != nil {
		i.Event = append(i.Event, event{"prerequest", script{"text/javascript", override.before}})
	}
	i.Event = append(i.Event, event{"test", script{"text/javascript", append(test, override.after...)}})
	return i
}

func storeKeyScript(noun, key string) string {
	return fmt.Sprintf("pm.collectionVariables.set(%q, pm.response.json().%s);", noun, key)
}

// describe returns the description of a call, a note, and the SQL that the call runs.
func (c call) describe(note string) string {
	text := c.Description
	if note != "" {
		text += "\n\n" + note
	}
	for _, s := range c.Samples {
		if s.Lang == "SQL" {
			text += "\n\n```sql\n" + s.Source + "\n```"
		}
	}
	return text
}

// sample returns the value of path segment i in the curl sample.
func (c call) sample(i int) string {
	for _, s := range c.Samples {
		if _, rest, found := strings.Cut(s.Source, server+"/"); found {
			return strings.Split(strings.Fields(rest)[0], "/")[i]
		}
	}
	panic(c.path + " has no curl sample")
}

// success returns the documented 2xx statuses and the media type to request, JSON if there is a choice.
func (c call) success() (statuses []string, mediaType string) {
	for status, response := range c.Responses {
		if strings.HasPrefix(status, "2") {
			statuses = append(statuses, status)
			mediaType = slices.Sorted(maps.Keys(response.Content))[0] // application/json sorts first
		}
	}
	slices.Sort(statuses)
	return statuses, mediaType
}

func prettyJSON(v any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "    ")
	if err := encoder.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSpace(text.String())
}
