package sse

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/dbtx"
)

// This file reads the stream from the database: positions, and pages of encoded messages.

// Bounds of a page.
const (
	pageRows  = 200
	pageBytes = 128 << 10 // a page ends with the row that exceeds this; bounds the memory of a client
)

// A position is the place of a row in the stream. The zero position is before all rows.
type position struct {
	xid  int64
	kind int32 // index into messageTypes
	id   uuid.UUID
}

// messageTypes are the SSE event types of messages, indexed by position.kind.
var messageTypes = []string{"", "event", "alert"}

func (p position) String() string {
	if p == (position{}) {
		return "0"
	}
	return strconv.FormatInt(p.xid, 10) + "." + strconv.Itoa(int(p.kind)) + "." + p.id.String()
}

// parsePosition parses the output of position.String.
func parsePosition(text string) (pos position, ok bool) {
	if text == "0" {
		return position{}, true
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 || len(parts[2]) != 36 {
		return position{}, false
	}
	xid, err1 := strconv.ParseUint(parts[0], 10, 63)
	kind := slices.Index([]string{"", "1", "2"}, parts[1])
	id, err2 := uuid.Parse(parts[2])
	isCanonical := strconv.FormatUint(xid, 10) == parts[0]
	return position{int64(xid), int32(kind), id}, err1 == nil && kind > 0 && err2 == nil && isCanonical
}

// A source is what the stream is read from.
type source interface {
	// fetchEnd returns the current end of the stream.
	fetchEnd(ctx context.Context) (streamEnd, error)
	// readPage adds the rows after p.after to p, at most p.limit.
	readPage(ctx context.Context, p *streamPage) error
	// notify tells the other instances that this one has committed.
	notify(ctx context.Context) error
	// listen calls wake after commits of other instances, until ctx is done or if notifications do not arrive.
	listen(ctx context.Context, wake func())
}

// A ledger is the source of events and alerts in the database.
type ledger struct {
	pool      *pgxpool.Pool
	readSlots chan struct{} // limits the connections that read pages
	instance  string        // identifies this server in notifications
}

func newLedger(pool *pgxpool.Pool) *ledger {
	return &ledger{pool, make(chan struct{}, max(1, pool.Config().MaxConns/4)), uuid.NewString()}
}

func (l *ledger) fetchEnd(ctx context.Context) (end streamEnd, err error) {
	ctx, cancel := context.WithTimeout(ctx, rest.StatementTimeout)
	defer cancel()
	conn, err := rest.Acquire(ctx, l.pool)
	if err != nil {
		return streamEnd{}, err
	}
	defer conn.Release()
	_, err = db.New(dbtx.Raw(conn, &end, pgx.QueryExecModeCacheDescribe)).GetStreamPosition(ctx)
	return end, err
}

func (l *ledger) readPage(ctx context.Context, p *streamPage) error {
	ctx, cancel := context.WithTimeout(ctx, rest.StatementTimeout)
	defer cancel()
	select {
	case l.readSlots <- struct{}{}:
		defer func() { <-l.readSlots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	conn, err := rest.Acquire(ctx, l.pool)
	if err != nil {
		return err
	}
	defer conn.Release()
	// Planned for each execution: a plan cached while the ledger was small would scan all of it.
	_, err = db.New(dbtx.Raw(conn, p, pgx.QueryExecModeCacheDescribe)).ListStream(ctx, db.ListStreamParams{
		AfterXid:  p.after.xid,
		AfterKind: p.after.kind,
		AfterID:   p.after.id,
		Kind:      p.kind,
		Limit:     int64(p.limit),
	})
	if errors.Is(err, errPageFull) {
		err = nil
	}
	return err
}

// A streamEnd is the end of the stream.
type streamEnd struct {
	pos     position
	horizon int64 // all positions of this database have a lower xid
}

func (e *streamEnd) WriteRow(_ []pgconn.FieldDescription, values [][]byte) (err error) {
	if e.pos, err = scanPosition(values); err == nil {
		e.horizon, err = strconv.ParseInt(string(values[3]), 10, 64)
	}
	return err
}

// scanPosition parses the first three columns of a row.
func scanPosition(values [][]byte) (pos position, err error) {
	xid, err1 := strconv.ParseInt(string(values[0]), 10, 64)
	kind, err2 := strconv.ParseInt(string(values[1]), 10, 32)
	id, err3 := uuid.ParseBytes(values[2])
	return position{xid, int32(kind), id}, errors.Join(err1, err2, err3)
}

// A streamPage is a part of the stream. It is shared, so it must not change once ready is closed.
type streamPage struct {
	after     position
	kind      *string
	ready     chan struct{} // closed when the page is read or err is set
	err       error
	text      []byte
	rows      []streamRow
	limit     int  // maximum number of rows
	truncated bool // text reached pageBytes
}

// more reports whether the next page may already have rows.
func (p *streamPage) more() bool { return p.truncated || len(p.rows) == p.limit }

// A streamRow is one message of a page.
type streamRow struct {
	pos    position
	userID int64
	end    int // end of the message in the page's text
}

// errPageFull stops reading a page that has reached pageBytes.
var errPageFull = errors.New("page full")

// messageColumns are the indexes of the ListStream columns in a message, by kind: the columns that the lists of events
// and alerts show.
var messageColumns = [][]int{
	1: columnIndexes(reflect.TypeFor[db.ListStreamRow](), reflect.TypeFor[db.ListEventsRow]()),
	2: columnIndexes(reflect.TypeFor[db.ListStreamRow](), reflect.TypeFor[db.ListAlertsRow]()),
}

// columnIndexes returns the indexes in whole of the columns of part. It panics if a column is missing.
func columnIndexes(whole, part reflect.Type) []int {
	columns := make([]string, whole.NumField()) // with those that clients do not see, since they are in the rows
	for i := range columns {
		columns[i] = whole.Field(i).Tag.Get("json")
	}
	var indexes []int
	for _, name := range rest.ColumnsOf(part) {
		i := slices.Index(columns, name)
		if i < 0 {
			panic("sse: " + whole.Name() + " lacks the column " + name)
		}
		indexes = append(indexes, i)
	}
	return indexes
}

// WriteRow appends a row to the page as a message.
func (p *streamPage) WriteRow(columns []pgconn.FieldDescription, values [][]byte) error {
	pos, err := scanPosition(values)
	if err != nil {
		return err
	}
	userID, err := strconv.ParseInt(string(values[3]), 10, 64)
	if err != nil {
		return err
	}
	names := make([]pgconn.FieldDescription, 0, len(columns))
	cells := make([][]byte, 0, len(values))
	for _, i := range messageColumns[pos.kind] {
		names, cells = append(names, columns[i]), append(cells, values[i])
	}
	p.text = append(p.text, "id: "...)
	p.text = append(append(p.text, bytes.Join(values[:3], []byte("."))...), '\n')
	p.text = append(append(append(p.text, "event: "...), messageTypes[pos.kind]...), '\n')
	p.text = append(p.text, "data: "...)
	p.text = append(rest.AppendRow(p.text, names, cells), "\n\n"...)
	p.rows = append(p.rows, streamRow{pos, userID, len(p.text)})
	if len(p.text) >= pageBytes {
		p.truncated = true
		return errPageFull
	}
	return nil
}
