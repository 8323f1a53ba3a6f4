package rest

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/problem"
	"labledger/api/relation"
	"labledger/db"
	"labledger/internal/dbtx"
)

// Numbers of rows that a search returns of each list.
const (
	DefaultFoundRows = 5
	maxFoundRows     = 50
)

// search is the operation that searches several lists.
type search struct {
	nouns []string
	lists []searchedList
}

// A searchedList is a list with the least role that may search it.
type searchedList struct {
	noun     string
	relation *relation.Relation
	role     Role
}

// SearchLists returns the operation that searches the lists with these nouns at /api/v1/. Their routes must be in the
// same table.
func SearchLists(nouns ...string) Operation { return &search{nouns: nouns} }

// SearchParams are the parameters of a search.
type SearchParams struct {
	// Words that must all occur, in any order, also as parts of words: in the texts of a row, or in the names of the
	// freezer and the site that it belongs to. Or a key, a UUID or a MAC address, also in other notations.
	Q string `json:"q"`
	// Only rows of this list.
	Noun *string `json:"noun"`
	// Maximum number of rows of each list.
	Limit *int64 `json:"limit"`
}

// SearchGroup is the matching rows of one list.
type SearchGroup struct {
	// The list, as in its URL.
	Noun string `json:"noun"`
	// Number of rows that match. GET /api/v1/{noun}?q=… lists them all, and those whose other references match.
	Total int64 `json:"total"`
	// exact or estimated.
	TotalKind string `json:"total_kind"`
	// The best matches, each as its list returns it, with the keys and names of the rows that it references.
	Rows []any `json:"rows"`
}

// TotalKinds are the kinds of totals of a search.
var TotalKinds = []string{countExact, countEstimated}

func (s *search) Describe() Description {
	return Description{
		Kind: KindList, Name: "Search", Params: reflect.TypeFor[SearchParams](), Out: reflect.TypeFor[SearchGroup](),
		MaxRows: maxFoundRows,
	}
}

// Searched returns the lists that the endpoint searches, by noun, or nil if it searches none.
func (e *Endpoint) Searched() map[string]*relation.Relation {
	s, ok := e.Operation.(*search)
	if !ok {
		return nil
	}
	lists := map[string]*relation.Relation{}
	for _, l := range s.lists {
		lists[l.noun] = l.relation
	}
	return lists
}

// setLists sets the searched lists from the table of routes. It panics if a list is missing.
func (s *search) setLists(table []Route) {
	for _, noun := range s.nouns {
		l, role := findList(table, "/api/v1/"+noun)
		s.lists = append(s.lists, searchedList{noun, l.relation, role})
	}
}

// A foundGroup is a part of the response.
type foundGroup struct {
	noun    string
	request *relation.Request
	rows    pageEncoder
	length  int // of the name of the best row
	match   int // how well that row matches
	total   int64
	kind    string
}

// WriteRow adds a row. Behind the columns for the client are those of relation.Best.
func (g *foundGroup) WriteRow(columns []pgconn.FieldDescription, values [][]byte) error {
	if g.rows.count == 0 {
		var numbers [3]int
		for i := range numbers {
			var err error
			if numbers[i], err = strconv.Atoi(string(values[g.rows.columns+i])); err != nil {
				return err
			}
		}
		g.length, g.match, g.total = numbers[0], numbers[1], int64(numbers[2])
	}
	return g.rows.WriteRow(columns, values)
}

func (s *search) serve(c *Call) error { return s.Search(c) }

// Search finds rows of all lists by words, by a key, or by a UUID or MAC address in any notation. The rows of each list
// are a group with their number. The best match comes first in its group, and the group with the best match is the
// first one: a name that is the text, then names that begin with it, names with all words, and other rows. Words of one
// or two characters are searched for in the names that begin with them, and in the newest 10,000 rows of each list.
func (s *search) Search(c *Call) error {
	in := new(SearchParams)
	c.bindURL(in)
	c.requireEmptyBody()
	if _, err := Negotiate(c.Request, MediaTypeJSON); err != nil {
		return err
	}
	limit := int64(DefaultFoundRows)
	if in.Limit != nil {
		limit = *in.Limit
	}
	switch {
	case limit < 1:
		c.Errors.Add("limit", "must be at least 1")
	case limit > maxFoundRows:
		c.Errors.Add("limit", "must be at most "+strconv.Itoa(maxFoundRows))
	}
	if in.Noun != nil && !slices.Contains(s.nouns, *in.Noun) {
		c.Errors.Add("noun", "must be one of "+strings.Join(s.nouns, ", "))
	}
	if err := c.Errors.Err(); err != nil {
		return err
	}
	text := relation.ParseSearch(in.Q, &c.Errors)
	if err := c.Errors.Err(); err != nil {
		return err
	}
	if err := c.authorize(c.Request.Context()); err != nil {
		return err
	}
	var groups []*foundGroup
	for _, l := range s.lists {
		if l.role <= c.Info.Caller.Role && (in.Noun == nil || *in.Noun == l.noun) {
			groups = append(groups, &foundGroup{noun: l.noun, request: l.relation.Search(text)})
		}
	}
	return c.readList(func(conn *pgxpool.Conn) (bool, error) {
		ctx, cancel := context.WithTimeout(c.Request.Context(), StatementTimeout)
		defer cancel()
		if err := prepareSearch(ctx, conn, text, groups); err != nil {
			return false, err
		}
		p := searchPipeline(ctx, text)
		for _, g := range groups {
			if statement, ok := g.request.Best(limit); ok {
				g.rows = pageEncoder{limit: int(limit), columns: statement.Columns}
				p.AddRows(statement.SQL, statement.Args, c.withBasePath(g))
			}
		}
		if err := p.Run(ctx, conn); err != nil {
			return false, err
		}
		groups = slices.DeleteFunc(groups, func(g *foundGroup) bool { return g.rows.count == 0 })
		if err := countGroups(ctx, conn, text, groups); err != nil {
			return false, err
		}
		return true, c.respond(http.StatusOK, encodeGroups(groups))
	})
}

// searchPipeline returns a pipeline whose statements are planned for their values, and for several words without
// sequential scans.
func searchPipeline(ctx context.Context, text *relation.Search) *dbtx.Pipeline {
	p := new(dbtx.Pipeline)
	p.Add(func(q *db.Queries) error { return q.ForceCustomPlans(ctx) })
	if text.Trigrams() > 1 {
		p.Add(func(q *db.Queries) error { return q.AvoidSequentialScans(ctx) })
	}
	return p
}

// prepareSearch completes the text, and finds the referenced rows that its words name, in one round trip.
func prepareSearch(ctx context.Context, conn *pgxpool.Conn, text *relation.Search, groups []*foundGroup) error {
	p := searchPipeline(ctx, text)
	p.Add(func(q *db.Queries) error {
		row, err := q.FoldSearch(ctx, db.FoldSearchParams{Text: text.Text, Words: text.Words})
		text.Folded, text.Prefix, text.Patterns = row.Folded, row.Prefix, row.Patterns
		return err
	})
	names := make([]lastRow, len(groups))
	for i, g := range groups {
		if statement, needed := g.request.Names(); needed {
			p.AddRows(statement.SQL, statement.Args, &names[i])
		}
	}
	if err := p.Run(ctx, conn); err != nil {
		return err
	}
	for i, g := range groups {
		g.request.SetNames(names[i])
	}
	return nil
}

// maxCounted is the number of matches in one list from which a search estimates their number.
const maxCounted = 1000

// countGroups sets the totals of the groups in which more rows may match than a search reads. It counts them unless the
// planner of PostgreSQL expects many.
func countGroups(ctx context.Context, conn *pgxpool.Conn, text *relation.Search, groups []*foundGroup) error {
	plans, err := readOfLarge(ctx, conn, text, groups, func(g *foundGroup) relation.Statement {
		return g.request.Explain(nil)
	})
	if err != nil {
		return err
	}
	for i, g := range groups {
		if g.kind = countExact; plans[i] == nil {
			continue
		}
		expected, err := expectedRows(plans[i][0])
		if err != nil {
			return err
		}
		if g.total = max(g.total, expected); g.total >= maxCounted {
			g.kind = countEstimated
		}
	}
	counts, err := readOfLarge(ctx, conn, text, groups, func(g *foundGroup) relation.Statement {
		return g.request.CountUpTo(maxCounted)
	})
	if err != nil {
		return err
	}
	for i, g := range groups {
		if counts[i] == nil {
			continue
		}
		if g.total, err = strconv.ParseInt(counts[i][0], 10, 64); err != nil {
			return err
		}
		if g.total == maxCounted {
			g.kind = countEstimated
		}
	}
	return nil
}

// readOfLarge runs a statement for each group whose total may be too low, in one round trip. It returns the row of each.
func readOfLarge(
	ctx context.Context, conn *pgxpool.Conn, text *relation.Search, groups []*foundGroup,
	statement func(*foundGroup) relation.Statement,
) ([]lastRow, error) {
	p := searchPipeline(ctx, text)
	rows := make([]lastRow, len(groups))
	isNeeded := false
	for i, g := range groups {
		if g.total >= relation.MaxFound && g.kind != countEstimated {
			s := statement(g)
			p.AddRows(s.SQL, s.Args, &rows[i])
			isNeeded = true
		}
	}
	if !isNeeded {
		return rows, nil
	}
	return rows, p.Run(ctx, conn)
}

// encodeGroups returns groups as JSON, the one with the best match first.
func encodeGroups(groups []*foundGroup) []byte {
	slices.SortStableFunc(groups, func(a, b *foundGroup) int {
		return cmp.Or(a.match-b.match, a.length-b.length)
	})
	body := []byte{'['}
	for i, g := range groups {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, `{"noun":"`+g.noun+`","total":`...)
		body = strconv.AppendInt(body, g.total, 10)
		body = append(body, `,"total_kind":"`+g.kind+`","rows":`...)
		body = append(body, bytes.TrimSuffix(g.rows.bytes(), []byte("\n"))...)
		body = append(body, '}')
	}
	return append(body, ']', '\n')
}

// searchStatement returns the statement that a search runs on the list that its parameter noun names.
func searchStatement(lists map[string]*relation.Relation, query string) relation.Statement {
	values, err := url.ParseQuery(query)
	if err != nil {
		panic("rest: " + query + ": " + err.Error())
	}
	var errs problem.FieldErrors
	text := relation.ParseSearch(values.Get("q"), &errs)
	if err := errs.Err(); err != nil {
		panic("rest: " + query + ": " + err.Error())
	}
	text.Folded, text.Prefix = text.Text, text.Text+"%" // the sample has neither capitals nor accents
	for _, word := range text.Words {
		text.Patterns = append(text.Patterns, "%"+word+"%")
	}
	statement, _ := lists[values.Get("noun")].Search(text).Best(DefaultFoundRows)
	return statement
}
