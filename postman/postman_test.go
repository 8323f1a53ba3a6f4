// Package postman holds a Postman collection of the whole API, made of the OpenAPI document, and the test that makes it.
// It must not know the routes, the types or the queries: only what the document says of them, and a few things of the mock data.
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

var update = flag.Bool("update", false, "write the collection anew")

const (
	file   = "labledger.postman_collection.json"
	server = "http://127.0.0.1:5000" // as in the curl samples
)

// TestCollection makes the collection out of the OpenAPI document, and holds it against the one that is there.
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
		t.Errorf("%s is not what openapi.json says; run `make gen` (- there, + made):\n%s", file, diff)
	}
}

// What is read of the OpenAPI document.
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
		Security    []any       `json:"security"` // none: for everyone
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

// What is written: https://schema.getpostman.com/json/collection/v2.1.0/docs/index.html.
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
		Auth        *auth   `json:"auth,omitempty"` // otherwise that of the collection
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

const collectionDescription = `Every call of the API. Each request can be sent as it stands to a server with the mock data, and says whether the answer is a documented
success.

A request that creates a row remembers it: after "Creates a site", ` + "`{{site}}`" + ` is its number, and whatever changes or deletes a site means
that one. Where there is nothing of one's own to change, as with the rules, the request is a dry run. So a run of the whole collection, from
top to bottom, leaves the tables as they were, but for two events and their alerts, which are for ever, as the history of it all is, and for an
account.

A server that is open needs no token. At another one put your name and password into the variables ` + "`username` and `password`" + ` and send "Signs in":
it keeps the access token, which all requests bring from then on. In a run the folder "accounts" registers an account of its own, signs in,
does what one does with it, and signs out; then whoever was signed in before is so again.

Parameters and headers that a call knows and does not need are there, switched off.`

// mockNouns are the nouns whose row 1 is in the mock data: to read something, nobody has to create it first.
var mockNouns = []string{"site", "freezer", "computer", "user"}

// overrides is what the document cannot tell.
var overrides = map[string]struct {
	method string            // sent instead
	note   string            // added to the description
	path   map[string]string // values of the path's variables
	body   map[string]any    // fields of the body
	also   string            // noun whose row comes into being, too
	media  string            // media type of the answer
	real   bool              // no dry run, though it makes no row that it remembers
	before []string          // script
	after  []string          // script, when the answer is there
}{
	"GET /api/v1/stream":        {method: "HEAD", note: "Here as HEAD, because it has an end. Send it as GET to see messages."},
	"GET /api/users/{username}": {path: map[string]string{"username": "Bob"}},
	"POST /api/v1/events":       {body: map[string]any{"type": "withdraw", "amount": "142.50"}, also: "alert"},

	"POST /api/v1/attachments": {after: []string{
		`const [, , folder, file] = pm.response.json().url.split("/");`,
		`pm.collectionVariables.set("folder", folder);`,
		`pm.collectionVariables.set("file", file);`,
	}},
	"GET /media/{folder}/{file}": {path: map[string]string{"folder": "{{folder}}", "file": "{{file}}"}, media: "text/plain"},

	"POST /auth/register": {
		body: credentials, real: true,
		before: []string{
			`pm.collectionVariables.set("username", "Ada " + pm.variables.replaceIn("{{$guid}}"));`,
			`pm.collectionVariables.set("previous_token", pm.collectionVariables.get("access_token"));`,
		},
	},
	"POST /auth/login":             {body: credentials, real: true, after: storeTokensScript},
	"POST /auth/refresh":           {body: map[string]any{"refresh_token": "{{refresh_token}}"}, real: true, after: storeTokensScript},
	"PATCH /account":               {real: true},
	"PUT /account":                 {body: map[string]any{"current_password": "{{password}}", "password": "incorrect horse battery staple"}},
	"GET /auth/token":              {after: []string{`pm.collectionVariables.set("session", pm.response.json().find((s) => s.own).id);`}},
	"PUT /auth/token/{session_id}": {path: map[string]string{"session_id": "{{session}}"}, body: map[string]any{"session_id": "{{session}}"}},
	"POST /auth/logout": {
		real: true,
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

// accountSequence is the folder "accounts": all its calls, and what else one does with an account, from registering to signing out.
var accountSequence = []string{
	"POST /auth/register", "POST /auth/login", "POST /auth/refresh", "GET /auth/session", "GET /account", "PATCH /account", "PUT /account", "GET /auth/token", "PUT /auth/token/{session_id}",
	"POST /api/v1/tokens", "GET /api/v1/tokens", "DELETE /api/v1/tokens/{id}", "POST /api/v1/todos", "DELETE /api/v1/todos/{id}", "DELETE /account", "POST /auth/logout",
}

// A call is one method of one path.
type call struct {
	operation
	method, path string
}

func (c call) isGet() bool { return c.method == "GET" }

func (c call) name() string { return c.method + " " + c.path }

// segments are the path's parts without what the version adds.
func (c call) segments() []string {
	short := strings.TrimPrefix(strings.TrimPrefix(c.path, "/api/v1"), "/api")
	return strings.Split(strings.TrimPrefix(short, "/"), "/")
}

// noun is what a call is about, in the singular.
func (c call) noun() string { return strings.TrimSuffix(c.segments()[0], "s") }

// createsRow tells a call that makes a row and says which.
func (c call) createsRow(keys map[string]string) bool {
	return c.method == "POST" && len(c.segments()) == 1 && keys[c.noun()] != ""
}

// rank orders the calls about a noun so that they can be made one after another.
func (c call) rank() int {
	one := len(c.segments()) > 1 && isVariable(c.segments()[1]) && !strings.Contains(c.path, "{offset}")
	return slices.Index([]string{"GET", "POST", "POST one", "PUT one", "PATCH one", "GET one", "DELETE one"}, c.method+map[bool]string{true: " one"}[one])
}

func isVariable(part string) bool { return strings.HasPrefix(part, "{") }

// collection makes all of it.
func (d *document) collection() collection {
	var calls []call
	keys := map[string]string{} // variable of the path that names a row, by noun
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
	createdBy := map[string]string{} // request that makes the row, by noun
	for _, c := range calls {
		if c.createsRow(keys) && strings.HasPrefix(c.path, "/api/v1/") {
			createdBy[c.noun()] = c.Summary
			if also := overrides[c.name()].also; also != "" {
				createdBy[also] = c.Summary
			}
		}
	}
	var all collection
	all.Info.ID = "5f0c5f2e-6c61-4b6c-9ed6-1ab1ed6e7a00"
	all.Info.Name = "Labledger"
	all.Info.Description = collectionDescription
	all.Info.Schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
	var tags []string
	for _, tag := range d.Tags {
		tags = append(tags, tag.Name)
	}
	short := tags[len(tags)-1] // the folder of all that no tag is declared for
	for _, tag := range d.Tags {
		var members []call
		for _, c := range calls {
			if c.Tags[0] == tag.Name || tag.Name == short && !slices.Contains(tags, c.Tags[0]) {
				members = append(members, c)
			}
		}
		folder := item{Name: tag.Name, Description: tag.Description}
		if tag.Name == "accounts" {
			members = orderAccountCalls(members, calls)
		}
		if tag.Name == short {
			folder.Item = d.byNoun(members, keys, createdBy)
		} else {
			folder.Item = d.items(members, keys, createdBy)
		}
		all.Item = append(all.Item, folder)
	}
	all.Auth = &auth{Type: "bearer", Bearer: []value{{Key: "token", Value: "{{access_token}}"}}}
	all.Variable = []value{
		{Key: "baseUrl", Value: server, Description: "Where the server is."},
		{Key: "username", Description: "Who signs in. Registering makes up another one."},
		{Key: "password", Value: "correct horse battery staple", Description: "The password that goes with it."},
		{Key: "access_token", Description: "All requests bring it. Set by signing in."},
		{Key: "refresh_token", Description: "Good for the next access token, once. Set by signing in."},
		{Key: "previous_token", Description: "Access token of whoever was signed in before somebody registered."},
		{Key: "session", Description: "The session of one's own."},
		{Key: "folder", Description: "Of the uploaded file. Set by uploading one."},
		{Key: "file", Description: "Its name there. Set by uploading one."},
	}
	for _, noun := range slices.Sorted(maps.Keys(createdBy)) {
		all.Variable = append(all.Variable, value{Key: noun, Description: fmt.Sprintf("Set by %q.", createdBy[noun])})
	}
	return all
}

// orderAccountCalls are the calls of a stay.
func orderAccountCalls(members, all []call) (ordered []call) {
	for _, name := range accountSequence {
		ordered = append(ordered, all[slices.IndexFunc(all, func(c call) bool { return c.name() == name })])
	}
	for _, c := range members {
		if !slices.Contains(accountSequence, c.name()) {
			panic(c.name() + " is new: say in stay when it is sent")
		}
	}
	return ordered
}

// byNoun puts calls into a folder for each noun, in the order of the tags.
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

// items makes the requests of a folder. Where several have one summary, their names add the method, or the path.
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

// item makes the request of a call, and its test.
func (d *document) item(c call, keys, createdBy map[string]string) item {
	override := overrides[c.name()]
	r := &request{Method: cmp.Or(override.method, c.method), Description: c.describe(override.note)}
	dryRun := !c.isGet() && !c.createsRow(keys) && !override.real
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
			if noun := c.noun(); createdBy[noun] != "" && keys[noun] == name && !(c.isGet() && slices.Contains(mockNouns, noun)) {
				v.Value, dryRun = "{{"+noun+"}}", false
			}
			r.URL.Variable = append(r.URL.Variable, v)
		}
		if c.path != "/" {
			r.URL.Path = append(r.URL.Path, part)
		}
	}
	statuses, media := c.success()
	media = cmp.Or(override.media, media)
	r.Header = []value{{Key: "Accept", Value: media}}
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
		r.Body = &body{Mode: "raw", Raw: prettyJSON(content.Example), Options: map[string]any{"raw": map[string]any{"language": "json"}}}
	}
	if _, ok := c.RequestBody.Content["multipart/form-data"]; ok {
		r.Body = &body{Mode: "formdata", Form: []field{{"file", "file", "LICENSE"}}} // any file will do
	}
	test := []string{
		fmt.Sprintf("pm.test(%q, () => {", "answers "+strings.Join(statuses, " or ")+", "+media),
		fmt.Sprintf("    pm.expect(pm.response.code, pm.response.text()).to.be.oneOf([%s]);", strings.Join(statuses, ", ")),
		fmt.Sprintf("    pm.expect(pm.response.headers.get(\"Content-Type\")).to.match(/^%s(;|$)/);", regexp.MustCompile(`[/.+]`).ReplaceAllString(media, `\$0`)),
	}
	if media == "application/json" {
		test = append(test, "    pm.response.json();")
	}
	test = append(test, "});")
	if c.createsRow(keys) {
		test = append(test, storeKeyScript(c.noun(), keys[c.noun()]))
		if override.also != "" {
			test = append(test, storeKeyScript(override.also, keys[override.also]))
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

// describe is the call's text, and the SQL that it runs.
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

// sample is what stands in the curl sample in the place of the path's part i.
func (c call) sample(i int) string {
	for _, s := range c.Samples {
		if _, rest, found := strings.Cut(s.Source, server+"/"); found {
			return strings.Split(strings.Fields(rest)[0], "/")[i]
		}
	}
	panic(c.path + " has no curl sample")
}

// success is which statuses are good, and the media type to ask for: JSON where there is a choice.
func (c call) success() (statuses []string, media string) {
	for status, answer := range c.Responses {
		if strings.HasPrefix(status, "2") {
			statuses = append(statuses, status)
			types := slices.Sorted(maps.Keys(answer.Content)) // application/json comes first
			media = types[0]
		}
	}
	slices.Sort(statuses)
	return statuses, media
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
