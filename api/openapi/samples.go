package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"labledger/api/rest"
)

// examples are values by parameter name. The samples work on the mock data.
var examples = map[string]any{
	"id": 1, "name": "Bench 7", "contact": "Ada Lovelace", "address": "1 Harbour Road, Reykjavík",
	"state_or_region": nil, "country": "Iceland", "postcode_or_zip": "101", "site_id": 1, "freezer_id": 1,
	"mac": "08:00:2b:01:02:03", "description": "Plasma, 12 tubes", "uuid": "123e4567-e89b-12d3-a456-426614174000",
	"username": "Ada", "display_name": "Ada Lovelace", "email": "ada@example.org", "risk": "high", "role": "viewer",
	"disabled": false, "token": "lll_…", "type": "deposit", "amount": "120.50", "user_id": 1, "time": 1763769600,
	"code": 123, "event_id": sampleEvent, "alert_id": sampleAlert, "state": "acknowledged", "assignee": "Jane",
	"note": "Called Bob", "disposition": nil, "snoozed_until": nil, "today": "2026-11-30",
	"title": "Deposit total in time window", "applies_to": "deposit", "limit": "250.00", "window_seconds": 30,
	"enabled": true, "severity": "warning", "status": "open", "due_on": "2026-11-30", "computer_id": nil,
	"rules": []object{{"code": 123, "limit": "250.00"}}, "from": 0, "to": 1800000000, "differences": 100,
	"lock_timeout": "2s", "user_ids": "{1}", "ids": "{" + sampleEvent + "}", "types": "{deposit}",
	"amounts": "{120.50}", "times": "{1763769600}", "effective_times": "{1763769600}", "risks": "{high}",
	"ruleset_id": 1, "facts": `{"{\"123\": \"120.50\"}"}`, "alert_codes": `{"{123}"}`,
	"alert_ids": "{" + sampleAlert + "}", "created_at": "2026-11-22T00:00:00Z", "actors": "{anonymous}",
	"event_ids": "{" + sampleEvent + "}", "reasons": `{"[]"}`, "last_id": sampleAlert, "new_state": "{}",
	"last_ids": "{" + sampleAlert + "}", "states": `{"{}"}`, "callers": "{anonymous}", "keys": "{order-7}",
	"event_facts": `{"123": "120.50"}`, "codes": "{123}", "effective_time": 1763769600, "actor": "anonymous",
	"password": "correct horse battery staple", "current_password": "incorrect horse battery staple",
	"new_password_hash": "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$bmV3",
	"password_hash":     "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", "refresh_token": "llr_…",
	"session_id": sampleSession, "caller_session": sampleSession, "caller_id": 1, "caller_role": "admin",
	"account_id": 1, "revoke": true, "generation": 1, "grace": 10, "seconds": 900, "subjects": "{address 192.0.2.7}",
	"limits": "{100}", "user_agent": "curl", "prefix": "llk_5Zt0qP3x", "hash": `\x` + strings.Repeat("00", 32),
	"days": 90, "url": "/media/x7/x7" + strings.Repeat("q", 24) + ".png", "media_type": "image/png", "size": 48213,
	"sha256": strings.Repeat("0", 64), "container_uuid": nil, "container_uuids": `{""}`, "q": "Site", "request_hashes": `{"\\x00"}`,
	"first_ids": "{" + sampleEvent + "}", "required_role": "viewer", "void_id": sampleVoid, "reason": "Wrong user",
	"barcode": "LL-000417", "kind": "box",
	"owner": "Jane", "project": "Cohort 12", "quantity": "1.5", "unit": "ml", "expires_on": "2031-11-30",
	"thaw_count": 0, "rows": 10, "columns": 10, "scheme": "A1", "blocked": nil, "capacity": nil, "parent_uuid": nil,
	"parent": nil, "missing": "mark", "misplaced": "move", "unexpected": "keep",
	"position": nil, "holder": "Bob", "purpose": "DNA extraction", "outcome": "returned", "thawed": true,
	"containers": []object{{"container_uuid": "123e4567-e89b-12d3-a456-426614174000"}}, "order": "rows",
	"keep_positions": false, "offset": 0, "uuids": sampleContainers, "target_uuids": sampleContainers,
	"moved_uuids": sampleContainers, "parent_uuids": "{00000000-0000-0000-0000-000000000000}", "freezer_ids": "{2}",
	"position_rows": "{0}", "position_columns": "{0}",
	"numbers": "{0}", "labels": "{B4}",
	"noun": "freezers", "query": "q=bench&sort=-name", "shared": true,
}

// bodyExamples are values of body fields by operation, where they differ from examples.
var bodyExamples = map[string]map[string]any{
	"MoveContainers":  {"to": object{"freezer_id": 2}, "limit": 1000},
	"EvacuateFreezer": {"to": []object{{"freezer_id": 2}}, "limit": 1000},
}

// IDs of the rows in the samples.
const (
	sampleContainers = "{123e4567-e89b-12d3-a456-426614174000}"
	sampleEvent      = "01a1b5c8-7000-7000-8000-000000000001"
	sampleAlert      = "01a1b5c8-7000-7000-8000-000000000002"
	sampleVoid       = "01a1b5c8-7000-7000-8000-000000000003"

	sampleSession = "2f1c0b6e-5a0f-4a4e-9d5b-3a6c9f5f0e11"

	sampleHeld    = "123e4567-e89b-12d3-a456-426614174001" // a container that is checked out
	sampleMissing = "123e4567-e89b-12d3-a456-426614174002"

	sampleRequestID = "4bf92f3577b34da6a3ce929d0e0e4736" // of a change set
)

// exampleBody returns a body that the operation accepts.
func (o *operation) exampleBody() object {
	body := object{}
	for _, name := range o.Plan.BodyNames() {
		optional := !slices.Contains(o.Plan.RequiredBody(), name)
		switch {
		case slices.Contains(o.Plan.PathNames(), name),
			optional && (name == "id" || name == "uuid" || name == "version" || name == "cookie"):
		case o.Method == http.MethodPatch && len(body) > 0,
			o.Kind == rest.KindMatching && name == "username": // unique
		case o.Name == "ScanCode" && name == "code":
			body[name] = examples["barcode"]
		case name == "alert_id", // the mock data has no alert
			o.Name == "Upload" && name != "site_id": // an attachment belongs to one row
			body[name] = nil
		case name == "container_uuid" && o.Name == "CheckOut":
			body[name] = examples["uuid"]
		case name == "reason" && o.Name != "VoidEvent":
			body[name] = "The tube broke"
		default:
			body[name] = examples[name]
			if value, isOwn := bodyExamples[o.Name][name]; isOwn {
				body[name] = value
			}
		}
	}
	return body
}

// pathExample returns a value for a path variable, never null.
func (o *operation) pathExample(name string) string {
	switch o.Name {
	case "ReturnContainer":
		return sampleHeld
	case "MarkContainerFound":
		return sampleMissing
	case "GetChangeset", "UndoChangeset":
		return sampleRequestID
	}
	switch name {
	case "computer_id":
		return "1"
	case "container_uuid":
		return fmt.Sprint(examples["uuid"])
	case "folder":
		return "x7"
	}
	return fmt.Sprint(examples[name])
}

// curl returns the curl command of an operation.
func (o *operation) curl() string {
	path := o.Path
	for _, name := range o.Variables() {
		value := o.pathExample(name)
		switch name {
		case "offset":
			value = "0"
		case "limit":
			value = "10"
		}
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	target := "http://127.0.0.1:5000" + path + o.queryString()
	if strings.Contains(target, "&") {
		target = "'" + target + "'"
	}
	target += o.bearer()
	switch {
	case o.Method == http.MethodGet:
		return "curl " + target
	case o.Method == http.MethodDelete, len(o.Plan.BodyNames()) == 0:
		return "curl -X " + o.Method + " " + target
	case o.Form:
		return "curl " + target + " \\\n  -F file=@photo.jpg -F site_id=1"
	}
	return fmt.Sprintf("curl -X %s %s \\\n  -H 'Content-Type: application/json' \\\n  -d '%s'",
		o.Method, target, marshal(o.exampleBody()))
}

// marshal returns a value as JSON without the escapes for HTML.
func marshal(value any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// matchingSamples are filters of writes to matching rows. They find rows of the mock data.
var matchingSamples = map[string]string{
	"/api/v1/sites":      "country__empty=true",
	"/api/v1/freezers":   "site_id=1",
	"/api/v1/computers":  "site_id=1",
	"/api/v1/containers": "freezer_id=1",
	"/api/v1/todos":      "status=open",
	"/api/v1/alerts":     "state=open",
	"/api/v1/users":      "country=UK",
}

// queryString returns the query string of the sample: the required parameters, or what a list is asked for.
func (o *operation) queryString() string {
	switch list := o.List(); {
	case o.Kind == rest.KindMatching:
		return "?" + matchingSamples[o.Path] + "&max=10"
	case o.Kind == rest.KindRender:
		return "?freezer_id=1"
	case list != nil:
		return listSample(list)
	case o.Searched() != nil:
		return "?noun=containers&q=plasma"
	}
	values := url.Values{}
	for _, name := range o.Plan.RequiredQuery() {
		values.Set(name, fmt.Sprint(examples[name]))
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// bearer returns the Authorization option of a sample. Only operations that always need a session have one.
func (o *operation) bearer() string {
	if o.Role != rest.SessionOnly {
		return ""
	}
	return " \\\n  -H 'Authorization: Bearer …'"
}

type sampleSQL struct{ label, text string }

// statements returns the SQL that an operation runs, ready for psql.
func (o *operation) statements() (all []sampleSQL) {
	if o.Searched() != nil {
		s := o.Endpoint.Statement(strings.TrimPrefix(o.queryString(), "?"))
		return []sampleSQL{{"SQL for containers", o.statement(query{SQL: s.SQL}, s.Args)}}
	}
	if list := o.List(); list != nil {
		s := o.Statement(strings.TrimPrefix(o.queryString(), "?"))
		_, sql, _ := strings.Cut(s.SQL, "\n") // without the name of the query
		if o.Kind == rest.KindMatching {
			return []sampleSQL{
				{"SQL that finds the rows", o.statement(query{SQL: sql}, s.Args)},
				{"SQL for each row", o.statement(o.src.query(o.queryName()), nil)},
			}
		}
		if o.Kind == rest.KindRender {
			return []sampleSQL{{"SQL that finds the rows", o.statement(query{SQL: sql}, s.Args)}}
		}
		return []sampleSQL{{"SQL", o.statement(query{SQL: sql, Params: o.src.query(o.Name).Params}, s.Args)}}
	}
	for _, name := range o.QueryNames() {
		label := "SQL"
		if strings.HasPrefix(name, "Import") {
			label = "SQL for many rows"
		}
		all = append(all, sampleSQL{label, o.statement(o.src.query(name), nil)})
	}
	return all
}

var placeholderRE = regexp.MustCompile(`\$(\d+)`)

// statement returns the SQL of a query with literals in place of its parameters. args are the values of parameters that
// the query itself does not have.
func (o *operation) statement(q query, args []any) string {
	return placeholderRE.ReplaceAllStringFunc(q.SQL, func(placeholder string) string {
		n, err := strconv.Atoi(placeholder[1:])
		if err != nil {
			panic(err)
		}
		if n > len(q.Params) {
			return literal(args[n-1])
		}
		return o.sampleValue(q.Params[n-1])
	}) + ";"
}

// sampleValue returns the literal of a parameter of a query.
func (o *operation) sampleValue(p param) string {
	const nilUUID = "00000000-0000-0000-0000-000000000000"
	body := o.exampleBody()
	value, hasValue := body[p.Name]
	inPath := slices.Contains(o.Plan.PathNames(), p.Name)
	isCursor := strings.HasPrefix(p.Name, "after")
	switch {
	case p.Name == "limit" && !hasValue:
		return "100"
	case isCursor && p.Type == "uuid":
		return literal(nilUUID)
	case isCursor && p.Nullable && p.Name != "after_xid" && p.Name != "after_kind":
		return "NULL"
	case isCursor, p.Name == "offset":
		return "0"
	case p.Name == "cascade":
		return "false"
	case p.Name == "lines":
		return literal(marshal([]object{body}))
	case p.Name == "given":
		return "ARRAY['" + strings.Join(slices.Sorted(maps.Keys(body)), "', '") + "']"
	case hasValue:
		return literal(value)
	case inPath && (examples[p.Name] == nil || o.pathExample(p.Name) == sampleRequestID):
		return literal(o.pathExample(p.Name))
	case inPath, strings.HasPrefix(p.Name, "caller_"), slices.Contains(o.Plan.RequiredQuery(), p.Name),
		o.Kind == rest.KindFunc:
		return literal(o.example(p))
	}
	return "NULL"
}

// example returns the example of a parameter. It panics if a parameter that must not be null has none.
func (o *operation) example(p param) any {
	if p.Name == "container_uuid" && !p.Nullable {
		return sampleHeld
	}
	value, found := examples[p.Name]
	if !found && !p.Nullable {
		panic("examples has no value for the parameter " + p.Name + " of " + o.Name)
	}
	return value
}

// literal returns a value as an SQL literal.
func literal(value any) string {
	switch v := value.(type) {
	case nil:
		return "NULL"
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	}
	return fmt.Sprint(value)
}
