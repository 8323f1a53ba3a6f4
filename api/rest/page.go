package rest

import (
	"context"
	"encoding/csv"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/relation"
	"labledger/internal/dbtx"
)

// Page sizes of lists.
const (
	DefaultPageSize = 100
	MaxPageSize     = 1000
)

// writePage writes a page of rows, with links to the pages beside it.
func (c *Call) writePage(ctx context.Context, conn *pgxpool.Conn, r *listRequest) (started bool, err error) {
	s, rows := r.page()
	if r.IsPast() {
		err = c.readPastRows(ctx, conn, customPlan, s, rows)
	} else {
		err = c.readRows(ctx, conn, r.IsFiltered(), s, rows)
	}
	if err != nil {
		return false, err
	}
	if err := c.countRows(ctx, conn, r, rows); err != nil {
		return false, err
	}
	return true, c.respondPage(r, rows)
}

// maxSharedPage is the size of the largest pages that share a round trip. Other reads would wait too long for larger
// ones.
const maxSharedPage = 100

// canSharePage reports whether a page in JSON may share a round trip: its statement takes little time, and it is one of
// few, since each becomes a prepared statement.
func (c *Call) canSharePage(l *list, r *listRequest) bool {
	isOnPrimary := c.server.replica == nil || l.primary
	isShort := r.limit <= maxSharedPage && r.offset == 0 && r.count == ""
	return c.server.sharer != nil && isOnPrimary && isShort && r.IsPlain() && relation.IsCommonLimit(r.limit+1)
}

// writeSharedPage is writePage for a page that shares a round trip with other reads.
func (c *Call) writeSharedPage(r *listRequest) error {
	s, rows := r.page()
	statement := dbtx.Statement{SQL: s.SQL, Args: s.Args, Rows: int(r.limit + 1)}
	if _, err := c.readSharedRows(c.Request.Context(), statement, rows); err != nil {
		return err
	}
	return c.respondPage(r, rows)
}

// page returns the statement of the page, and what receives its rows.
func (r *listRequest) page() (relation.Statement, *pageEncoder) {
	s := r.Select(r.args, r.limit+1, r.offset)
	return s, &pageEncoder{
		limit: int(r.limit), columns: s.Columns, cursor: s.Cursor, backward: r.IsBackward(),
	}
}

func (c *Call) respondPage(r *listRequest, rows *pageEncoder) error {
	c.linkPages(r, rows)
	return c.respond(http.StatusOK, rows.bytes())
}

// linkPages links the pages after and before a page.
func (c *Call) linkPages(r *listRequest, rows *pageEncoder) {
	if rows.count == 0 {
		return
	}
	hasNext, hasPrevious := rows.more, r.HasCursor() || r.offset > 0
	if r.IsBackward() {
		hasNext, hasPrevious = true, rows.more
	}
	first, last := rows.firstKey, rows.lastKey
	if r.IsBackward() {
		first, last = last, first
	}
	link := func(param, cursor, relation string) {
		query := maps.Clone(r.values)
		if query == nil {
			query = url.Values{}
		}
		for _, name := range []string{"offset", "after", "before"} {
			query.Del(name)
		}
		query.Set("limit", strconv.FormatInt(r.limit, 10))
		query.Set(param, cursor)
		c.addLink(c.listPath(), query, relation)
	}
	if hasNext {
		link("after", last, "next")
	}
	if hasPrevious {
		link("before", first, "prev")
	}
}

// A pageEncoder keeps up to limit rows as a JSON array and detects one more.
type pageEncoder struct {
	limit    int
	columns  int   // columns for the client, the first ones
	cursor   []int // columns of the cursor
	backward bool  // the rows arrive in reverse order

	object            objectEncoder
	body              []byte
	starts            []int // of the rows in body, if they arrive in reverse order
	count             int
	firstKey, lastKey string // cursors of the first and the last row kept, as they arrived
	more              bool
}

func (e *pageEncoder) WriteRow(columns []pgconn.FieldDescription, values [][]byte) error {
	if e.count == e.limit {
		e.more = true
		return nil
	}
	if e.count == 0 {
		e.firstKey = e.key(values)
	}
	e.count++
	if e.backward {
		e.starts = append(e.starts, len(e.body))
	}
	if e.count == 2 { // make room for the other rows, which have about the size of the first one
		e.body = slices.Grow(e.body, min(e.limit, DefaultPageSize)*(len(e.body)+len(e.body)/8))
	}
	e.body = append(e.body, ',')
	e.body = e.object.append(e.body, columns[:e.columns], values[:e.columns])
	e.lastKey = ""
	if e.count == e.limit || e.backward {
		e.lastKey = e.key(values)
	}
	return nil
}

func (e *pageEncoder) key(values [][]byte) string {
	key := make([][]byte, len(e.cursor))
	for i, column := range e.cursor {
		key[i] = values[column]
	}
	return relation.Cursor(key)
}

// bytes returns the array.
func (e *pageEncoder) bytes() []byte {
	if e.count == 0 {
		return []byte("[]\n")
	}
	if !e.backward {
		e.body[0] = '['
		return append(e.body, ']', '\n')
	}
	body, end := make([]byte, 0, len(e.body)+2), len(e.body)
	for _, start := range slices.Backward(e.starts) {
		body = append(body, e.body[start:end]...)
		end = start
	}
	body[0] = '['
	return append(body, ']', '\n')
}

// writeStream writes all rows as they arrive.
func (c *Call) writeStream(conn *pgxpool.Conn, r *listRequest) (started bool, err error) {
	s := r.SelectAll(r.args, r.offset)
	if r.limit > 0 {
		s = r.Select(r.args, r.limit, r.offset)
	}
	c.respondAsFile(r.mediaType)
	dst := c.StreamWriter(r.mediaType)
	var rows interface {
		dbtx.RowWriter
		flush() error
	}
	if r.mediaType == MediaTypeCSV {
		rows = &csvEncoder{dst: csv.NewWriter(dst), names: r.Columns()}
	} else {
		rows = &ndjsonEncoder{dst: dst}
	}
	visible := visibleColumns{c.withBasePath(rows), s.Columns}
	err = dbtx.ReadRows(c.Request.Context(), conn, s.SQL, s.Args, visible, planOptions(r.IsFiltered())...)
	if err == nil {
		err = rows.flush()
	}
	if err != nil && !dst.started {
		c.Header.Del("Content-Disposition")
	}
	return dst.started, dst.Finish(err)
}

// visibleColumns passes on the first columns of each row.
type visibleColumns struct {
	next    dbtx.RowWriter
	columns int
}

func (v visibleColumns) WriteRow(columns []pgconn.FieldDescription, values [][]byte) error {
	return v.next.WriteRow(columns[:v.columns], values[:v.columns])
}
