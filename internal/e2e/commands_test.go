package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"labledger/internal/pgtest"
	"labledger/schema"
)

const siteHeader = "id,name,contact,address,state_or_region,country,postcode_or_zip\n"

// migrated is the environment of commands on a database that has the schema, and the mock data if seeded.
func migrated(t *testing.T, seeded bool) []string {
	t.Helper()
	env := []string{"DATABASE_URL=" + pgtest.Database(t)}
	succeed(t, env, "", "migrate", "up")
	if seeded {
		succeed(t, env, "", "seed")
	}
	return env
}

// file writes a file and returns its path.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVersion(t *testing.T) {
	t.Parallel()
	out := succeed(t, nil, "", "version")
	if name, number, ok := strings.Cut(strings.TrimSpace(out), " "); !ok || name != "labledger" || number == "" || strings.Contains(out[:len(out)-1], "\n") {
		t.Errorf("got %q", out)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	out := succeed(t, nil, "", "help")
	want(t, "--help", succeed(t, nil, "", "--help"), out)
	for _, command := range []string{"serve", "migrate up", "migrate down", "migrate status", "seed", "export", "import", "psql", "version", "help"} {
		says(t, out, "\n  "+command+" ")
	}
	for _, name := range []string{"HOST", "PORT", "DATABASE_URL", "READ_DATABASE_URL", "STATE_DIR", "AUTH", "LOG_LEVEL", "LOG_FORMAT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		says(t, out, "($"+name+")", "--"+strings.ReplaceAll(strings.ToLower(name), "_", "-")+"=")
	}
	says(t, out, `"127.0.0.1"`, `"5000"`, "insecure-open", "debug", "OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER", "OTEL_SDK_DISABLED")
}

func TestUnknownWords(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"bogus"}, {"--bogus"}, {"serve", "bogus"}, {"serve", "--bogus"}, {"migrate"}, {"migrate", "sideways"}, {"migrate", "down", "many"},
		{"export"}, {"export", "sites", "--format", "xml"}, {"export", "sites", "more"}, {"import", "sites"}, {"import"}, {"version", "bogus"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			dir := stateDir(t, "state")
			r := run(t, []string{"STATE_DIR=" + dir}, "", args...)
			if r.code == 0 || r.code == 1 { // 1 is for what went wrong later
				t.Errorf("exit code %d", r.code)
			}
			says(t, r.stdout+r.stderr, "usage: labledger")
			says(t, r.stderr, "labledger: error:")
			untouched(t, dir)
		})
	}
}

// Flags say the same as the environment, and win.
func TestFlags(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	database := strings.TrimPrefix(env[0], "DATABASE_URL=")
	sites := succeed(t, env, "", "export", "sites")
	want(t, "flag", succeed(t, []string{"DATABASE_URL=postgres://127.0.0.1:1/no"}, "", "export", "sites", "--database-url", database), sites)
	want(t, "flag first", succeed(t, nil, "", "--database-url="+database, "export", "sites"), sites)
	want(t, "flag of psql", succeed(t, nil, "", "--database-url="+database, "psql", "-Atc", "SELECT name FROM site WHERE id = 1"), "Site 1\n")
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	files, err := schema.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".up.sql") {
			last++
		}
	}
	env := []string{"DATABASE_URL=" + pgtest.Database(t)}
	status := func(what string, applied int) {
		t.Helper()
		lines := strings.Split(strings.TrimSpace(succeed(t, env, "", "migrate", "status")), "\n")
		if len(lines) != last {
			t.Fatalf("%s: %d lines for %d migrations:\n%s", what, len(lines), last, strings.Join(lines, "\n"))
		}
		for i, line := range lines {
			state := "missing"
			if i < applied {
				state = "applied"
			}
			if words := strings.Fields(line); len(words) != 3 || words[0] != fmt.Sprint(i+1) || words[1] != state {
				t.Errorf("%s: %q; want migration %d %s", what, line, i+1, state)
			}
		}
	}
	step := func(expected string, args ...string) {
		t.Helper()
		want(t, strings.Join(args, " "), succeed(t, env, "", args...), "schema: "+expected+"\n")
	}
	tables := func() string {
		t.Helper()
		return succeed(t, env, "", "psql", "-Atc", "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')")
	}
	empty := tables()
	status("new", 0)
	step(fmt.Sprintf("0 → %d", last), "migrate", "up")
	status("up", last)
	full := tables()
	says(t, full, "site", "change", "instrument")
	step(fmt.Sprintf("%d → %[1]d", last), "migrate", "up")
	step(fmt.Sprintf("%d → %d", last, last-1), "migrate", "down")
	status("down", last-1)
	step(fmt.Sprintf("%d → %d", last-1, last), "migrate", "up")
	status("up again", last)
	want(t, "tables after down and up", tables(), full)
	step(fmt.Sprintf("%d → 0", last), "migrate", "down", fmt.Sprint(last))
	status("all down", 0)
	if strings.Contains(tables(), "site") {
		t.Errorf("left of the schema: %s, besides %s", tables(), empty)
	}
	says(t, fail(t, env, "", "migrate", "down", "0"), "at least 1")
	step(fmt.Sprintf("0 → %d", last), "migrate", "up")
	want(t, "tables at the end", tables(), full)
}

func TestSeed(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=" + pgtest.Database(t)}
	dump := func() (text string) {
		t.Helper()
		for _, table := range []string{"sites", "freezers", "computers", "containers", "instruments", "changes"} {
			text += succeed(t, env, "", "export", table)
		}
		return text
	}
	want(t, "seed", succeed(t, env, "", "seed"), "")
	once := dump()
	says(t, once, "John Smith", "Site 3", "Computer 2", "-40C")
	succeed(t, env, "", "seed")
	want(t, "the second time", dump(), once)

	succeed(t, env, "", "psql", "-qc", "UPDATE site SET name = 'Mine' WHERE id = 1")
	changed := dump()
	succeed(t, env, "", "seed")
	want(t, "after a change", dump(), changed)
}

func TestExport(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	succeed(t, env, "", "psql", "-qc", `INSERT INTO site (name, contact, address) VALUES (E'Ünïcode, "quoted"', E'two\nlines', ''), (E'= \\ \t 試験', NULL, 'x')`)
	succeed(t, env, "", "psql", "-qc", `INSERT INTO site (name) SELECT 'Many ' || n FROM generate_series(1, 3000) n`) // more than a page
	s := start(t, env...)
	for format, accept := range map[string]string{"csv": "text/csv", "ndjson": "application/x-ndjson"} {
		for _, table := range []string{"sites", "freezers", "computers", "containers", "instruments", "changes"} {
			status, body, err := exchange(http.MethodGet, s.url+"/api/v1/"+table, http.Header{"Accept": {accept}}, "")
			if err != nil || status != http.StatusOK {
				t.Fatal(table, status, body, err)
			}
			out := succeed(t, env, "", "export", table, "--format", format)
			if out != body {
				t.Errorf("%s as %s: the file of %d bytes is not the answer of %d bytes", table, format, len(out), len(body))
			}
			path := filepath.Join(t.TempDir(), "out")
			want(t, "standard output beside -o", succeed(t, env, "", "export", table, "--format="+format, "-o", path), "")
			if b, err := os.ReadFile(path); err != nil || string(b) != body {
				t.Errorf("%s as %s: the file -o of %d bytes is not the answer of %d bytes; %v", table, format, len(b), len(body), err)
			}
		}
	}
	out := succeed(t, env, "", "export", "sites")
	says(t, out, "id,name,contact", "\n1,Site 1,John Smith,\"123 Muffin Lane, Ann Arbor\",MI,USA,48103,1\n", "Many 3000", "試験")
	says(t, fail(t, env, "", "export", "cupboards"), "no such table")
	says(t, fail(t, env, "", "export", "../../metrics"), "no such table")
	says(t, fail(t, env, "", "export", "sites", "-o", t.TempDir()), "directory")
}

func TestImport(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	export := func() string { t.Helper(); return succeed(t, env, "", "export", "sites") }
	before := export()

	good := file(t, "good.csv", siteHeader+"1,Site One,,,,,\n,Created,Jane,\"1, Long Road\",,Iceland,101\n")
	want(t, "dry run", succeed(t, env, "", "import", "--dry-run", "sites", good), `{"created":1,"updated":1}`+"\n")
	want(t, "sites after a dry run", export(), before)
	want(t, "import", succeed(t, env, "", "import", "sites", good), `{"created":1,"updated":1}`+"\n")
	after := export()
	says(t, after, "\n1,Site One,,,,,,2\n", ",Created,Jane,\"1, Long Road\",,Iceland,101,1\n", "\n2,Site 2,")

	// All that is wrong is told, and nothing is stored.
	bad := file(t, "bad.csv", siteHeader+"2,Good,,,,,\n3,,,,,,\nthree,Site,,,,,\n4,too,few\n5,Good too,,,,,\n")
	for _, args := range [][]string{{"import", "sites", bad}, {"import", "sites", bad, "--dry-run"}} {
		r := run(t, env, "", args...)
		if r.code != 1 || r.stdout != "" {
			t.Errorf("exit code %d, want 1; standard output %q, want nothing", r.code, r.stdout)
		}
		says(t, r.stderr, "nothing was stored", "line 3, name: ", "line 4, id: ", "line 5, line: ", "3 cells")
		for _, line := range []string{"line 1,", "line 2,", "line 6,"} {
			if strings.Contains(r.stderr, line) {
				t.Errorf("%s is told, but nothing is wrong with it: %s", line, r.stderr)
			}
		}
		want(t, "sites after a bad import", export(), after)
	}
	// What only the database can tell, too.
	lost := file(t, "lost.csv", "name,site_id\nCold,1\nColder,77\nColdest,78\n")
	says(t, fail(t, env, "", "import", "freezers", lost), "line 3, site_id: ", "line 4, site_id: ")
	if strings.Contains(succeed(t, env, "", "export", "freezers"), "Cold") {
		t.Error("a part of a bad file is stored")
	}

	// Standard input, and NDJSON by the file's name or by the flag.
	const line = `{"name":"%s","contact":null,"address":null,"state_or_region":null,"country":null,"postcode_or_zip":null}` + "\n"
	const one = `{"created":1,"updated":0}` + "\n"
	want(t, "CSV from standard input", succeed(t, env, siteHeader+",From a pipe,,,,,\n", "import", "sites", "-"), one)
	want(t, "NDJSON from standard input", succeed(t, env, fmt.Sprintf(line, "From a JSON pipe"), "import", "sites", "-", "--format", "ndjson"), one)
	for _, name := range []string{"a.ndjson", "b.jsonl"} {
		want(t, name, succeed(t, env, "", "import", "sites", file(t, name, fmt.Sprintf(line, "From "+name))), one)
	}
	want(t, "--format", succeed(t, env, "", "import", "sites", "--format=ndjson", file(t, "c.txt", fmt.Sprintf(line, "From c.txt"))), one)
	says(t, export(), "From a pipe", "From a JSON pipe", "From a.ndjson", "From b.jsonl", "From c.txt")

	// An export can be edited and put back; a stale one is refused.
	exported := export()
	edited := file(t, "edited.csv", strings.Replace(exported, "Site 2", "Site Two", 1))
	n := strings.Count(exported, "\n") - 1
	want(t, "an edited export", succeed(t, env, "", "import", "sites", edited), fmt.Sprintf(`{"created":0,"updated":%d}`+"\n", n))
	says(t, export(), "\n2,Site Two,,,,,,2\n")
	says(t, fail(t, env, "", "import", "sites", edited), "nothing was stored", "line 3, version: ")

	for _, table := range []string{"cupboards", "instruments", "changes", "sites/1", ""} {
		says(t, fail(t, env, "", "import", table, good), "no such table")
	}
	says(t, fail(t, env, "", "import", "sites", "nowhere.csv"), "nowhere.csv", "no such file")
	says(t, fail(t, env, "", "import", "sites", "-"), "header")
	says(t, fail(t, env, "id,nmae\n", "import", "sites", "-"), "line 1, nmae: ", "name")
}

// The whole of a large file is one transaction, and a change of it names the person who imported it.
func TestImportInTheHistory(t *testing.T) {
	t.Parallel()
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	env := migrated(t, false)
	var rows strings.Builder
	rows.WriteString(siteHeader)
	for n := range 12_000 { // more than goes to the database at once
		fmt.Fprintf(&rows, "%d,Site %[1]d,,,,,\n", n+1)
	}
	says(t, fail(t, env, rows.String()+"12001,,,,,,\n", "import", "sites", "-"), "line 12002, name: ")
	want(t, "sites", succeed(t, env, "", "export", "sites"), "id,name,contact,address,state_or_region,country,postcode_or_zip,version\n")
	want(t, "import", succeed(t, env, rows.String(), "import", "sites", "-"), `{"created":12000,"updated":0}`+"\n")

	s := start(t, env...)
	for _, path := range []string{"/site/1/history", "/site/12000/history"} {
		changes := history(t, s, path)
		if len(changes) != 1 || changes[0].Actor != who.Username || changes[0].Action != "insert" || changes[0].RequestID == nil {
			t.Errorf("%s: %+v; want one insert by %s with a request id", path, changes, who.Username)
		}
	}
}

type change struct {
	Actor     string
	Action    string
	RequestID *string `json:"request_id"`
}

func history(t *testing.T, s *server, path string) (changes []change) {
	t.Helper()
	if err := json.Unmarshal([]byte(s.get(path, http.StatusOK)), &changes); err != nil {
		t.Fatal(err)
	}
	return changes
}

const instrumentTable = ` site_id | site_name | computer_id | freezer_id |    name    
---------+-----------+-------------+------------+------------
       1 | Site 1    |           1 |            | Computer 1
       1 | Site 1    |           2 |            | Computer 2
       1 | Site 1    |             |          1 | -20C
       1 | Site 1    |             |          2 | -40C
(4 rows)

`

// psql, and every other command, works on a private cluster with its server and without.
func TestPsql(t *testing.T) {
	t.Parallel()
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	state := stateDir(t)
	env := []string{"STATE_DIR=" + state}
	data := filepath.Join(state, "postgres", "data")
	show := func(when string) {
		t.Helper()
		r := run(t, env, "", "psql", "-c", "SELECT * FROM instrument")
		if r.code != 0 || r.stderr != "" {
			t.Errorf("%s: exit code %d, %s", when, r.code, r.stderr)
		}
		want(t, when, r.stdout, instrumentTable)
		for _, c := range []struct {
			code int
			args []string
		}{
			{1, []string{"psql", "-c", "SELECT FROM nowhere"}},
			{1, []string{"psql", "--no-such-flag"}},
			{3, []string{"psql", "-v", "ON_ERROR_STOP=1", "-f", "-"}},
		} {
			if r := run(t, env, "SELECT 1/0;", c.args...); r.code != c.code || r.stderr == "" || strings.Contains(r.stderr, "labledger:") {
				t.Errorf("%s: %q: exit code %d, want %d; %s", when, c.args, r.code, c.code, r.stderr)
			}
		}
		want(t, when+", from standard input", succeed(t, env, "SELECT 6 * 7;", "psql", "-At"), "42\n")
	}

	show("in a new folder") // which is made and filled first
	noPostgres(t, state)

	s := start(t, env...)
	pid := postmaster(t, data)
	show("beside a server")
	succeed(t, env, "", "psql", "-qc", "UPDATE site SET name = 'By hand' WHERE id = 1")
	says(t, s.get("/site/1", http.StatusOK), "By hand")
	s.send(http.MethodPatch, "/site/1", `{"name": "Site 1"}`, http.StatusOK)
	changes := history(t, s, "/site/1/history")
	if len(changes) != 3 || changes[1].RequestID != nil || changes[1].Action != "update" || changes[1].Actor != who.Username ||
		changes[2].RequestID == nil || changes[2].Actor != "anonymous" {
		t.Errorf("history %+v", changes)
	}
	succeed(t, env, siteHeader+"2,Imported,,,,,\n", "import", "sites", "-")
	says(t, s.get("/site/2", http.StatusOK), "Imported")
	says(t, succeed(t, env, "", "export", "sites"), "Imported")
	says(t, succeed(t, env, "", "migrate", "status"), "applied")
	if !alive(pid) || postmaster(t, data) != pid {
		t.Error("a command stopped the server's Postgres")
	}
	s.stop(syscall.SIGINT)
	noPostgres(t, state)

	show("without a server")
	says(t, succeed(t, env, "", "export", "sites"), "Imported")
	noPostgres(t, state)
}

// psql of a given database neither migrates nor fills it.
func TestPsqlOfAGivenDatabase(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=" + pgtest.Database(t)}
	want(t, "tables", succeed(t, env, "", "psql", "-Atc", "SELECT count(*) FROM pg_class WHERE relname = 'site'"), "0\n")
}

// Arguments are for everyone on the machine to see; psql is asked for its own.
func TestPsqlShowsNoPassword(t *testing.T) {
	t.Parallel()
	const password = "p%ss w:rd/"
	env := []string{"DATABASE_URL=" + guarded(t, password)}
	out := succeed(t, env, "\\! ps -ww -o args= -p $PPID\n", "psql", "-At")
	says(t, out, "psql", "-At")
	if strings.Contains(out, password) || strings.Contains(out, "p%25ss") {
		t.Errorf("the password is told: %s", out)
	}
	want(t, "psql with a password", succeed(t, env, "", "psql", "-Atc", "SELECT current_user LIKE 'test%role'"), "t\n")
}
