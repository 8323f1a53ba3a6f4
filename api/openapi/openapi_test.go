package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/api/rest"
	"labledger/internal/pgtest"
)

// root is the root directory of the repository.
const root = "../.."

// openapi.json is what the generator makes of the routes, the queries and the comments.
func TestDocument(t *testing.T) {
	generated, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("../openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(committed), string(generated)); diff != "" {
		t.Errorf("openapi.json differs from the routes; run `make gen` (- committed, + generated):\n%s", diff)
	}
}

// Every successful response with a JSON body has an example.
func TestExamples(t *testing.T) {
	src, err := readSources(root)
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range document(src, api.Endpoints())["paths"].(object) {
		for method, op := range item.(object) {
			for status, response := range op.(object)["responses"].(object) {
				content, _ := response.(object)["content"].(object)
				body, isJSON := content["application/json"].(object)
				if isJSON && status[0] == '2' && body["example"] == nil {
					t.Errorf("%s %s: no story of api/testdata/example-*.http returns %s", method, path, status)
				}
			}
		}
	}
}

// queries.json has the queries of queries/, with the SQL that runs. `make fresh` compares all of it.
func TestCatalog(t *testing.T) {
	src, err := readSources(root)
	if err != nil {
		t.Fatal(err)
	}
	site := src.Queries["GetSite"]
	if site.Comment != "Returns one site." || !strings.Contains(site.SQL, "FROM site") ||
		len(site.Params) != 1 || site.Params[0] != (param{Name: "id", Type: "int8"}) {
		t.Errorf("GetSite: %+v", site)
	}
	if got := src.Tables["site"].Columns["contact"]; got != "Contact person." {
		t.Errorf("comment of site.contact: %q", got)
	}
}

// The generator finds the constraints from which it reads the values of a column.
func TestEnumValues(t *testing.T) {
	enums, err := readEnumValues(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		table, column, values string
	}{
		{"account", "risk", "low medium high"},
		{"account", "role", "viewer operator admin"},
		{"alert", "state", "open acknowledged closed"},
		{"alert", "disposition", "confirmed false_positive"},
		{"rule", "applies_to", "deposit withdraw any"},
		{"event", "type", "deposit withdraw"},
		{"change", "action", "insert update delete"},
	} {
		if got := strings.Join(enums[want.table][want.column], " "); got != want.values {
			t.Errorf("%s.%s: %q, want %q", want.table, want.column, got, want.values)
		}
	}
}

// The SQL samples of every operation run on the mock data, each statement in its own transaction.
func TestSamples(t *testing.T) {
	pool := pgtest.Pool(t)
	src, err := readSources(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range api.Endpoints() {
		o := newOperation(src, e)
		samples := o.statements()
		if o.Kind != rest.KindFunc && o.Kind != rest.KindRaw && len(samples) == 0 {
			t.Errorf("%s %s has no sample", o.Method, o.Path)
		}
		var texts []string
		for _, sql := range samples {
			texts = append(texts, sql.text)
		}
		if o.isEvent() || o.Name == "CheckOut" || o.Name == "TransferCheckout" { // its statements depend on each other
			texts = []string{strings.Join(texts, "\n")}
		}
		for _, sql := range texts {
			runSample(t, pool, o, sql)
		}
	}
}

// sampleErrors are the errors that samples show, by the name of their operation.
var sampleErrors = map[string]string{
	"CheckOut":         "checkout_container_uuid_fkey", // the mock data has no container
	"TransferCheckout": "checkout_container_uuid_fkey",

	"DeleteSite":  "still in use",
	"DeleteSites": "still in use",
	"ShowSession": "the session or API token has ended",
}

// runSample runs the SQL of one sample and rolls back.
func runSample(t *testing.T, pool *pgxpool.Pool, o *operation, sql string) {
	t.Helper()
	ctx := t.Context()
	tx, err := pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tx.Conn().PgConn().Exec(ctx, sql).ReadAll()
	want := sampleErrors[o.Name]
	if strings.HasPrefix(sql, "SELECT list.") { // it only finds the rows of a write
		want = ""
	}
	if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("%s %s: error %v, want %q\n%s", o.Method, o.Path, err, want, sql)
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
}
