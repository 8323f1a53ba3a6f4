package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/internal/pgtest"
)

// examples are values by parameter name. The samples work on the mock data.
var examples = map[string]any{
	"id": 1, "name": "Bench 7", "contact": "Ada Lovelace", "address": "1 Harbour Road, Reykjavík",
	"state_or_region": nil, "country": "Iceland", "postcode_or_zip": "101", "site_id": 1, "freezer_id": 1,
	"mac": "08:00:2b:01:02:03", "description": "Plasma, 12 tubes", "uuid": "123e4567-e89b-12d3-a456-426614174000",
	"username": "Ada", "risk": "high", "role": "viewer", "disabled": false, "type": "deposit", "amount": "120.50",
	"user_id": 1, "time": 1763769600, "code": 123, "event_id": sampleEvent, "alert_id": sampleAlert,
	"state": "acknowledged", "assignee": "Jane", "note": "Called Bob", "disposition": nil,
	"title": "Deposit total in time window", "applies_to": "deposit", "limit": "250.00", "window_seconds": 30,
	"enabled": true, "status": "open", "due_on": "2026-11-30", "computer_id": nil,
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
	"sha256": strings.Repeat("0", 64), "container_uuid": nil, "q": "Site", "request_hashes": `{"\\x00"}`,
	"first_ids": "{" + sampleEvent + "}",
}

// IDs of the rows in the samples.
const (
	sampleEvent = "01a1b5c8-7000-7000-8000-000000000001"
	sampleAlert = "01a1b5c8-7000-7000-8000-000000000002"

	sampleSession = "2f1c0b6e-5a0f-4a4e-9d5b-3a6c9f5f0e11"
)

// exampleBody returns a body that the operation accepts.
func exampleBody(rt route, b *binder) object {
	body := object{}
	for _, f := range b.bodyFields {
		optional := !slices.Contains(b.requiredBody, f.name)
		switch {
		case optional && (f.name == "id" || f.name == "uuid" || f.name == "version" || f.name == "cookie"):
		case rt.method == http.MethodPatch && len(body) > 0:
		case f.name == "alert_id", // the mock data has no alert
			b.typ == reflect.TypeFor[UploadRequest]() && f.name != "site_id": // an attachment belongs to one row
			body[f.name] = nil
		default:
			body[f.name] = examples[f.name]
		}
	}
	return body
}

// pathExample returns a value for a path variable, never null.
func pathExample(name string) string {
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
func curl(rt route, b *binder, path string) string {
	for _, f := range b.pathFields {
		value := pathExample(f.name)
		switch f.name {
		case "offset":
			value = "0"
		case "limit":
			value = "10"
		}
		path = strings.ReplaceAll(path, "{"+f.name+"}", value)
	}
	target := "http://127.0.0.1:5000" + path + requiredQueryString(b)
	switch rt.method {
	case http.MethodGet:
		return "curl " + target + bearerOf(rt)
	case http.MethodDelete:
		return "curl -X DELETE " + target + bearerOf(rt)
	}
	if len(b.bodyNames) == 0 {
		return "curl -X " + rt.method + " " + target + bearerOf(rt)
	}
	if rt.endpoint.form {
		return "curl " + target + bearerOf(rt) + " \\\n  -F file=@photo.jpg -F site_id=1"
	}
	body, err := json.Marshal(exampleBody(rt, b))
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("curl -X %s %s%s \\\n  -H 'Content-Type: application/json' \\\n  -d '%s'",
		rt.method, target, bearerOf(rt), body)
}

// requiredQueryString returns the query string with the required parameters, or "".
func requiredQueryString(b *binder) string {
	values := url.Values{}
	for _, name := range b.requiredQuery {
		values.Set(name, fmt.Sprint(examples[name]))
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// bearerOf returns the Authorization option of a sample. Only operations that always need a session have one.
func bearerOf(rt route) string {
	if rt.role != sessionOnly {
		return ""
	}
	return " \\\n  -H 'Authorization: Bearer …'"
}

var sqlParamRE = regexp.MustCompile(`sqlc\.n?arg\('(\w+)'\)|@(\w+)|sqlc\.embed\((\w+)\)`)

type sampleSQL struct{ label, text string }

// statementsOf returns the SQL that an operation runs.
func (src *sources) statementsOf(rt route, b *binder) (all []sampleSQL) {
	for _, call := range rt.endpoint.queries {
		name := functionName(call)
		label := "SQL"
		if strings.HasPrefix(name, "Import") {
			label = "SQL for many rows"
		}
		if src.statements[name] != "" { // a Go function has no SQL; the route lists its queries, too
			all = append(all, sampleSQL{label, src.statement(name, rt, b)})
		}
	}
	return all
}

// statement returns the SQL of a query with literals in place of its parameters, ready for psql.
func (src *sources) statement(name string, rt route, b *binder) string {
	body := exampleBody(rt, b)
	text := sqlParamRE.ReplaceAllStringFunc(src.statements[name], func(match string) string {
		parts := sqlParamRE.FindStringSubmatch(match)
		if parts[3] != "" {
			return parts[3] + ".*"
		}
		name := parts[1] + parts[2]
		value, hasValue := body[name]
		inPath := slices.ContainsFunc(b.pathFields, func(f field) bool { return f.name == name })
		switch {
		case name == "limit" && !hasValue:
			return "100"
		case name == "after_xid", name == "after_kind":
			return "0"
		case name == "after_id", name == "after" && isUUID(b.typ.Field(b.cursorFields[0].index).Type):
			return literal("00000000-0000-0000-0000-000000000000")
		case strings.HasPrefix(name, "after") && strings.HasPrefix(match, "sqlc.narg"):
			return "NULL"
		case name == "offset", strings.HasPrefix(name, "after"):
			return "0"
		case name == "cascade":
			return "false"
		case name == "lines":
			line, err := json.Marshal([]object{body})
			if err != nil {
				panic(err)
			}
			return literal(string(line))
		case name == "given":
			return "ARRAY['" + strings.Join(slices.Sorted(maps.Keys(body)), "', '") + "']"
		case hasValue:
			return literal(value)
		case inPath, strings.HasPrefix(name, "caller_"), slices.Contains(b.requiredQuery, name),
			slices.Contains(multiStatementInputs, b.typ):
			if inPath && examples[name] == nil {
				return literal(pathExample(name))
			}
			return literal(examples[name])
		}
		return "NULL"
	})
	return text
}

// multiStatementInputs are the inputs of operations that run several statements. Their statements have parameters that
// are neither in the path nor in the body.
var multiStatementInputs = []reflect.Type{
	reflect.TypeFor[NewEvent](),
	reflect.TypeFor[RegisterRequest](),
	reflect.TypeFor[LoginRequest](),
	reflect.TypeFor[RefreshRequest](),
	reflect.TypeFor[UpdateAccountRequest](),
	reflect.TypeFor[CreateTokenRequest](),
	reflect.TypeFor[UploadRequest](),
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

// TestSamples runs the SQL of every operation, each statement in its own transaction.
func TestSamples(t *testing.T) {
	pool := pgtest.Pool(t)
	src := readSources(t)
	for _, rt := range routes(deps{metrics: newMetrics(pool, "test")}) {
		if rt.endpoint.raw != nil && rt.endpoint.queries == nil {
			continue
		}
		for _, path := range rt.paths {
			samples := src.statementsOf(rt, newBinder(rt.endpoint.in, rt.method, pathVariables(path)))
			if rt.endpoint.exec != nil && len(samples) != len(rt.endpoint.queries) {
				t.Errorf("%s %s: the samples do not contain all SQL of the operation", rt.method, path)
			}
			var texts []string
			for _, sql := range samples {
				texts = append(texts, sql.text)
			}
			if isEventRoute(rt) { // its statements depend on each other
				texts = []string{strings.Join(texts, "\n")}
			}
			for _, sql := range texts {
				runSample(t, pool, rt.method+" "+path, sql)
			}
		}
	}
}

// runSample runs the SQL of one sample and rolls back.
func runSample(t *testing.T, pool *pgxpool.Pool, name, sql string) {
	t.Helper()
	ctx := t.Context()
	tx, err := pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tx.Conn().PgConn().Exec(ctx, sql).ReadAll()
	mayFail := strings.HasPrefix(name, "DELETE /site/") || strings.HasPrefix(name, "DELETE /api/v1/sites/")
	if err != nil && !(mayFail && strings.Contains(err.Error(), "still in use")) { // the sample shows this error
		t.Errorf("%s: %v\n%s", name, err, sql)
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
}
