package docs_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"labledger/internal/programtest"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"labledger/internal/auth"
	"labledger/internal/postgres"
)

// deploy/recovery.md says what an operator types. TestRecovery types it: a PostgreSQL that runs with the settings of deploy/archive.yml is harmed,
// and brought back by the page's own blocks.

// moment is how the page's table shows times.
var moment = regexp.MustCompile(`(?m)^ (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\+00) +\| anonymous +\| \w+ +\| delete`)

// TestRecovery harms a database and follows deploy/recovery.md back to the moment before. Then its server is killed, and its disk lost.
func TestRecovery(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	secret := "JWT_SECRET=" + auth.NewSecret()
	data, media := filepath.Join(w.dir, "data"), filepath.Join(w.dir, "media")
	owner, served := w.URL(w.socket, "labledger"), w.URL(w.socket, postgres.ServerRole)
	files := []string{"MEDIA=" + media, "COPY=" + filepath.Join(w.dir, "copy")}

	// Before it happens.
	admin := w.shell(w.owner)
	admin.do("initdb --no-sync -k -Ulabledger -Atrust -D " + data)
	admin.follow("folders")
	old := w.start(data)
	admin.do("createdb")
	env := []string{"DATABASE_URL=" + owner}
	mustRun(t, env, "", "migrate", "up")
	mustRun(t, env, "", "seed")
	mustRun(t, env, "countess of lovelace", "user", "create", "ada", "--role", "admin")
	s := startServer(t, "DATABASE_URL="+served, "MEDIA_DIR="+media, secret)
	first, firstURL := s.attach("Frosted over since Friday.")
	assertContains(t, admin.follow("check"), "archived_count")
	assertContains(t, admin.follow("base"), "is whole; one can go back")
	w.shell(nil, files...).follow("copy of the files")

	// A day's work, all of which is to be there again.
	early := queryText(t, owner, "SELECT clock_timestamp()::text")
	ada := s.Login("ada", "countess of lovelace", http.StatusOK)
	s.Send(http.MethodPost, "/site/50", siteJSON("Kept"), http.StatusOK)
	s.Send(http.MethodPatch, "/site/1", `{"contact": "Kept, too"}`, http.StatusOK)
	s.deposit("150", "kept")
	s.deposit("60", "")
	before := held(t, owner)
	history := queryText(t, owner, "SELECT max(id)::text FROM change")
	under := connect(t, owner) // a transaction that was under way
	tx, err := under.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "INSERT INTO site (name) VALUES ('Under way')"); err != nil {
		t.Fatal(err)
	}

	// Everything is deleted; people go on for a while.
	for _, id := range []string{"1", "2", "3", "50"} {
		s.Send(http.MethodDelete, "/site/"+id+"?cascade=true", "", http.StatusOK)
	}
	s.Send(http.MethodDelete, fmt.Sprintf("/api/v1/attachments/%d", first), "", http.StatusOK)
	s.Get(firstURL, http.StatusNotFound)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	lost := numberIn(t, s.Send(http.MethodPost, "/api/v1/sites", siteJSON("Lost"), http.StatusCreated), "id")
	_, lostURL := s.attach("Found too late.")
	mustExecSQL(t, owner, "DO 'BEGIN FOR n IN 1 .. 300 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END'") // more than this test does afterwards
	seen := s.read("0", s.deposit("33", "lost"))
	lostChange := queryText(t, owner, "SELECT max(id)::text FROM change")
	s.SendAs(ada, http.MethodPost, "/auth/logout", "", http.StatusOK)
	s.SendAs(ada, http.MethodGet, "/site/1", "", http.StatusUnauthorized)
	s.Stop(syscall.SIGINT)

	// Back.
	op := w.shell(w.owner, "PGDATA="+data)
	op.follow("names")
	was := ""
	for _, m := range moment.FindAllStringSubmatch(op.follow("find"), -1) {
		if was == "" || m[1] < was {
			was = m[1]
		}
	}
	if began := queryText(t, owner, "SELECT (min(at) = '"+was+"')::text FROM change WHERE action = 'delete'"); began != "true" {
		t.Fatalf("the page finds the moment %q", was)
	}
	op.do("MOMENT='" + was + "'")
	op.follow("keep")
	w.end(old, syscall.SIGINT)
	base := op.follow("bases")
	op.do("BASE=" + filepath.Join(w.dir, "archive/base", base))

	// Without the WAL of the archive, and that in the old folder, the moment is not reached, and that is told.
	control := w.shell(w.owner, "PGDATA="+filepath.Join(w.dir, "no such folder"))
	control.do("mkdir -p emptied/wal && MOMENT='" + was + "' && BASE=" + filepath.Join(w.dir, "archive/base", base))
	control.follow("names")
	control.do("NEW=$NEW-control")
	control.follow("copy")
	out, _ := control.types(strings.ReplaceAll(w.block("replay"), w.dir+"/archive/", w.dir+"/emptied/"))
	assertContains(t, out, "recovery ended before configured recovery target was reached")
	if strings.Contains(out, "paused") {
		t.Errorf("without WAL the recovery reaches the moment:\n%s", out)
	}

	op.follow("copy")
	op.do("MOMENT='" + early + "'")
	assertContains(t, op.follow("replay"), "paused")
	private := w.URL(strings.TrimSpace(op.do("echo $NEW.run")), "labledger")
	if there := queryText(t, private, "SELECT count(*)::text FROM site WHERE id = 50"); there != "0" {
		t.Error("a site is there before its time")
	}
	shell := strings.TrimSpace(op.do("echo $NEW.shell"))
	op = w.shell(w.owner, "PGDATA="+data) // forward, in another shell, which knows the moment
	op.do(". " + shell)
	assertContains(t, op.follow("replay"), "paused")
	assertContains(t, op.follow("look"), "anonymous | site       | insert | 50")
	if wrong := differences(before, held(t, private)); len(wrong) > 0 {
		t.Errorf("not as it was:\n%s", strings.Join(wrong, "\n"))
	}
	assertEqual(t, "changes", queryText(t, private, "SELECT count(*) FILTER (WHERE action = 'delete') || ' ' || max(id) FROM change"), "0 "+history)
	op.follow("promote", "numbers", "sessions", "lost", "close")
	recovered := strings.TrimSpace(op.do("echo $NEW"))
	for file, lines := range map[string][]string{
		".lost-changes.csv": {"site Under way insert", "site Lost insert", "attachment notes.txt insert", "site Site 1 delete", "site Kept delete", "attachment notes.txt delete"},
		".lost-events.csv":  {"deposit 33.00"},
	} {
		lostLines(t, recovered+file, lines)
	}
	if out, status := op.types(`pg_ctl start -D "$OLD" -l "$NEW.log" -o "-c listen_addresses= -c unix_socket_directories=$NEW.run"`); status == 0 {
		t.Errorf("the old data start by mistake:\n%s", out)
	}
	op.do(`mv "$OLD/PG_VERSION.old" "$OLD/PG_VERSION"`) // the way back
	old = w.start(data)
	assertEqual(t, "sites of the old data", queryText(t, owner, "SELECT string_agg(name, ', ' ORDER BY id) FROM site"), "Under way, Lost")
	w.end(old, syscall.SIGINT)

	// The server works on what was recovered.
	now := w.start(recovered)
	admin.follow("check")
	assertContains(t, admin.do("KEEP=1 "+w.block("base")), "is whole")
	bases := strings.Fields(admin.follow("bases"))
	if len(bases) != 1 || bases[0] == base {
		t.Errorf("base backups %q stayed", bases)
	}
	if left := admin.do("ls " + w.dir + "/archive/wal"); strings.Contains(left, "000000010000000000000001.gz") || !strings.Contains(left, "00000002.history.gz") {
		t.Errorf("the archive holds\n%s", left)
	}
	assertContains(t, w.shell(nil).follow("verify"), "all as it should be")
	assertContains(t, mustRun(t, env, "", "import", "--dry-run", "events", recovered+".lost-events.csv"), `"user_id":7`)
	if settled := queryText(t, owner, "SELECT count(*) || '' FROM change WHERE xid = 0"); settled != "0" {
		t.Errorf("%s changes were settled", settled)
	}
	w.shell(nil, append(files, "PGHOST="+w.socket)...).follow("files")
	s = startServer(t, "DATABASE_URL="+served, "MEDIA_DIR="+media, secret)
	assertEqual(t, "a file", s.Get(firstURL, http.StatusOK), "Frosted over since Friday.")
	s.Get(lostURL, http.StatusOK) // no row knows it
	s.SendAs(ada, http.MethodGet, "/site/1", "", http.StatusUnauthorized)
	assertContains(t, s.Get("/site/1", http.StatusOK), "Kept, too")
	if id := numberIn(t, s.Send(http.MethodPost, "/api/v1/sites", siteJSON("New"), http.StatusCreated), "id"); id <= lost {
		t.Errorf("site %d is new, and %d was a lost one's number", id, lost)
	}
	assertContains(t, s.Get("/api/v1/changes?after="+lostChange, http.StatusOK), `"New"`)
	kept, again := s.deposit("150", "kept"), s.deposit("33", "lost")
	assertEqual(t, "events", queryText(t, owner, "SELECT count(*) || '' FROM event WHERE user_id = 7"), "3") // 150, 60, and 33 again
	if kept == again {
		t.Error("two events are one")
	}
	if newer := s.read(seen, again); newer == seen {
		t.Errorf("the position %s was given again", newer)
	}

	// The server is killed with WAL that was not archived; then its disk is lost as well. What the older of two base backups needs is still there.
	assertContains(t, admin.do("KEEP=2 "+w.block("base")), "any moment after "+bases[0])
	admin.follow("check")
	s.Send(http.MethodPost, "/site/60", siteJSON("Not archived"), http.StatusOK)
	s.Stop(syscall.SIGINT)
	all := held(t, owner)
	w.end(now, syscall.SIGKILL)
	if err := os.Remove(filepath.Join(recovered, "postmaster.pid")); err != nil {
		t.Fatal(err)
	}
	for name, old := range map[string]string{"killed": recovered, "lost": filepath.Join(w.dir, "no such folder")} {
		op := w.shell(w.owner, "PGDATA="+old)
		op.follow("names")
		op.do("MOMENT= NEW=$NEW-" + name + " BASE=" + filepath.Join(w.dir, "archive/base", bases[0]))
		op.follow("copy")
		// Where the configuration is not in the data folder.
		op.do(`mv "$NEW/postgresql.conf" "$NEW.conf" && OPTIONS="$OPTIONS -c config_file=$NEW.conf"`)
		assertContains(t, op.follow("replay"), "at the end")
		op.follow("promote")
		private := w.URL(strings.TrimSpace(op.do("echo $NEW.run")), "labledger")
		if wrong := differences(all, held(t, private)); name == "killed" && len(wrong) > 0 {
			t.Errorf("not as it was when the server was killed:\n%s", strings.Join(wrong, "\n"))
		}
		sites := queryText(t, private, "SELECT string_agg(name, ', ' ORDER BY id) FROM site WHERE name IN ('Kept', 'New', 'Not archived')")
		assertEqual(t, "sites after the server was "+name, sites, map[string]string{"killed": "Kept, New, Not archived", "lost": "Kept, New"}[name])
		op.follow("close")
	}

	for _, name := range w.page.names {
		if !w.ran[name] {
			t.Errorf("deploy/recovery.md: no test runs the block %q", name)
		}
	}
}

// held is what every table of a database holds: how many rows, and a sum of them.
func held(t *testing.T, url string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, url+"&timezone=UTC")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }() // it was only read
	all := map[string]string{}
	for table := range strings.FieldsSeq(queryText(t, url, "SELECT string_agg(tablename, ' ') FROM pg_tables WHERE schemaname = 'public'")) {
		var sum string
		if err := conn.QueryRow(ctx, fmt.Sprintf("SELECT count(*) || ' ' || md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM %s AS t", table)).Scan(&sum); err != nil {
			t.Fatalf("table %s: %v", table, err)
		}
		all[table] = sum
	}
	return all
}

// differences names the tables that are not as they were.
func differences(before, now map[string]string) (all []string) {
	for table, was := range before {
		if now[table] != was {
			all = append(all, fmt.Sprintf("%s: %s, was %s", table, now[table], was))
		}
	}
	if len(before) != len(now) {
		all = append(all, fmt.Sprintf("%d tables, were %d", len(now), len(before)))
	}
	slices.Sort(all)
	return all
}

// read reads the stream after a position until something comes by, and returns the position of that.
func (s *programtest.Server) read(last, until string) (position string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), waitTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/v1/stream", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Last-Event-ID", last)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // it goes on for ever
	found := false
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if id, isID := strings.CutPrefix(lines.Text(), "id: "); isID {
			position = id
		}
		found = found || strings.Contains(lines.Text(), until)
		if found && lines.Text() == "" {
			return position
		}
	}
	s.t.Fatalf("the stream after %s ends without %s: %s, %v", last, until, answer.Status, lines.Err())
	return ""
}

// numberIn is a field of an answer.
func numberIn(t *testing.T, answer, field string) int64 {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(answer), &fields); err != nil {
		t.Fatal(err)
	}
	n, ok := fields[field].(float64)
	if !ok {
		t.Fatalf("%s has no number %s", answer, field)
	}
	return int64(n)
}

// form is a file as a browser sends it.
const form = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"notes.txt\"\r\n\r\n%s\r\n--B--\r\n"

// attach uploads a file and returns its number and its address.
func (s *programtest.Server) attach(text string) (id int64, url string) {
	s.t.Helper()
	status, answer, err := request(http.MethodPost, s.URL+"/upload", http.Header{"Content-Type": {"multipart/form-data; boundary=B"}}, fmt.Sprintf(form, text))
	if err != nil || status != http.StatusCreated {
		s.t.Fatal(status, answer, err)
	}
	var a struct{ URL string }
	if err := json.Unmarshal([]byte(answer), &a); err != nil {
		s.t.Fatal(err)
	}
	return numberIn(s.t, answer, "id"), a.URL
}

// deposit records an event of user 7 and returns its id.
func (s *programtest.Server) deposit(amount, key string) string {
	s.t.Helper()
	a, err := postEvent(s.URL, key, fmt.Sprintf(`{"type": "deposit", "amount": %s, "user_id": 7, "time": 100}`, amount))
	if err != nil {
		s.t.Fatal(err)
	}
	return a.EventID
}

// lostLines holds a list of what was lost against what is known to be.
func lostLines(t *testing.T, file string, want []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	var got []string
	for _, row := range rows[1:] {
		if len(row) == 4 {
			got = append(got, row[0]+" "+row[1])
			continue
		}
		var change struct{ Name string }
		if err := json.Unmarshal([]byte(cmp.Or(row[7], row[6])), &change); err != nil {
			t.Fatal(err)
		}
		got = append(got, row[3]+" "+change.Name+" "+row[5])
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("%s: %q is missing in %q", file, line, got)
		}
	}
	if slices.Contains(got, "site Kept insert") || slices.Contains(got, "deposit 150.00") {
		t.Errorf("%s: something is not lost: %q", file, got)
	}
}
