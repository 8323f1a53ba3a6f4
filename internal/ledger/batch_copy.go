package ledger

import (
	"context"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"labledger/db"
	"labledger/internal/rules"
)

// This file writes the rows of a batch in the text format of COPY. It evaluates an event and writes its row in one
// step, while Postgres stores the rows before. Encoding each value by its type, as pgx does, takes four times the CPU
// time.

// copyDBTX is a db.DBTX for :copyfrom queries. It takes table and columns from the query and the rows from lines, which
// must hold a value for each column, in that order.
type copyDBTX struct {
	db.DBTX
	conn  *pgx.Conn
	lines io.Reader
}

// CopyFrom copies the lines to the table.
func (c copyDBTX) CopyFrom(
	ctx context.Context, table pgx.Identifier, columns []string, _ pgx.CopyFromSource,
) (int64, error) {
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = pgx.Identifier{column}.Sanitize()
	}
	sql := "COPY " + table.Sanitize() + " (" + strings.Join(names, ", ") + ") FROM STDIN"
	return traceCopy(ctx, c.conn, table, func(ctx context.Context) (int64, error) {
		tag, err := c.conn.PgConn().CopyFrom(ctx, c.lines, sql)
		return tag.RowsAffected(), err
	})
}

// An eventReader is an io.Reader of lines for CopyEvents. It evaluates the events of a chunk while it is read, and
// collects the lines of their alerts.
type eventReader struct {
	result    *BatchResult
	group     *group
	order     []int32 // indexes of the events that are not evaluated yet
	rulesetID string
	createdAt string
	actor     string
	line      []byte // line[offset:] is not read yet
	offset    int
	alerts    []byte // lines for CopyAlerts
}

func (br *BatchResult) newEventReader(g *group, order []int32) *eventReader {
	return &eventReader{
		result: br, group: g, order: order, rulesetID: strconv.FormatInt(g.rulesetID, 10),
		createdAt: g.now.Format(time.RFC3339Nano), actor: string(appendEscaped(nil, []byte(br.batch.Actor))),
	}
}

// Read implements io.Reader.
func (r *eventReader) Read(b []byte) (n int, err error) {
	for n < len(b) {
		if r.offset == len(r.line) {
			if len(r.order) == 0 {
				break
			}
			r.line, r.offset = r.appendEvent(r.line[:0], int(r.order[0])), 0
			r.order = r.order[1:]
		}
		copied := copy(b[n:], r.line[r.offset:])
		n, r.offset = n+copied, r.offset+copied
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// appendEvent evaluates the i-th event of the batch and appends its line to dst.
func (r *eventReader) appendEvent(dst []byte, i int) []byte {
	br, g := r.result, r.group
	e := &br.batch.Events[i]
	s := g.states[e.UserID]
	decision := rules.Step(&s.state, e.Event, g.set, s.risk, g.set.LongestWindow())
	id := br.eventID(i)
	if uuidAfter(id, s.lastID) { // false if an earlier event raised an alert: alert IDs are greater than all event IDs
		s.lastID = id
	}
	dst = strconv.AppendInt(dst, e.UserID, 10)
	dst = appendUUID(append(dst, '\t'), id)
	dst = append(append(dst, '\t'), e.Type.String()...)
	dst = e.Amount.Append(append(dst, '\t'))
	dst = strconv.AppendInt(append(dst, '\t'), e.Time, 10)
	dst = strconv.AppendInt(append(dst, '\t'), decision.EffectiveTime, 10)
	dst = append(append(dst, '\t'), s.risk.String()...)
	dst = append(append(dst, '\t'), r.rulesetID...)
	dst = rules.AppendMeasurements(append(dst, '\t'), decision.Measurements)
	dst = appendCodes(append(dst, '\t'), decision.Codes)
	if len(decision.Codes) == 0 {
		dst = append(dst, '\t', '\\', 'N')
	} else {
		br.codes[i] = codeBits(g.set, decision.Codes)
		s.lastID = br.alertID(i)
		dst = appendUUID(append(dst, '\t'), s.lastID)
		r.appendAlert(e, s, id, decision)
	}
	return r.appendAuditColumns(dst, false)
}

// appendAlert appends the line of an event's alert to alerts.
func (r *eventReader) appendAlert(e *UserEvent, s *userState, eventID uuid.UUID, decision rules.Decision) {
	dst := strconv.AppendInt(r.alerts, e.UserID, 10)
	dst = appendUUID(append(dst, '\t'), s.lastID)
	dst = appendUUID(append(dst, '\t'), eventID)
	dst = appendCodes(append(dst, '\t'), decision.Codes)
	dst = strconv.AppendInt(append(dst, '\t'), e.Time, 10)
	dst = append(append(dst, '\t'), s.risk.String()...)
	dst = append(append(dst, '\t'), r.rulesetID...)
	dst = appendEscaped(append(dst, '\t'), marshalReasons(r.group.set, s.risk, decision))
	r.alerts = r.appendAuditColumns(dst, true)
}

// appendAuditColumns appends the last columns of a line: created_at, changed_at for tables that have it, and the actor.
func (r *eventReader) appendAuditColumns(dst []byte, withChangedAt bool) []byte {
	dst = append(append(dst, '\t'), r.createdAt...)
	if withChangedAt {
		dst = append(append(dst, '\t'), r.createdAt...)
	}
	dst = append(append(dst, '\t'), r.actor...)
	return append(dst, '\n')
}

func appendUUID(dst []byte, id uuid.UUID) []byte {
	dst = append(hex.AppendEncode(dst, id[:4]), '-')
	dst = append(hex.AppendEncode(dst, id[4:6]), '-')
	dst = append(hex.AppendEncode(dst, id[6:8]), '-')
	dst = append(hex.AppendEncode(dst, id[8:10]), '-')
	return hex.AppendEncode(dst, id[10:])
}

// appendEscaped appends text, escaped for the text format of COPY.
func appendEscaped(dst, text []byte) []byte {
	for _, c := range text {
		switch c {
		case '\\':
			dst = append(dst, '\\', '\\')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
