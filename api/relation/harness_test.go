package relation

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"labledger/api/bind"
	"labledger/api/problem"
	"labledger/internal/sqltype"
)

// Rows of the relations of the tests.
type (
	site struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
	freezer struct {
		ID     int64  `json:"id"`
		Name   string `json:"name"`
		SiteID int64  `json:"site_id"`
	}
	// sample has a column of each type. The columns of internalSample are for this package.
	sample struct {
		UUID      uuid.UUID       `json:"uuid"`
		Name      *string         `json:"name"`
		Kind      string          `json:"kind"`
		FreezerID *int64          `json:"freezer_id"`
		Rank      int32           `json:"rank"`
		Amount    sqltype.Decimal `json:"amount"`
		DueOn     *sqltype.Date   `json:"due_on"`
		At        time.Time       `json:"at"`
		Sealed    *bool           `json:"sealed"`
		Mac       *sqltype.MAC    `json:"mac"`
		Codes     []int32         `json:"codes"`
		Facts     json.RawMessage `json:"facts"`
		Limit     int64           `json:"limit"`
	}
	internalSample struct {
		Search  string `json:"search"`
		Settled bool   `json:"settled"`
	}
	change struct {
		Xid   int64  `json:"xid"`
		ID    int64  `json:"id"`
		Actor string `json:"actor"`
	}
)

// newRelations returns samples that reference freezers, which reference sites.
func newRelations() (samples, freezers, sites *Relation) {
	rules := bind.Rules{"kind": {Check: func(text string) string {
		if text != "box" && text != "tube" {
			return "must be box or tube"
		}
		return ""
	}}}
	sites = New("ListSites", "SELECT * FROM site", 0, reflect.TypeFor[site](), reflect.TypeFor[site](), Options{})
	freezers = New("ListFreezers", "-- name: ListFreezers :many\n-- Lists them.\nSELECT * FROM freezer;", 0,
		reflect.TypeFor[freezer](), reflect.TypeFor[freezer](), Options{})
	samples = New("ListSamples", "SELECT * FROM sample WHERE owner = $1", 1,
		reflect.TypeFor[sample](), reflect.TypeFor[internalSample](), Options{Rules: rules})
	targets := []Target{{"site", "id", sites}, {"freezer", "id", freezers}}
	for _, r := range []*Relation{samples, freezers, sites} {
		r.Link(targets)
	}
	return samples, freezers, sites
}

// newChanges returns a list whose key begins with a column that clients do not see.
func newChanges() *Relation {
	return New("ListChanges", "SELECT * FROM change", 0, reflect.TypeFor[change](), reflect.TypeFor[internalSample](),
		Options{Key: []string{"xid", "id"}})
}

// ignored are the parameters that package rest parses.
var ignored = []string{"limit", "offset", "count", "format"}

// parse parses a query string. Malformed parts of it are left out.
func parse(r *Relation, raw string) (*Request, problem.FieldErrors) {
	values, _ := url.ParseQuery(raw)
	var errs problem.FieldErrors
	q := r.Parse(values, url.Values{}, ignored, &errs)
	return q, errs
}

// mustParse parses a valid query string.
func mustParse(t *testing.T, r *Relation, raw string) *Request {
	t.Helper()
	q, errs := parse(r, raw)
	if len(errs) > 0 {
		t.Fatalf("%s: %v", raw, errs)
	}
	return q
}

// args are those of the statement of samples.
var args = []any{"own"}

// argsOf returns the arguments of the list's own statement.
func argsOf(r *Relation) []any { return args[:r.params] }

// oneLine returns SQL without line breaks, and without the comment with its name.
func oneLine(sql string) string {
	if strings.HasPrefix(sql, "--") {
		_, sql, _ = strings.Cut(sql, "\n")
	}
	return strings.Join(strings.Fields(sql), " ")
}
