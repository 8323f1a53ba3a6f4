package api_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/api/relation"
	"labledger/api/rest"
	"labledger/internal/pgtest"
)

// largeTables fills the tables with $1 rows each; a freezer has one container. Few of the rows match the filters of
// indexedLists.
var largeTables = []string{
	`DO $$ BEGIN
		FOR i IN 1 .. 12 LOOP
			EXECUTE 'ALTER TABLE ' || (ARRAY['site', 'freezer', 'computer', 'container', 'todo', 'change', 'event',
				'event_void', 'alert', 'account', 'checkout', 'stocktake'])[i] || ' DISABLE TRIGGER USER';
		END LOOP;
	END $$`,
	"INSERT INTO account (username) VALUES ('rare'), ('usual')",
	`INSERT INTO account (id, username, display_name, country) SELECT 10 + n, md5(n::text),
			CASE WHEN n % ($1 / 4) = 1 THEN 'Quentin ' || n WHEN n % 3 > 0 THEN 'Person ' || n * 7919 % $1 END,
			'Country ' || n % 10
		FROM generate_series(1, $1::bigint) AS n`,
	"DELETE FROM todo", "DELETE FROM container", "DELETE FROM freezer", "DELETE FROM computer", "DELETE FROM site",
	`INSERT INTO site (id, name, country) SELECT n, 'Site ' || n, 'Country ' || n % 10
		FROM generate_series(1, 200) AS n`,
	`INSERT INTO freezer (id, name, site_id) SELECT n, CASE WHEN n % ($1 / 4) = 1 THEN 'Quokka' ELSE
			'Freezer ' || n * 7919 % $1 END, 1 + n % 200
		FROM generate_series(1, $1::bigint) AS n`,
	`INSERT INTO computer (id, name, mac, site_id) SELECT n, 'Computer ' || n * 7919 % $1,
			('0200' || lpad(to_hex(n), 8, '0'))::macaddr, 1 + n % 200
		FROM generate_series(1, $1::bigint) AS n`,
	`INSERT INTO container (id, uuid, description, freezer_id) SELECT n, md5(n::text)::uuid,
			CASE WHEN n % ($1 / 4) = 2 THEN 'Zebrafish' WHEN n % 3 > 0 THEN 'Box ' || n * 7919 % $1 END, n
		FROM generate_series(1, $1::bigint) AS n`,
	`INSERT INTO todo (id, description, status, assignee, due_on, freezer_id) SELECT n,
			CASE WHEN n % ($1 / 4) = 2 THEN 'Zebrafish' ELSE 'Thaw ' || n * 7919 % $1 END,
			CASE WHEN n % ($1 / 4) = 3 THEN 'blocked' ELSE 'open' END,
			CASE WHEN n % ($1 / 4) = 1 THEN 'rare' WHEN n % 3 = 0 THEN 'usual' END,
			CASE WHEN n % 3 > 0 THEN '2026-01-01'::date + (n * 7919 % 20000)::integer END, n
		FROM generate_series(1, $1::bigint) AS n`,
	`INSERT INTO checkout (id, container_uuid, holder, due_on, purpose, returned_at, returned_by, outcome)
		SELECT n, md5(n::text)::uuid, CASE WHEN n % ($1 / 4) = 1 THEN 'rare' ELSE 'usual' END,
			CASE WHEN n % ($1 / 4) = 3 THEN date '2000-01-01'
				WHEN n % 3 > 0 THEN '2998-01-01'::date + (n * 7919 % 20000)::integer END,
			CASE WHEN n % ($1 / 4) = 2 THEN 'Zebrafish' WHEN n % 3 > 0 THEN 'Assay ' || n * 7919 % $1 END,
			ended.at, ended.by, ended.outcome
		FROM generate_series(1, $1::bigint) AS n
		LEFT JOIN (VALUES (now(), 'me', 'returned')) AS ended (at, by, outcome) ON n % 10 <> 3`,
	`INSERT INTO stocktake (id, freezer_id, note, started_at, closed_at, closed_by)
		SELECT n, n, 'Note ' || n, '2026-01-01',
			CASE WHEN n % ($1 / 4) <> 1 THEN timestamptz '2026-01-02' END, CASE WHEN n % ($1 / 4) <> 1 THEN 'usual' END
		FROM generate_series(1, $1::bigint) AS n`,
	`INSERT INTO change (id, at, actor, request_id, message, table_name, row_key, action, after, xid, changeset_id)
		SELECT 10000000 + n, timestamptz '2026-01-01' + n * interval '1 min',
			CASE WHEN n % ($1 / 4) = 1 THEN 'rare' ELSE 'usual ' || n % 3 END,
			CASE WHEN n % 3 = 0 THEN 'request ' || n % ($1 / 4) END, CASE WHEN n % ($1 / 4) = 1 THEN 'Zebrafish' END,
			CASE WHEN n % ($1 / 4) = 2 THEN 'attachment' ELSE 'site' END, n::text, 'update', '{}', 1,
			10000001 + (n - 1) / 2 * 2
		FROM generate_series(1, $1::bigint) AS n`,
	`INSERT INTO event (user_id, id, type, amount, time, effective_time, risk, ruleset_id, facts, alert_codes, alert_id,
			created_at, actor, container_uuid)
		SELECT n % 1000, ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'deposit', 1, n * 7919 % $1,
			$1, 'low', 1, '{}', CASE WHEN n % ($1 / 4) = 3 THEN '{30,500}' ELSE '{30}' END::integer[],
			('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, now(), 'me',
			CASE WHEN n % ($1 / 4) = 1 THEN uuid '00000000-0000-0000-0000-000000000001'
				WHEN n % 3 = 0 THEN md5(n::text)::uuid END
		FROM generate_series(1, $1::bigint) AS n`,
	`INSERT INTO alert (user_id, id, event_id, alert_codes, time, risk, ruleset_id, reasons, state, assignee,
			snoozed_until, created_at, changed_at, actor)
		SELECT user_id, alert_id, id, alert_codes, time, 'low', 1,
			CASE WHEN time % ($1::bigint / 4) = 7 THEN '[{"code": 1100}]' ELSE '[{"code": 30}]' END::jsonb,
			CASE WHEN time % ($1::bigint / 4) = 5 THEN 'acknowledged' ELSE 'open' END,
			CASE WHEN time % ($1 / 4) = 1 THEN 'rare' WHEN time % 3 = 0 THEN 'usual' END,
			CASE WHEN time % ($1 / 4) = 9 THEN timestamptz '2998-01-01' END, now(), now(), 'me'
		FROM event`,
	`INSERT INTO event_void (user_id, id, event_id, reason, created_at, actor)
		SELECT user_id, ('00000000-0000-7000-a000-' || lpad(time::text, 12, '0'))::uuid, id, 'wrong', now(), 'me'
		FROM event WHERE time % ($1::bigint / 4) = 1`,
	`UPDATE alert SET void_id = event_void.id
		FROM event_void WHERE event_void.user_id = alert.user_id AND event_void.event_id = alert.event_id`,
	"VACUUM ANALYZE",
}

// An indexedList is a request for a page, with its control: an index without which it reads many rows, or a setting.
type indexedList struct {
	plural, query string
	control       string
}

const noNestedLoop = "SET LOCAL enable_nestloop = off"

// filteredLists find a few rows.
var filteredLists = []indexedList{
	{"changes", "actor=rare", "change_actor_xid_id_idx"},
	{"changes", "actor=rare&sort=-id", "change_actor_xid_id_idx"},
	{"changes", "request_id=request+3", "change_request_id_xid_id_idx"},
	{"changes", "request_id=request+3&sort=-id", "change_request_id_xid_id_idx"},
	{"changesets", "actor=rare&sort=-at", "change_actor_at_id_idx, change_actor_xid_id_idx"},
	{"changesets", "from=2026-01-01T01:00:00Z&to=2026-01-01T01:10:00Z", "change_at_id_idx, change_actor_at_id_idx"},
	{"changesets", "request_id=request+3", "change_request_id_id_idx, change_request_id_xid_id_idx"},
	{"changesets", "message__contains=ebraf", "change_search_text_idx"},
	{"changesets", "noun=attachment", "change_table_name_row_key_id_idx"},
	{"alerts", "assignee=rare", "alert_assignee_id_idx"},
	{"alerts", "time__gte=100&time__lt=110&sort=-id", "alert_time_idx"},
	{"alerts", "void_id__empty=false", "alert_void_id_idx"},
	{"alerts", "void_id__empty=false&sort=-id", "alert_void_id_idx"},
	{"alerts", "state=acknowledged", "alert_state_id_idx"},
	{"alerts", "state=acknowledged&sort=-id", "alert_state_id_idx"},
	{"events", "time__gte=100&time__lt=110", "event_time_idx"},
	{"events", "time__gte=100&time__lt=110&sort=-id", "event_time_idx"},
	{"events", "void_id__empty=false", noNestedLoop},
	{"events", "void_id__empty=false&sort=-id", noNestedLoop},
	{"events", "void_id__empty=true&sort=-id", "event_id_idx"},
	{"events", "user_id=5", "event_pkey"},
	{"events", "container_uuid=00000000-0000-0000-0000-000000000001", "event_container_uuid_id_idx"},
	{"events", "container_uuid=00000000-0000-0000-0000-000000000001&sort=-id", "event_container_uuid_id_idx"},
	{"events", "user_username=c4ca4238a0b923820dcc509a6f75849b", noNestedLoop},
	{"events", "user_display_name__contains=quentin", "account_names_text_idx"},
	{"alerts", "user_display_name__startswith=quentin&state=open", "account_names_text_idx"},
	{"alerts", "severity=critical&state=open", "alert_severity_id_idx"},
	{"alerts", "severity=critical&state=open&snoozed=false&sort=-id", "alert_severity_id_idx"},
	{"alerts", "snoozed=true", "alert_snoozed_until_idx"},
	{"alerts", "snoozed_until__lt=2999-01-01T00:00:00Z", "alert_snoozed_until_idx"},
	{"directory", "q=quentin", "account_names_text_idx"},
	{"directory", "display_name__contains=uenti", "account_names_text_idx"},
	{"users", "q=quentin", "account_search_text_idx"},
	{"freezers", "name=Quokka", "freezer_name_id_idx"},
	{"freezers", "name=Quokka&name=Freezer+7", "freezer_name_id_idx"},
	{"freezers", "q=quokka", "freezer_search_text_idx"},
	{"freezers", "name__contains=uokk", "freezer_search_text_idx"},
	{"freezers", "name__startswith=quo", "freezer_search_text_idx"},
	{"freezers", "name__gt=Freezer+7&name__lt=Freezer+10", "freezer_name_id_idx"},
	{"freezers", "site_id=7", "freezer_site_id_id_idx, freezer_site_id_freezer_ordinal_idx"},
	{"computers", "name=Computer+7", "computer_name_id_idx"},
	{"computers", "name__contains=r+777", "computer_search_text_idx"},
	{"containers", "description=Zebrafish", "container_description_id_idx"},
	{"containers", "q=zebrafish", "container_search_text_idx"},
	{"containers", "q=zebra+fish", "container_search_text_idx"},
	{"containers", "description__contains=ebraf", "container_search_text_idx"},
	{"containers", "description__startswith=zeb", "container_search_text_idx"},
	{"containers", "q=quokka", "freezer_search_text_idx"},
	{"containers", "freezer_id=7", "container_freezer_id_id_idx, container_freezer_id_parent_uuid_idx"},
	{"containers", "freezer_name=Quokka", "freezer_name_id_idx"},
	{"checkouts", "holder=rare", "checkout_holder_id_idx"},
	{"checkouts", "container_uuid=c4ca4238-a0b9-2382-0dcc-509a6f75849b", "checkout_container_uuid_id_idx"},
	{"checkouts", "overdue=true", "checkout_due_on_id_idx"},
	{"checkouts", "q=zebrafish", "checkout_search_text_idx"},
	{"checkouts", "purpose__contains=ebraf", "checkout_search_text_idx"},
	{"stocktakes", "freezer_id=7", "stocktake_freezer_id_id_idx"},
	{"stocktakes", "closed_at__empty=true", "stocktake_container_uuid_idx"},
	{"stocktakes", "closed_at__empty=true&sort=-id", "stocktake_container_uuid_idx"},

	{"todos", "description=Zebrafish", "todo_description_id_idx"},
	{"todos", "description__contains=zebra", "todo_search_text_idx"},
	{"todos", "q=zebrafish", "todo_search_text_idx"},
	{"todos", "q=zebrafish", "computer_search_text_idx"}, // for the names of computers
	{"todos", "status=blocked", "todo_status_id_idx"},
	{"todos", "assignee=rare", "todo_assignee_id_idx"},
	{"todos", "freezer_id__in=7,8", "todo_freezer_id_idx"},
	{"todos", "due_on__gte=2030-01-01&due_on__lt=2030-01-07", "todo_due_on_id_idx"},
}

// sortedLists have pages of rows in order.
var sortedLists = []indexedList{
	{"freezers", "", "freezer_pkey"},
	{"freezers", "sort=-id", "freezer_pkey"},
	{"freezers", "sort=name", "freezer_name_id_idx"},
	{"freezers", "sort=-name", "freezer_name_id_idx"},
	{"freezers", "sort=site_id", "freezer_site_id_id_idx, freezer_site_id_freezer_ordinal_idx"},
	{"computers", "sort=name", "computer_name_id_idx"},
	{"directory", "sort=display_name", "account_display_name_id_idx"},
	{"containers", "", "container_pkey"},
	{"containers", "sort=-uuid&include=freezer,site", "container_uuid_unique, container_place_unique"},
	{"containers", "sort=description", "container_description_id_idx"},
	{"containers", "sort=-description", "container_description_id_idx"},
	{"containers", "sort=freezer_id", "container_freezer_id_id_idx, container_freezer_id_parent_uuid_idx"},
	{"checkouts", "", "checkout_pkey"},
	{"checkouts", "sort=-id&include=container,user", "checkout_pkey"},
	{"stocktakes", "", "stocktake_pkey"},
	{"stocktakes", "sort=-id", "stocktake_pkey"},
	{"todos", "sort=description", "todo_description_id_idx"},
	{"todos", "sort=due_on", "todo_due_on_id_idx"},
	{"todos", "sort=-due_on", "todo_due_on_id_idx"},
	{"events", "", "event_id_idx"},
	{"events", "sort=-id", "event_id_idx"},
	{"alerts", "", "alert_id_idx"},
	{"alerts", "sort=-id", "alert_id_idx"},
	{"changes", "", "change_xid_id_idx"},
	{"changes", "sort=-id", "change_pkey"},
}

// scannedLists read whole tables, because no index has what they filter or sort by. One that no longer does belongs
// above.
var scannedLists = []struct{ plural, query string }{
	{"alerts", "alert_codes=500"},
	{"events", "q=quentin"},
	{"events", "alert_codes=500"},
}

var allEndpoints = sync.OnceValue(api.Endpoints)

// endpointAt returns the endpoint of the list of a plural noun.
func endpointAt(t *testing.T, plural string) *rest.Endpoint {
	t.Helper()
	endpoints := allEndpoints()
	i := slices.IndexFunc(endpoints, func(e *rest.Endpoint) bool {
		return e.Method == http.MethodGet && e.Path == "/api/v1/"+plural
	})
	if i < 0 || endpoints[i].List() == nil {
		t.Fatal("no list of ", plural)
	}
	return endpoints[i]
}

// A page is what a request returned.
type page struct {
	read    int64 // rows that the database read for it
	cursors []string
	plan    string
}

// readPage reads a page of a list, after a statement. Both are rolled back.
func readPage(t *testing.T, pool *pgxpool.Pool, before string, l indexedList, limit, offset int64) (p page) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	pgtest.Exec(t, tx, "SET LOCAL max_parallel_workers_per_gather = 0") // the reads of other processes are not counted
	pgtest.Exec(t, tx, before)
	earlier := rowsRead(t, tx)
	request, args := endpointAt(t, l.plural).Request(l.query)
	setNames(t, tx, request)
	s := request.Select(args, limit, offset)
	readRows(t, tx, s, func(_ []pgconn.FieldDescription, values [][]byte) {
		var key [][]byte
		for _, i := range s.Cursor {
			key = append(key, values[i])
		}
		p.cursors = append(p.cursors, relation.Cursor(key))
	})
	p.read = rowsRead(t, tx) - earlier
	s.SQL = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) " + s.SQL
	readRows(t, tx, s, func(_ []pgconn.FieldDescription, values [][]byte) { p.plan += "\n" + string(values[0]) })
	return p
}

// rowsRead returns how many rows of tables a transaction has read.
func rowsRead(t *testing.T, tx pgx.Tx) int64 {
	t.Helper()
	return pgtest.QueryValue[int64](t, tx,
		"SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables")
}

// setNames finds the referenced rows whose names a search concerns, as a request does.
func setNames(t *testing.T, q pgtest.Querier, request *relation.Request) {
	t.Helper()
	s, needed := request.Names()
	if !needed {
		return
	}
	readRows(t, q, s, func(_ []pgconn.FieldDescription, values [][]byte) {
		var keys []string
		for _, value := range values {
			keys = append(keys, string(value))
		}
		request.SetNames(keys)
	})
}

// readRows runs a statement and calls read with each row. The values are valid until read returns.
func readRows(
	t *testing.T, q pgtest.Querier, s relation.Statement, read func(columns []pgconn.FieldDescription, values [][]byte),
) {
	t.Helper()
	rows, err := q.Query(t.Context(), s.SQL, append([]any{pgx.QueryExecModeCacheDescribe}, s.Args...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		read(rows.FieldDescriptions(), rows.RawValues())
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%v in\n%s\n%q", err, s.SQL, s.Args)
	}
}

// withoutControl returns the statements that take away what a list needs.
func (l indexedList) withoutControl() string {
	if strings.HasPrefix(l.control, "SET ") {
		return l.control
	}
	var statements []string
	for name := range strings.SplitSeq(l.control, ", ") {
		statement := "DROP INDEX " + name
		if strings.HasSuffix(name, "_pkey") || strings.HasSuffix(name, "_unique") {
			table, _, _ := strings.Cut(name, "_")
			statement = "ALTER TABLE " + table + " DROP CONSTRAINT " + name + " CASCADE"
		}
		statements = append(statements, statement)
	}
	return strings.Join(statements, "; ")
}

// newLargeTables returns a pool on a database with large tables.
func newLargeTables(t *testing.T, rows int64) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Pool(t)
	for _, statement := range largeTables {
		pgtest.Exec(t, pool, strings.ReplaceAll(statement, "$1", strconv.FormatInt(rows, 10)))
	}
	return pool
}

// TestLists_useIndexes: a list that a filter limits to a few rows reads few rows. A page of a sorted list reads as few
// rows deep in the list as at its start. The negative control is the same list without the index.
func TestLists_useIndexes(t *testing.T) {
	t.Parallel()
	rows := setting(t, "LIST_ROWS", 20_000)
	pool := newLargeTables(t, rows)
	const limit = rest.DefaultPageSize + 1
	for _, l := range filteredLists {
		p := readPage(t, pool, "SELECT", l, limit, 0)
		if len(p.cursors) < 1 || p.read > 700 {
			t.Errorf("%s?%s: found %d rows and read %d%s", l.plural, l.query, len(p.cursors), p.read, p.plan)
		}
		if p := readPage(t, pool, l.withoutControl(), l, limit, 0); p.read < 1000 {
			t.Errorf("%s?%s: after %s it reads %d rows; the test proves nothing", l.plural, l.query, l.control, p.read)
		}
	}
	for _, l := range sortedLists {
		first := readPage(t, pool, "SELECT", l, limit, 0)
		if len(first.cursors) != limit || first.read > 500 {
			t.Errorf("%s?%s: the first page has %d rows, %d were read%s",
				l.plural, l.query, len(first.cursors), first.read, first.plan)
		}
		for _, eighths := range []int64{2, 4, 6} {
			cursor := readPage(t, pool, "SELECT", l, 1, rows*eighths/8).cursors[0]
			for _, param := range []string{"after", "before"} {
				deep := l
				deep.query += "&" + param + "=" + url.QueryEscape(cursor)
				p := readPage(t, pool, "SELECT", deep, limit, 0)
				if len(p.cursors) != limit || p.read > 2*first.read {
					t.Errorf("%s?%s: the page has %d rows, %d were read, and %d for the first page%s",
						l.plural, deep.query, len(p.cursors), p.read, first.read, p.plan)
				}
				if strings.HasPrefix(cursor, "[null") {
					continue // many rows are null, so the key alone finds them
				}
				if p := readPage(t, pool, l.withoutControl(), deep, limit, 0); p.read < 1000 {
					t.Errorf("%s?%s: after %s it reads %d rows; the test proves nothing",
						l.plural, deep.query, l.control, p.read)
				}
			}
		}
	}
	for _, l := range scannedLists {
		p := readPage(t, pool, "SELECT", indexedList{l.plural, l.query, ""}, limit, 0)
		if p.read < rows/2 {
			t.Errorf("%s?%s reads only %d rows%s", l.plural, l.query, p.read, p.plan)
		} else if testing.Verbose() {
			t.Logf("%s?%s: found %d rows and read %d%s", l.plural, l.query, len(p.cursors), p.read, p.plan)
		}
	}
}
