package cli_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"labledger/internal/programtest"
)

// An export has the same bytes as the response of the API.
func TestExport(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	mustRun(t, env, "", "psql", "-qc", `INSERT INTO site (name, contact, address)
		VALUES (E'Ünïcode, "quoted"', E'two\nlines', ''), (E'= \\ \t 試験', NULL, 'x')`)
	const moreThanOnePage = `INSERT INTO site (name) SELECT 'Many ' || n FROM generate_series(1, 3000) n`
	mustRun(t, env, "", "psql", "-qc", moreThanOnePage)
	s := startServer(t, env...)
	for format, accept := range map[string]string{"csv": "text/csv", "ndjson": "application/x-ndjson"} {
		for _, table := range []string{"sites", "freezers", "computers", "containers", "checkouts", "instruments", "changes"} {
			status, body, err := request(http.MethodGet, s.URL+"/api/v1/"+table, http.Header{"Accept": {accept}}, "")
			if err != nil || status != http.StatusOK {
				t.Fatal(table, status, body, err)
			}
			out := mustRun(t, env, "", "export", table, "--format", format)
			if out != body {
				t.Errorf("%s as %s: the export of %d bytes differs from the response of %d bytes",
					table, format, len(out), len(body))
			}
			path := filepath.Join(t.TempDir(), "out")
			stdout := mustRun(t, env, "", "export", table, "--format="+format, "-o", path)
			assertEqual(t, "standard output with -o", stdout, "")
			if text, err := os.ReadFile(path); err != nil || string(text) != body {
				t.Errorf("%s as %s: the file of %d bytes differs from the response of %d bytes; %v",
					table, format, len(text), len(body), err)
			}
		}
	}
	out := mustRun(t, env, "", "export", "sites")
	assertContains(t, out, "id,name,contact", "Many 3000", "試験",
		"\n1,Site 1,John Smith,\"123 Muffin Lane, Ann Arbor\",MI,USA,48103,1\n")
	assertContains(t, mustFail(t, env, "", "export", "cupboards"), "no such table")
	assertContains(t, mustFail(t, env, "", "export", "../../metrics"), "no such table")
	assertContains(t, mustFail(t, env, "", "export", "sites", "-o", t.TempDir()), "directory")
}

func TestExport_reportsFullDisk(t *testing.T) {
	t.Parallel()
	r := run(t, migrated(t, true), "", "export", "sites", "-o", "/dev/full")
	if r.Code != 1 || strings.Contains(r.Stderr, "goroutine") {
		t.Errorf("exit code %d: %.300s", r.Code, r.Stderr)
	}
	assertContains(t, r.Stderr, "no space")
}

func TestExport_keepsOldFileOnFailure(t *testing.T) {
	t.Parallel()
	for table, env := range map[string][]string{
		"cupboards": migrated(t, true), // no such table
		"sites":     {"DATABASE_URL=postgres://127.0.0.1:1/x"},
	} {
		path := writeFile(t, "old.csv", "precious\n")
		mustFail(t, env, "", "export", table, "-o", path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		assertEqual(t, "the old file", string(text), "precious\n")
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	env := migrated(t, true)
	export := func() string { t.Helper(); return mustRun(t, env, "", "export", "sites") }
	before := export()

	valid := writeFile(t, "valid.csv",
		programtest.SiteHeader+"1,Site One,,,,,\n,Created,Jane,\"1, Long Road\",,Iceland,101\n")
	const oneEach = `{"created":1,"updated":1,"cleared":5}` + "\n"
	assertEqual(t, "dry run", mustRun(t, env, "", "import", "--dry-run", "sites", valid), oneEach)
	assertEqual(t, "sites after a dry run", export(), before)
	assertEqual(t, "import", mustRun(t, env, "", "import", "sites", valid), oneEach)
	after := export()
	assertContains(t, after, "\n1,Site One,,,,,,2\n", ",Created,Jane,\"1, Long Road\",,Iceland,101,1\n", "\n2,Site 2,")

	// Every error is reported by line, and nothing is stored.
	invalid := writeFile(t, "invalid.csv",
		programtest.SiteHeader+"2,Good,,,,,\n3,,,,,,\nthree,Site,,,,,\n4,too,few\n5,Good too,,,,,\n")
	for _, args := range [][]string{{"import", "sites", invalid}, {"import", "sites", invalid, "--dry-run"}} {
		r := run(t, env, "", args...)
		if r.Code != 1 || r.Stdout != "" {
			t.Errorf("exit code %d, want 1; standard output %q, want none", r.Code, r.Stdout)
		}
		assertContains(t, r.Stderr, "nothing was imported", "line 3, name: ", "line 4, id: ", "line 5, line: ", "3 cells")
		for _, line := range []string{"line 1,", "line 2,", "line 6,"} {
			if strings.Contains(r.Stderr, line) {
				t.Errorf("valid %s is reported: %s", line, r.Stderr)
			}
		}
		assertEqual(t, "sites after a failed import", export(), after)
	}
	// Errors that the database finds are reported in the same way.
	missing := writeFile(t, "missing.csv", "name,site_id\nCold,1\nColder,77\nColdest,78\n")
	assertContains(t, mustFail(t, env, "", "import", "freezers", missing), "line 3, site_id: ", "line 4, site_id: ")
	if strings.Contains(mustRun(t, env, "", "export", "freezers"), "Cold") {
		t.Error("some rows of an invalid file are stored")
	}

	// Columns that a file does not have keep their values.
	partial := writeFile(t, "partial.csv", "id,country\n1,Chile\n")
	mustRun(t, env, "", "import", "sites", partial)
	assertEqual(t, "sites after a partial import", export(),
		strings.Replace(after, "\n1,Site One,,,,,,2\n", "\n1,Site One,,,,Chile,,3\n", 1))

	// An export can be edited and imported; a stale one is rejected.
	exported := export()
	edited := writeFile(t, "edited.csv", strings.Replace(exported, "Site 2", "Site Two", 1))
	n := strings.Count(exported, "\n") - 1
	assertEqual(t, "an edited export", mustRun(t, env, "", "import", "sites", edited),
		fmt.Sprintf(`{"created":0,"updated":%d,"cleared":0}`+"\n", n))
	assertContains(t, export(), "\n2,Site Two,")
	assertContains(t, mustFail(t, env, "", "import", "sites", edited), "nothing was imported", "line 3, version: ")

	for _, table := range []string{"cupboards", "instruments", "changes", "sites/1", ""} {
		assertContains(t, mustFail(t, env, "", "import", table, valid), "no such table")
	}
	assertContains(t, mustFail(t, env, "", "import", "sites", "nowhere.csv"), "nowhere.csv", "no such file")
	assertContains(t, mustFail(t, env, "", "import", "sites", "-"), "header")
	assertContains(t, mustFail(t, env, "id,nmae\n", "import", "sites", "-"), "line 1, nmae: ", "name")
}

// The format follows the flag, else the extension of the file name.
func TestImport_formats(t *testing.T) {
	t.Parallel()
	env := migrated(t, false)
	object := func(name string) string {
		return `{"name":"` + name + `","contact":null,"address":null,"state_or_region":null,"country":null,` +
			`"postcode_or_zip":null}`
	}
	zip := func(text string) string {
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		_, err := io.WriteString(w, text)
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return zipped.String()
	}
	tabs := strings.NewReplacer(",", "\t")
	for _, c := range []struct {
		name  string
		stdin string
		args  []string
	}{
		{"CSV from stdin", programtest.SiteHeader + ",CSV from stdin,,,,,\n", []string{"-"}},
		{"NDJSON from stdin", object("NDJSON from stdin") + "\n", []string{"-", "--format", "ndjson"}},
		{"a.ndjson", "", []string{writeFile(t, "a.ndjson", object("a.ndjson")+"\n")}},
		{"b.jsonl", "", []string{writeFile(t, "b.jsonl", object("b.jsonl")+"\n")}},
		{"c.txt", "", []string{"--format=ndjson", writeFile(t, "c.txt", object("c.txt")+"\n")}},
		{"d.json", "", []string{writeFile(t, "d.json", "["+object("d.json")+"]")}},
		{"e.CSV", "", []string{writeFile(t, "e.CSV", programtest.SiteHeader+",e.CSV,,,,,\n")}},
		{"f.JSONL", "", []string{writeFile(t, "f.JSONL", object("f.JSONL")+"\n")}},
		{"g.tsv", "", []string{writeFile(t, "g.tsv", tabs.Replace(programtest.SiteHeader+",g.tsv,,,,,\n"))}},
		{"h.csv.gz", "", []string{writeFile(t, "h.csv.gz", zip(programtest.SiteHeader+",h.csv.gz,,,,,\n"))}},
		{"i.ndjson.GZ", "", []string{writeFile(t, "i.ndjson.GZ", zip(object("i.ndjson.GZ")))}},
		{"gzip from stdin", zip(programtest.SiteHeader + ",gzip from stdin,,,,,\n"), []string{"-"}},
	} {
		out := mustRun(t, env, c.stdin, append([]string{"import", "sites"}, c.args...)...)
		assertEqual(t, c.name, out, `{"created":1,"updated":0,"cleared":0}`+"\n")
		assertContains(t, mustRun(t, env, "", "export", "sites"), c.name)
	}
}

// A file that is no text is named and never printed. Control characters of a file do not reach the terminal.
func TestImport_foreignFiles(t *testing.T) {
	t.Parallel()
	env := migrated(t, false)
	for name, c := range map[string]struct{ text, want string }{
		"a.xlsx":   {"PK\x03\x04\x14\x00\x06\x00\x1b[2J", "spreadsheet"},
		"b.csv":    {"\xff\xfen\x00a\x00m\x00e\x00", "UTF-16"},
		"c.csv":    {"\x1b]0;title\a,name\n", `\x1b]0;title\x07`},
		"d.ndjson": {`{"\u001b[2J\u202e": 1}`, `\x1b[2J\u202e`},
	} {
		message := mustFail(t, env, "", "import", "sites", writeFile(t, name, c.text))
		assertContains(t, message, c.want)
		if i := strings.IndexFunc(message, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }); i >= 0 {
			t.Errorf("%s: the message has a control character: %q", name, message)
		}
	}
}

// An import of a large file is one transaction. Its changes name the OS user.
func TestImport_isRecordedInTheHistory(t *testing.T) {
	t.Parallel()
	osUser, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	env := migrated(t, false)
	var rows strings.Builder
	rows.WriteString(programtest.SiteHeader)
	for n := range 12_000 { // more than one chunk
		fmt.Fprintf(&rows, "%d,Site %[1]d,,,,,\n", n+1)
	}
	assertContains(t, mustFail(t, env, rows.String()+"12001,,,,,,\n", "import", "sites", "-"), "line 12002, name: ")
	assertEqual(t, "sites", mustRun(t, env, "", "export", "sites"), strings.TrimSpace(programtest.SiteHeader)+",version\n")
	out := mustRun(t, env, rows.String(), "import", "sites", "-")
	assertEqual(t, "import", out, `{"created":12000,"updated":0,"cleared":0}`+"\n")

	s := startServer(t, env...)
	for _, path := range []string{"/site/1/history", "/site/12000/history"} {
		changes := s.History(path)
		if len(changes) != 1 || changes[0].Actor != "os:"+osUser.Username || changes[0].Action != "insert" ||
			changes[0].RequestID == nil {
			t.Errorf("%s: %+v, want one insert by %s with a request ID", path, changes, osUser.Username)
		}
	}
}

func TestImport_rejectsDirectory(t *testing.T) {
	t.Parallel()
	env := migrated(t, false)
	for _, format := range []string{"csv", "ndjson"} {
		message := mustFail(t, env, "", "import", "sites", t.TempDir(), "--format", format)
		assertContains(t, message, "directory")
		if strings.Contains(message, "not CSV") || strings.Count(message, "directory") > 1 {
			t.Error(message)
		}
	}
}
