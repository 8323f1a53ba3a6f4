package docs_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"labledger/internal/auth"
	"labledger/internal/postgres"
	"labledger/internal/programtest"
)

// recoveryTest is the state of TestRecovery between its phases.
type recoveryTest struct {
	t   *testing.T
	env *recoveryEnv

	dataDir, mediaDir string
	ownerURL          string
	ownerEnv          []string // of commands
	serverEnv         []string // of the server
	fileVars          []string // variables of the blocks for uploaded files

	admin *shell // of the owner of the data
	db    postgresServer
	api   *programtest.Server
	ada   http.Header // a signed-in user

	keptFile, lateFile attachment        // uploaded before and after the moment
	early              string            // a time before the day's work
	tables             map[string]string // at the moment
	lastChange         string            // ID of the last change before the moment
	lostSiteID         int64
	lostChange         string // ID of the last change after the moment
	streamPosition     string // of a client that has read everything

	base      string // name of the base backup
	moment    string // that the document finds
	recovered string // directory of the recovered data
}

// TestRecovery deletes data and follows docs/recovery.md back to the moment before: it runs all blocks of the
// document, in order, against a PostgreSQL with the settings of deploy/archive.yml. Then it recovers from a crash and
// from a lost disk.
func TestRecovery(t *testing.T) {
	t.Parallel()
	r := newRecoveryTest(t)
	r.setUpArchive()
	r.recordWork()
	r.deleteData()
	r.findMoment()
	r.checkThatWALIsNeeded()
	r.recoverToMoment()
	r.checkThatOldDataIsDisabled()
	r.reopenService()
	r.recoverAfterCrash()
	for _, name := range r.env.doc.names {
		if !r.env.ran[name] {
			t.Errorf("%s: the test does not run the block %q", recoveryDoc, name)
		}
	}
}

func newRecoveryTest(t *testing.T) *recoveryTest {
	t.Helper()
	e := newRecoveryEnv(t)
	r := &recoveryTest{t: t, env: e, dataDir: filepath.Join(e.dir, "data"), mediaDir: filepath.Join(e.dir, "media")}
	r.ownerURL = e.url(e.socket, "labledger")
	r.ownerEnv = []string{"DATABASE_URL=" + r.ownerURL}
	r.serverEnv = []string{
		"DATABASE_URL=" + e.url(e.socket, postgres.ServerRole), "MEDIA_DIR=" + r.mediaDir, "JWT_SECRET=" + auth.NewSecret(),
	}
	r.fileVars = []string{"MEDIA=" + r.mediaDir, "COPY=" + filepath.Join(e.dir, "copy")}
	return r
}

// setUpArchive installs the service and follows the setup of the document.
func (r *recoveryTest) setUpArchive() {
	t, e := r.t, r.env
	r.admin = e.shell(e.owner)
	r.admin.mustRun("initdb --no-sync -k -EUTF8 -Ulabledger -Atrust -D " + r.dataDir)
	r.admin.mustRunBlocks("directories")
	r.db = e.startPostgres(r.dataDir)
	r.admin.mustRun("createdb")
	mustRun(t, r.ownerEnv, "", "migrate", "up")
	mustRun(t, r.ownerEnv, "", "seed")
	mustRun(t, r.ownerEnv, programtest.SamplePassword, "user", "create", "ada", "--role", "admin")
	r.api = startServer(t, r.serverEnv...)
	r.keptFile = r.attach("Frosted over since Friday.")
	assertContains(t, r.admin.mustRunBlocks("check"), "archived_count")
	assertContains(t, r.admin.mustRunBlocks("base"), "is complete; recovery is possible")
	e.shell(nil, r.fileVars...).mustRunBlocks("copy of the files")
}

// recordWork stores rows and events that the recovery must restore.
func (r *recoveryTest) recordWork() {
	t := r.t
	r.early = mustValue(t, r.ownerURL, "SELECT clock_timestamp()::text")
	r.ada = r.api.Login("ada", programtest.SamplePassword, http.StatusOK)
	r.api.Send(http.MethodPost, "/site/50", siteJSON("Kept"), http.StatusOK)
	r.api.Send(http.MethodPatch, "/site/1", `{"contact": "Kept as well"}`, http.StatusOK)
	r.deposit("150", "kept")
	r.deposit("60", "")
	r.tables = tableSums(t, r.ownerURL)
	r.lastChange = mustValue(t, r.ownerURL, "SELECT max(id)::text FROM change")
}

// deleteData deletes everything, and stores more rows afterwards, which the recovery must not restore.
func (r *recoveryTest) deleteData() {
	t := r.t
	conn, err := pgx.Connect(t.Context(), r.ownerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	tx, err := conn.Begin(t.Context()) // it begins before the moment and commits after it
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "INSERT INTO site (name) VALUES ('Under way')"); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"1", "2", "3", "50"} {
		r.api.Send(http.MethodDelete, "/site/"+id+"?cascade=true", "", http.StatusOK)
	}
	r.api.Send(http.MethodDelete, fmt.Sprintf("/api/v1/attachments/%d", r.keptFile.ID), "", http.StatusOK)
	r.api.Get(r.keptFile.URL, http.StatusNotFound)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.lostSiteID = intField(t, r.api.Send(http.MethodPost, "/api/v1/sites", siteJSON("Lost"), http.StatusCreated), "id")
	r.lateFile = r.attach("Found too late.")
	// More transaction IDs than the test uses after the recovery.
	execScript(t, r.ownerURL, "DO 'BEGIN FOR n IN 1 .. 300 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END'")
	r.streamPosition = r.readStream("0", r.deposit("33", "lost"))
	r.lostChange = mustValue(t, r.ownerURL, "SELECT max(id)::text FROM change")
	r.api.SendAs(r.ada, http.MethodPost, "/auth/logout", "", http.StatusOK)
	r.api.SendAs(r.ada, http.MethodGet, "/site/1", "", http.StatusUnauthorized)
	r.api.Stop(syscall.SIGINT)
}

// momentRE matches a line of the document's table of changes.
var momentRE = regexp.MustCompile(
	`(?m)^ (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\+00) +\| anonymous +\| \w+ +\| delete`)

// findMoment follows the document from the start of a recovery until the old database is stopped.
func (r *recoveryTest) findMoment() {
	t, e := r.t, r.env
	r.admin = e.shell(e.owner, "PGDATA="+r.dataDir)
	r.admin.mustRunBlocks("names")
	for _, match := range momentRE.FindAllStringSubmatch(r.admin.mustRunBlocks("find"), -1) {
		if r.moment == "" || match[1] < r.moment {
			r.moment = match[1]
		}
	}
	isFirst := mustValue(t, r.ownerURL, "SELECT (min(at) = '"+r.moment+"')::text FROM change WHERE action = 'delete'")
	if isFirst != "true" {
		t.Fatalf("the document finds the moment %q, which is not the first deletion", r.moment)
	}
	r.admin.mustRun("MOMENT='" + r.moment + "'")
	r.admin.mustRunBlocks("keep")
	e.stopPostgres(r.db, syscall.SIGINT)
	r.base = r.admin.mustRunBlocks("bases")
	r.admin.mustRun("BASE=" + r.basePath(r.base))
}

func (r *recoveryTest) basePath(name string) string {
	return filepath.Join(r.env.dir, "archive/base", name)
}

// checkThatWALIsNeeded is a negative control: without the WAL of the archive and of the old data, the replay fails.
func (r *recoveryTest) checkThatWALIsNeeded() {
	e := r.env
	sh := e.shell(e.owner, "PGDATA="+filepath.Join(e.dir, "no such directory"))
	sh.mustRun("mkdir -p emptied/wal && MOMENT='" + r.moment + "' && BASE=" + r.basePath(r.base))
	sh.mustRunBlocks("names")
	sh.mustRun("NEW=$NEW-control")
	sh.mustRunBlocks("copy")
	out, _ := sh.run(strings.ReplaceAll(e.block("replay"), e.dir+"/archive/", e.dir+"/emptied/"))
	assertContains(r.t, out, "recovery ended before configured recovery target was reached")
	if strings.Contains(out, "paused") {
		r.t.Errorf("the replay reaches the moment without WAL:\n%s", out)
	}
}

// recoverToMoment replays first to an earlier time, then, in another shell, to the moment. It checks the data and
// promotes it.
func (r *recoveryTest) recoverToMoment() {
	t, e := r.t, r.env
	r.admin.mustRunBlocks("copy")
	r.admin.mustRun("MOMENT='" + r.early + "'")
	assertContains(t, r.admin.mustRunBlocks("replay"), "paused")
	privateURL := e.url(strings.TrimSpace(r.admin.mustRun("echo $NEW.run")), "labledger")
	sites := mustValue(t, privateURL, "SELECT count(*)::text FROM site WHERE id = 50")
	assertEqual(t, "sites 50 at the earlier time", sites, "0")

	saved := strings.TrimSpace(r.admin.mustRun("echo $NEW.shell"))
	r.admin = e.shell(e.owner, "PGDATA="+r.dataDir)
	r.admin.mustRun(". " + saved) // sets MOMENT as well
	assertContains(t, r.admin.mustRunBlocks("replay"), "paused")
	assertContains(t, r.admin.mustRunBlocks("look"), "| site       | insert | 50")
	if changed := changedTables(r.tables, tableSums(t, privateURL)); len(changed) > 0 {
		t.Errorf("tables differ from the moment:\n%s", strings.Join(changed, "\n"))
	}
	changes := mustValue(t, privateURL, "SELECT count(*) FILTER (WHERE action = 'delete') || ' ' || max(id) FROM change")
	assertEqual(t, "deletions and last change", changes, "0 "+r.lastChange)

	r.admin.mustRunBlocks("promote", "numbers", "sessions", "lost", "close")
	r.recovered = strings.TrimSpace(r.admin.mustRun("echo $NEW"))
	for file, lines := range map[string][]string{
		".lost-changes.csv": {
			"site Under way insert", "site Lost insert", "attachment notes.txt insert",
			"site Site 1 delete", "site Kept delete", "attachment notes.txt delete",
		},
		".lost-events.csv": {"deposit 33.00"},
	} {
		checkLostLines(t, r.recovered+file, lines)
	}
}

// checkThatOldDataIsDisabled checks that the old data does not start until its file is renamed back.
func (r *recoveryTest) checkThatOldDataIsDisabled() {
	t, e := r.t, r.env
	const start = `pg_ctl start -D "$OLD" -l "$NEW.log" -o "-c listen_addresses= -c unix_socket_directories=$NEW.run"`
	if out, status := r.admin.run(start); status == 0 {
		t.Errorf("the old data starts:\n%s", out)
	}
	r.admin.mustRun(`mv "$OLD/PG_VERSION.old" "$OLD/PG_VERSION"`)
	old := e.startPostgres(r.dataDir)
	sites := mustValue(t, r.ownerURL, "SELECT string_agg(name, ', ' ORDER BY id) FROM site")
	assertEqual(t, "sites of the old data", sites, "Under way, Lost")
	e.stopPostgres(old, syscall.SIGINT)
}

// reopenService starts the server on the recovered data and follows the rest of the document.
func (r *recoveryTest) reopenService() {
	t, e := r.t, r.env
	r.db = e.startPostgres(r.recovered)
	r.admin = e.shell(e.owner)
	r.admin.mustRunBlocks("check")
	assertContains(t, r.admin.mustRun("KEEP=1 "+e.block("base")), "is complete")
	bases := strings.Fields(r.admin.mustRunBlocks("bases"))
	if len(bases) != 1 || bases[0] == r.base {
		t.Errorf("base backups %q, want only a new one", bases)
	}
	r.base = bases[0]
	wal := r.admin.mustRun("ls " + e.dir + "/archive/wal")
	if strings.Contains(wal, "000000010000000000000001.gz") || !strings.Contains(wal, "00000002.history.gz") {
		t.Errorf("files in the archive:\n%s", wal)
	}
	assertContains(t, e.shell(nil).mustRunBlocks("verify"), "no differences")
	events := mustRun(t, r.ownerEnv, "", "import", "--dry-run", "events", r.recovered+".lost-events.csv")
	assertContains(t, events, `"user_id":7`)
	reset := mustValue(t, r.ownerURL, "SELECT count(*) || '' FROM change WHERE xid = 0")
	assertEqual(t, "changes with a reset transaction ID", reset, "0")
	e.shell(nil, append(r.fileVars, "PGHOST="+e.socket)...).mustRunBlocks("files")

	r.api = startServer(t, r.serverEnv...)
	assertEqual(t, "a restored file", r.api.Get(r.keptFile.URL, http.StatusOK), "Frosted over since Friday.")
	r.api.Get(r.lateFile.URL, http.StatusOK) // it has no row
	r.api.SendAs(r.ada, http.MethodGet, "/site/1", "", http.StatusUnauthorized)
	assertContains(t, r.api.Get("/site/1", http.StatusOK), "Kept as well")
	siteID := intField(t, r.api.Send(http.MethodPost, "/api/v1/sites", siteJSON("New"), http.StatusCreated), "id")
	if siteID <= r.lostSiteID {
		t.Errorf("new site %d, want an ID after the lost site %d", siteID, r.lostSiteID)
	}
	assertContains(t, r.api.Get("/api/v1/changes?after="+r.lostChange, http.StatusOK), `"New"`)
	kept, lost := r.deposit("150", "kept"), r.deposit("33", "lost")
	// 150 is recorded once, 60 has no key, and 33 is recorded again.
	assertEqual(t, "events", mustValue(t, r.ownerURL, "SELECT count(*) || '' FROM event WHERE user_id = 7"), "3")
	if kept == lost {
		t.Error("two events have the same ID")
	}
	if position := r.readStream(r.streamPosition, lost); position == r.streamPosition {
		t.Errorf("stream position %s is reused", position)
	}
}

// recoverAfterCrash kills Postgres with WAL that is not archived, and recovers everything. Then it recovers as if the
// disk were lost as well. Both start from the older one of two base backups.
func (r *recoveryTest) recoverAfterCrash() {
	t, e := r.t, r.env
	assertContains(t, r.admin.mustRun("KEEP=2 "+e.block("base")), "any moment after "+r.base)
	r.admin.mustRunBlocks("check")
	r.api.Send(http.MethodPost, "/site/60", siteJSON("Not archived"), http.StatusOK)
	r.api.Stop(syscall.SIGINT)
	tables := tableSums(t, r.ownerURL)
	e.stopPostgres(r.db, syscall.SIGKILL)
	if err := os.Remove(filepath.Join(r.recovered, "postmaster.pid")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, oldData, sites string }{
		{"crash", r.recovered, "Kept, New, Not archived"},
		{"lost-disk", filepath.Join(e.dir, "no such directory"), "Kept, New"},
	} {
		sh := e.shell(e.owner, "PGDATA="+c.oldData)
		sh.mustRunBlocks("names")
		sh.mustRun("MOMENT= NEW=$NEW-" + c.name + " BASE=" + r.basePath(r.base))
		sh.mustRunBlocks("copy")
		// Some installations have the configuration outside of the data directory.
		sh.mustRun(`mv "$NEW/postgresql.conf" "$NEW.conf" && OPTIONS="$OPTIONS -c config_file=$NEW.conf"`)
		assertContains(t, sh.mustRunBlocks("replay"), "at the end")
		sh.mustRunBlocks("promote")
		privateURL := e.url(strings.TrimSpace(sh.mustRun("echo $NEW.run")), "labledger")
		changed := changedTables(tables, tableSums(t, privateURL))
		if c.name == "crash" && len(changed) > 0 {
			t.Errorf("tables differ from the time of the crash:\n%s", strings.Join(changed, "\n"))
		}
		sites := mustValue(t, privateURL,
			"SELECT string_agg(name, ', ' ORDER BY id) FROM site WHERE name IN ('Kept', 'New', 'Not archived')")
		assertEqual(t, "sites after "+c.name, sites, c.sites)
		sh.mustRunBlocks("close")
	}
}
