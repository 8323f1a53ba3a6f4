package relation

import (
	"fmt"
	"strings"
	"testing"
)

// TestSelect: the SQL of typical requests.
func TestSelect(t *testing.T) {
	t.Parallel()
	samples, freezers, sites := newRelations()
	changes := newChanges()
	const position = "coalesce((SELECT last.xid FROM ( SELECT * FROM change ) AS last " +
		"WHERE last.id <= $1 ORDER BY last.id DESC LIMIT 1), 0)"
	const first = "left(list.name, 100) COLLATE natural_sort"
	for _, c := range []struct {
		relation *Relation
		raw      string
		want     string // without the columns of the list
		args     string
	}{
		{sites, "", "ORDER BY list.id LIMIT 11", "[]"},
		{sites, "sort=-id&after=9", "WHERE list.id < $1 ORDER BY list.id DESC LIMIT $2", "[9 11]"},
		{sites, "before=9", "WHERE list.id < $1 ORDER BY list.id DESC LIMIT 11", "[9]"},
		{sites, "name=x", "WHERE list.name = $1 AND " + first + " = left($1, 100) ORDER BY list.id LIMIT $2", "[x 11]"},
		{sites, "sort=name&after=[%22x%22,%222%22]", "WHERE (" + first + ", list.id) > ($1, $2) " +
			"ORDER BY " + first + ", list.id LIMIT $3", "[x 2 11]"},
		{freezers, "sort=name,-id&after=[%22x%22,%222%22]", "WHERE " + first + " >= $1 AND (" + first + " > $2 OR (" +
			first + " = $2 AND list.id < $3)) ORDER BY " + first + ", list.id DESC LIMIT $4", "[x x 2 11]"},
		{freezers, "site_id__in=1,2&name__contains=B%25", "WHERE search_text(list.name) LIKE contains_pattern($1) AND " +
			"list.site_id IN ($2, $3) ORDER BY list.id LIMIT $4", "[B% 1 2 11]"},
		{freezers, "site_name__empty=true", "LEFT JOIN ( SELECT * FROM site ) AS site ON site.id = list.site_id " +
			"WHERE (site.name IS NULL OR site.name = '') ORDER BY list.id LIMIT $1", "[11]"},
		{freezers, "site_name__contains=x", "JOIN ( SELECT * FROM site ) AS site ON site.id = list.site_id " +
			"WHERE search_text(site.name) LIKE contains_pattern($1) ORDER BY list.id LIMIT $2", "[x 11]"},
		{freezers, "site_name__not=x", "LEFT JOIN ( SELECT * FROM site ) AS site ON site.id = list.site_id " +
			"WHERE (site.name = $1 AND left(site.name, 100) COLLATE natural_sort = left($1, 100)) IS NOT TRUE " +
			"ORDER BY list.id LIMIT $2", "[x 11]"},
		{freezers, "q=b2+x", "WHERE (search_text(concat_ws(E'\\n', '', list.name)) LIKE contains_pattern($1) OR " +
			"list.site_id = ANY (ARRAY(SELECT site.id FROM ( SELECT * FROM site ) AS site " +
			"WHERE search_text(site.name) LIKE contains_pattern($1)))) AND " +
			"(search_text(concat_ws(E'\\n', '', list.name)) LIKE contains_pattern($2) OR " +
			"list.site_id = ANY (ARRAY(SELECT site.id FROM ( SELECT * FROM site ) AS site " +
			"WHERE search_text(site.name) LIKE contains_pattern($2)))) ORDER BY list.id LIMIT $3", "[b2 x 11]"},
		{changes, "", "WHERE list.settled ORDER BY list.xid, list.id LIMIT 11", "[]"},
		{changes, "after=7", "WHERE list.settled AND (list.xid, list.id) > (" + position + ", $1) " +
			"ORDER BY list.xid, list.id LIMIT 11", "[7]"},
		{changes, "before=7", "WHERE list.settled AND (list.xid, list.id) < (" + position + ", $1) " +
			"ORDER BY list.xid DESC, list.id DESC LIMIT 11", "[7]"},
		{changes, "sort=-id&after=7", "WHERE list.id < $1 ORDER BY list.id DESC LIMIT $2", "[7 11]"},
		{changes, "sort=actor", "ORDER BY left(list.actor, 100) COLLATE natural_sort, list.id LIMIT $1", "[11]"},
		{samples, "codes=30&codes=300&sealed__not=true&amount__gte=1.5&due_on__empty=false", "WHERE " +
			"list.amount >= $2 AND list.codes && ARRAY[$3, $4]::integer[] AND list.due_on IS NOT NULL AND " +
			"(list.sealed = $5) IS NOT TRUE AND list.settled ORDER BY list.uuid LIMIT $6", "[own 1.5 30 300 true 11]"},
	} {
		s := mustParse(t, c.relation, c.raw).Select(argsOf(c.relation), 11, 0)
		_, got, _ := strings.Cut(oneLine(s.SQL), ") AS list ")
		if got != c.want || fmt.Sprint(s.Args) != c.args {
			t.Errorf("%s:\ngot  %s %v\nwant %s %s", c.raw, got, s.Args, c.want, c.args)
		}
	}
}

// TestSelect_nulls: an index returns the rows without NULL in order, another scan the rest.
func TestSelect_nulls(t *testing.T) {
	t.Parallel()
	samples, _, _ := newRelations()
	const due, cursor = "sort=due_on&fields=due_on", `&after=["2026-01-02",%22123e4567-e89b-12d3-a456-426614174000%22]`
	for raw, want := range map[string][2]string{
		due: {
			"WHERE list.due_on IS NOT NULL ORDER BY list.due_on, list.uuid LIMIT $2",
			"WHERE list.due_on IS NULL ORDER BY list.uuid LIMIT $3",
		},
		due + cursor: {
			"WHERE list.due_on IS NOT NULL AND (list.due_on, list.uuid) > ($2, $3) ORDER BY list.due_on, list.uuid LIMIT $4",
			"WHERE list.due_on IS NULL ORDER BY list.uuid LIMIT $5",
		},
	} {
		sql := oneLine(mustParse(t, samples, raw).Select(args, 11, 0).SQL)
		parts := strings.Split(sql, " UNION ALL ")
		if len(parts) != 2 || !strings.Contains(parts[0], want[0]) || !strings.Contains(parts[1], want[1]) ||
			!strings.HasSuffix(sql, ") AS page ORDER BY page.due_on, page.sort_2 LIMIT $"+sql[len(sql)-1:]) {
			t.Errorf("%s:\n%s", raw, sql)
		}
	}
	raw := "sort=due_on&after=[null,%22123e4567-e89b-12d3-a456-426614174000%22]"
	sql := oneLine(mustParse(t, samples, raw).Select(args, 11, 0).SQL)
	if strings.Contains(sql, "UNION") || !strings.Contains(sql, "list.due_on IS NULL AND list.uuid > $2 ORDER BY list.uuid") {
		t.Errorf("%s:\n%s", raw, sql)
	}
	sql = oneLine(mustParse(t, samples, strings.Replace(raw, "after", "before", 1)).Select(args, 11, 0).SQL)
	if strings.Count(sql, "UNION ALL") != 1 || !strings.Contains(sql, "list.due_on IS NULL AND list.uuid < $3") ||
		!strings.Contains(sql, "ORDER BY page.due_on DESC, ") {
		t.Errorf("before in %s:\n%s", raw, sql)
	}
}

// TestSelectAll_joins: each referenced row that a statement names is joined.
func TestSelectAll_joins(t *testing.T) {
	t.Parallel()
	samples, _, _ := newRelations()
	const joins = "LEFT JOIN ( SELECT * FROM freezer ) AS freezer ON freezer.id = list.freezer_id " +
		"LEFT JOIN ( SELECT * FROM site ) AS site ON site.id = freezer.site_id"
	for _, raw := range []string{"sort=site_name", "site_name=x", "include=site", "fields=site_name"} {
		q := mustParse(t, samples, raw)
		for _, s := range []Statement{q.Select(args, 11, 0), q.SelectAll(args, 0)} {
			want := joins
			if raw == "site_name=x" {
				want = strings.ReplaceAll(joins, "LEFT JOIN", "JOIN")
			}
			if sql := oneLine(s.SQL); !strings.Contains(sql, ") AS list "+want) {
				t.Errorf("%s: %s", raw, sql)
			}
		}
		if sql := oneLine(q.Count(args).SQL); strings.Contains(sql, "JOIN") != strings.HasPrefix(raw, "site_name") {
			t.Errorf("%s: %s", raw, sql)
		}
	}
}

// TestColumns: the rows have the columns that the request chose, and those for the cursor behind them.
func TestColumns(t *testing.T) {
	t.Parallel()
	_, freezers, _ := newRelations()
	for raw, want := range map[string]string{
		"":                              "[id name site_id] 3 [0]",
		"include=site":                  "[id name site_id site_name] 4 [0]",
		"fields=name":                   "[name] 1 [1]",
		"fields=name,id&sort=-site_id":  "[name id] 2 [2 1]",
		"fields=site_name&include=site": "[site_name site_id] 2 [2]",
		"sort=site_name":                "[id name site_id] 3 [3 0]",
	} {
		q := mustParse(t, freezers, raw)
		s := q.Select(nil, 11, 0)
		if got := fmt.Sprint(q.Columns(), s.Columns, s.Cursor); got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
}
