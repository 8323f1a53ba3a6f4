package api_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/pgtest"
)

// An answer is what a read returned at a time.
type answer struct {
	path   string
	at     time.Time
	status int
	body   string
	link   string
	total  string
}

// asOf returns the path of the same read with the parameter as_of.
func (a *answer) asOf(at time.Time) string {
	separator := "?"
	if strings.Contains(a.path, "?") {
		separator = "&"
	}
	return a.path + separator + "as_of=" + url.QueryEscape(at.Format(time.RFC3339Nano))
}

var asOfRE = regexp.MustCompile(`as_of=[^&>]*&?`)

// A timeTraveller writes random rows of the register and reads them.
type timeTraveller struct {
	*testing.T
	pool    *pgxpool.Pool
	api     http.Handler
	random  *rand.Rand
	oracles []*oracle
	writes  map[string]int // successful writes by statement
}

// read sends a read.
func (t *timeTraveller) read(path string) answer {
	w := apitest.Do(t.api, "GET", path, "")
	return answer{
		path: path, status: w.Code, body: w.Body.String(),
		link: w.Header().Get("Link"), total: w.Header().Get("X-Total-Count"),
	}
}

// now returns the time of the database.
func (t *timeTraveller) now() time.Time {
	return pgtest.QueryValue[time.Time](t, t.pool, "SELECT clock_timestamp()")
}

// write changes random rows. Most constraints reject some of the writes.
func (t *timeTraveller) write() {
	r := t.random
	text := func() string { return oracleTexts[r.IntN(len(oracleTexts))] }
	id := func() int { return 1 + r.IntN(8) }
	uuid := func() string { return "md5('" + strconv.Itoa(r.IntN(50)) + "')::uuid" }
	statements := []string{
		`UPDATE site SET name = $1, country = nullif($1, 'x') WHERE id = ` + strconv.Itoa(id()),
		`INSERT INTO site (id, name) VALUES (` + strconv.Itoa(id()) + `, $1)`,
		`INSERT INTO site (name) VALUES ($1)`,
		`DELETE FROM site WHERE name = $1`,
		`UPDATE freezer SET name = $1, site_id = ` + strconv.Itoa(id()) + ` WHERE id = ` + strconv.Itoa(id()),
		`UPDATE freezer SET capacity = 1000 - coalesce(capacity, 0) WHERE $1 <> '' AND id = ` + strconv.Itoa(id()),
		fmt.Sprintf(`INSERT INTO freezer (id, name, site_id) VALUES (%d, $1, %d)`, id(), id()),
		`DELETE FROM freezer WHERE $1 <> '' AND id = ` + strconv.Itoa(id()),
		fmt.Sprintf(`UPDATE computer SET name = $1, mac = NULL WHERE id = %d`, id()),
		fmt.Sprintf(`UPDATE computer SET id = id + 1000, mac = '0a:0b:0c:00:01:00'::macaddr + 0
			WHERE $1 <> '' AND id = %d`, id()),
		fmt.Sprintf(`UPDATE computer SET id = id + 1000 WHERE $1 <> '' AND id = %d`, id()),
		fmt.Sprintf(`INSERT INTO computer (id, name, site_id) VALUES (%d, $1, %d)`, id(), id()),
		fmt.Sprintf(`DELETE FROM computer WHERE $1 <> '' AND id = %d`, id()),
		`UPDATE container SET description = $1 WHERE uuid = ` + uuid(),
		`UPDATE container SET kind = left($1, 50), thaw_count = thaw_count + 1, expires_on = '2026-01-03'
			WHERE freezer_id = ` + strconv.Itoa(id()),
		`UPDATE container SET parent_uuid = ` + uuid() + ` WHERE $1 <> '' AND uuid = ` + uuid(),
		`UPDATE container SET parent_uuid = NULL WHERE $1 <> '' AND uuid = ` + uuid(),
		fmt.Sprintf(`UPDATE container SET freezer_id = %d, parent_uuid = NULL WHERE $1 <> '' AND uuid = %s`, id(), uuid()),
		fmt.Sprintf(`INSERT INTO container (uuid, description, freezer_id) VALUES (%s, $1, %d)`, uuid(), id()),
		`INSERT INTO container (uuid, description, parent_uuid) VALUES (` + uuid() + `, $1, ` + uuid() + `)`,
		`DELETE FROM container WHERE $1 <> '' AND uuid = ` + uuid(),
		`UPDATE container SET uuid = ` + uuid() + ` WHERE $1 <> '' AND uuid = ` + uuid(),
		`UPDATE container SET status = 'discarded' WHERE $1 <> '' AND uuid = ` + uuid(),
		`UPDATE container SET quantity = thaw_count + 0.25 WHERE $1 <> '' AND type IS NOT NULL`,
	}
	requests := []string{
		`DELETE /api/v1/sites/` + strconv.Itoa(id()) + `?cascade=true`,
		`DELETE /api/v1/freezers/` + strconv.Itoa(id()) + `?cascade=true`,
		fmt.Sprintf(`POST /api/v1/containers [{"description": "Import", "freezer_id": %d}, {"freezer_id": %d}]`, id(), id()),
		fmt.Sprintf(`POST /api/v1/freezers [{"id": %d, "name": "Import", "site_id": %d}]`, id(), id()),
		fmt.Sprintf(`PUT /api/v1/computers/%d {"name": "Put", "mac": "0a:0b:0c:00:00:f%d", "site_id": %d}`,
			id(), id(), id()),
	}
	if i := r.IntN(len(statements) + len(requests)); i < len(statements) {
		tag, err := t.pool.Exec(t.Context(), statements[i], text())
		if err == nil && tag.RowsAffected() > 0 {
			t.writes[strconv.Itoa(i)]++
		}
	} else {
		parts := strings.SplitN(requests[i-len(statements)]+"  ", " ", 3)
		if strings.HasPrefix(parts[0], "DELETE") && r.IntN(3) > 0 {
			return // else few rows would remain
		}
		if w := apitest.Do(t.api, parts[0], parts[1], strings.TrimSpace(parts[2])); w.Code/100 == 2 {
			t.writes[strconv.Itoa(i)]++
		} else if w.Code >= 500 {
			t.Errorf("%v: %d %s", parts, w.Code, w.Body)
		}
	}
}

// randomPath returns a read of one row, of a map, or of a list with random parameters.
func (t *timeTraveller) randomPath() string {
	r := t.random
	uuid := pgtest.QueryValue[string](t, t.pool, "SELECT md5($1)::uuid::text", strconv.Itoa(r.IntN(50)))
	switch r.IntN(12) {
	case 0:
		return "/api/v1/sites/" + strconv.Itoa(1+r.IntN(8))
	case 1:
		return "/freezer/" + strconv.Itoa(1+r.IntN(8))
	case 2:
		return "/api/v1/computers/" + strconv.Itoa(1+r.IntN(8))
	case 3:
		return "/api/v1/containers/" + uuid
	case 4:
		return "/api/v1/containers/" + uuid + "/path"
	case 5:
		return "/api/v1/containers/" + uuid + "/contents"
	case 6:
		return "/api/v1/freezers/" + strconv.Itoa(1+r.IntN(8)) + "/map"
	}
	o := t.oracles[r.IntN(len(t.oracles))]
	values, err := url.ParseQuery(o.randomRequest(r).query())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parseList(o.relation, values.Encode()); err != nil {
		values = url.Values{}
	}
	if includes := o.relation.Includes(); len(includes) > 0 && r.IntN(2) == 0 {
		values.Set("include", strings.Join(includes, ","))
	}
	switch r.IntN(6) {
	case 0:
		values.Set("format", []string{"csv", "ndjson"}[r.IntN(2)])
	case 1:
		values.Set("limit", strconv.Itoa(1+r.IntN(5)))
		values.Set("offset", strconv.Itoa(r.IntN(8)))
		values.Set("count", "exact")
	default:
		values.Set("limit", strconv.Itoa(1+r.IntN(6)))
	}
	path := "/api/v1/" + o.plural + "?" + values.Encode()
	for range r.IntN(3) { // follow the pages
		links := pageLinkRE.FindAllStringSubmatch(t.read(path).link, -1)
		if len(links) == 0 {
			break
		}
		path = links[r.IntN(len(links))][1]
	}
	return path
}

var pageLinkRE = regexp.MustCompile(`<([^>]+)>`)

// check repeats a read with as_of and compares the response with the one of that time.
func (t *timeTraveller) check(a answer) {
	got := t.read(a.asOf(a.at))
	wanted := a.body
	if a.status == http.StatusNotFound {
		got.body, wanted = "", ""
	}
	if link := asOfRE.ReplaceAllString(got.link, ""); got.status != a.status || got.body != wanted || got.total != a.total ||
		link != a.link {
		i := 0
		for i < min(len(got.body), len(wanted)) && got.body[i] == wanted[i] {
			i++
		}
		from := max(0, i-700)
		t.Errorf("%s: %d %s %s\n%.1000s\nwas %d %s %s\n%.1000s", a.asOf(a.at), got.status, got.total, link,
			got.body[min(from, len(got.body)):], a.status, a.total, a.link, wanted[min(from, len(wanted)):])
	}
	if a.link != "" && !strings.Contains(got.link, "as_of=") {
		t.Errorf("%s: the links lose the time: %s", a.path, got.link)
	}
}

// TestAsOf: reads with as_of return what the same reads returned at that time, whatever was written since then. The
// state of another time differs: the negative control. AS_OF_PAIRS is the number of reads.
func TestAsOf(t *testing.T) {
	t.Parallel()
	pairs := 400
	if text := os.Getenv("AS_OF_PAIRS"); text != "" {
		var err error
		if pairs, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	pool := pgtest.Pool(t)
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("AS_OF_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	t.Log("seed ", seed)
	traveller := &timeTraveller{
		T: t, pool: pool, api: apitest.NewPublic(pool), random: rand.New(rand.NewPCG(seed, 0)), writes: map[string]int{},
	}
	oracleRows(t, pool, traveller.random)
	pgtest.Exec(t, pool, "DELETE FROM checkout WHERE id % 2 = 0")
	pgtest.Exec(t, pool, "DELETE FROM stocktake")
	for _, plural := range []string{"sites", "freezers", "computers", "containers", "instruments"} {
		key := "id"
		if plural == "instruments" {
			key = "site_id"
		}
		traveller.oracles = append(traveller.oracles, newOracle(t, pool, plural, key))
	}
	var answers []answer
	for len(answers) < pairs {
		for range 1 + traveller.random.IntN(10) {
			traveller.write()
		}
		at := traveller.now()
		for range 5 {
			a := traveller.read(traveller.randomPath())
			a.at = at
			if a.status != http.StatusOK && a.status != http.StatusNotFound {
				t.Fatalf("%s: %d %s", a.path, a.status, a.body)
			}
			answers = append(answers, a)
		}
	}
	if len(traveller.writes) < 25 {
		t.Errorf("only %d kinds of writes succeeded: %v", len(traveller.writes), slices.Sorted(maps.Keys(traveller.writes)))
	}
	found, differing := 0, 0
	for i, a := range answers {
		traveller.check(a)
		if t.Failed() {
			t.FailNow()
		}
		if a.status == http.StatusOK && a.body != "[]\n" {
			found++
		}
		if other := traveller.read(a.asOf(answers[(i+len(answers)/2)%len(answers)].at)); other.body != a.body {
			differing++
		}
	}
	t.Logf("%d reads, %d with rows, %d differ at another time", len(answers), found, differing)
	if found < pairs/3 || differing < pairs/10 {
		t.Errorf("of %d reads, %d found rows and %d differ at another time", pairs, found, differing)
	}
}

// TestAsOf_beforeFirstChange: before the first change, lists are empty and rows do not exist.
func TestAsOf_beforeFirstChange(t *testing.T) {
	t.Parallel()
	handler := apitest.NewPublic(pgtest.Pool(t))
	for _, at := range []string{"0001-01-01", "1970-01-01T00:00:00Z", "2000-02-29T23:59:59.999999999%2B14:00"} {
		for _, list := range []string{"sites", "freezers", "computers", "containers", "instruments"} {
			w := apitest.Do(handler, "GET", "/api/v1/"+list+"?count=exact&as_of="+at, "")
			if w.Code != http.StatusOK || w.Body.String() != "[]\n" || w.Header().Get("X-Total-Count") != "0" {
				t.Errorf("%s as of %s: %d %v %s", list, at, w.Code, w.Header(), w.Body)
			}
		}
		for _, path := range []string{"/site/1", "/api/v1/freezers/1", "/computer/1", "/api/v1/freezers/1/map"} {
			w := apitest.Do(handler, "GET", path+"?as_of="+at, "")
			if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "There was no ") {
				t.Errorf("%s as of %s: %d %s", path, at, w.Code, w.Body)
			}
		}
	}
}

// TestAsOf_future: in the future, the register is as it is now.
func TestAsOf_future(t *testing.T) {
	t.Parallel()
	handler := apitest.NewPublic(pgtest.Pool(t))
	for _, path := range []string{"/api/v1/sites", "/instruments", "/api/v1/computers/1", "/api/v1/freezers/1/map"} {
		want := apitest.Do(handler, "GET", path, "").Body.String()
		for _, at := range []string{"9999-12-31", "9999-12-31T23:59:59.999999999Z", "2999-01-01T00:00:00-23:59"} {
			if got := apitest.Do(handler, "GET", path+"?as_of="+at, ""); got.Code != http.StatusOK || got.Body.String() != want {
				t.Errorf("%s as of %s: %d %s, want %s", path, at, got.Code, got.Body, want)
			}
		}
	}
}

// TestAsOf_transaction: the time of a transaction is its beginning. One that begins before a time and commits after it
// belongs to the state of that time as soon as it has committed, with all of its changes.
func TestAsOf_transaction(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	handler := apitest.NewPublic(pool)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	pgtest.Exec(t, tx, "UPDATE site SET name = 'A' WHERE id = 1")
	at := pgtest.QueryValue[time.Time](t, pool, "SELECT clock_timestamp()")
	names := func() string {
		target := "/api/v1/sites?fields=name&id__lte=2&as_of=" + url.QueryEscape(at.Format(time.RFC3339Nano))
		return strings.TrimSpace(apitest.Do(handler, "GET", target, "").Body.String())
	}
	before := names()
	pgtest.Exec(t, tx, "UPDATE site SET name = 'B' WHERE id = 2")
	if got := names(); got != before {
		t.Errorf("before the commit: %s, want %s", got, before)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := names(); got != `[{"name":"A"},{"name":"B"}]` {
		t.Errorf("after the commit: %s", got)
	}
}

// TestAsOf_noETag: a row of the past has no ETag, so that no client takes it for the present row, and conditions on the
// present row do not apply.
func TestAsOf_noETag(t *testing.T) {
	t.Parallel()
	handler := apitest.NewPublic(pgtest.Pool(t))
	etag := apitest.Do(handler, "GET", "/api/v1/sites/1", "").Header().Get("ETag")
	w := apitest.Do(handler, "GET", "/api/v1/sites/1?as_of=2999-01-01", "", "If-None-Match: "+etag)
	if w.Code != http.StatusOK || w.Header().Get("ETag") != "" || etag == "" {
		t.Errorf("%d, ETag %q of the past, %q of the present", w.Code, w.Header().Get("ETag"), etag)
	}
	w = apitest.Do(handler, "GET", "/api/v1/sites/1?as_of=2999-01-01", "", "If-Match: "+etag)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"If-Match"`) {
		t.Errorf("If-Match: %d %s", w.Code, w.Body)
	}
}

// TestAsOf_errors: a time that is no time is a 400 that names as_of, and only the reads of the register accept it.
func TestAsOf_errors(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	token, admin := ts.SignIn("vera", rest.Viewer), ts.SignIn("boss", rest.Admin)
	for _, value := range []string{
		"", "now", "infinity", "-infinity", "2026-13-01", "2016-12-31T23:59:60Z", "0000-01-01", "10000-01-01",
		"0001-01-01T00:00:00%2B14:00", "2026-11-30%2008:00:00", "2026-11-30T08:00:00+02:00", "%00", "1e9", "1&as_of=2026-01-01",
	} {
		for _, path := range []string{"/api/v1/sites", "/site/1", "/sites/0/10", "/api/v1/freezers/1/map", "/instruments"} {
			w := ts.Send(token, "GET", path+"?as_of="+value, "")
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"field":"as_of"`) {
				t.Errorf("%s as of %s: %d %s", path, value, w.Code, w.Body)
			}
		}
	}
	for _, e := range allEndpoints() {
		if e.AcceptsAsOf() || e.Operation.Describe().Kind == rest.KindRaw || e.Role == rest.Public {
			continue
		}
		path := regexp.MustCompile(`\{\w*uuid\w*\}`).ReplaceAllString(e.Path, "00000000-0000-0000-0000-000000000000")
		path = regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "1")
		query, body := "?as_of=2026-01-01", ""
		if e.Operation.Describe().Kind == rest.KindMatching {
			query, body = query+"&max=1", `{"name": "x"}`
		}
		w := ts.Send(admin, e.Method, path+query, body)
		if w.Code < 400 || w.Code >= 500 || w.Code == 400 && !strings.Contains(w.Body.String(), `"as_of"`) {
			t.Errorf("%s %s accepts as_of: %d %s", e.Method, path, w.Code, w.Body)
		}
	}
}

// TestAsOf_authorization: the past has the role of the present.
func TestAsOf_authorization(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	for _, path := range []string{"/site/1", "/sites", "/api/v1/freezers/1/map"} {
		if w := ts.Send("", "GET", path+"?as_of=2026-01-01", ""); w.Code != http.StatusUnauthorized {
			t.Errorf("%s without a token: %d %s", path, w.Code, w.Body)
		}
		if w := ts.Send("", "GET", path+"?as_of=wrong", ""); w.Code != http.StatusUnauthorized {
			t.Errorf("%s without a token: %d %s", path, w.Code, w.Body)
		}
	}
}
