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

// This file writes a batch's rows as COPY takes them. Judging a row and writing it go together, while the database stores those before it;
// to encode each value of each row by its type costs four times the processor time.

// copyDBTX is a db.DBTX that stores lines of text in the place of the rows of a :copyfrom query, whose table and columns it takes. The lines
// have a value for each column, in that order.
type copyDBTX struct {
	db.DBTX
	conn  *pgx.Conn
	lines io.Reader
}

// CopyFrom stores the lines.
func (c copyDBTX) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, _ pgx.CopyFromSource) (int64, error) {
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = pgx.Identifier{column}.Sanitize()
	}
	return traceCopy(ctx, c.conn, table, func(ctx context.Context) (int64, error) {
		tag, err := c.conn.PgConn().CopyFrom(ctx, c.lines, "COPY "+table.Sanitize()+" ("+strings.Join(names, ", ")+") FROM STDIN")
		return tag.RowsAffected(), err
	})
}

// A eventReader judges the events of a part as they are read: an io.Reader of lines for CopyEvents.
type eventReader struct {
	result    *BatchResult
	group     *group
	order     []int32 // still to be judged
	rulesetID string
	createdAt string
	actor     string
	line      []byte // written, but not read yet: line[at:]
	offset    int
	alerts    []byte // lines for CopyAlerts
}

func (a *BatchResult) newEventReader(p *group, part []int32) *eventReader {
	return &eventReader{
		result: a, group: p, order: part, rulesetID: strconv.FormatInt(p.rulesetID, 10),
		createdAt: p.now.Format(time.RFC3339Nano), actor: string(appendEscaped(nil, []byte(a.batch.Actor))),
	}
}

// Read implements io.Reader.
func (j *eventReader) Read(b []byte) (n int, err error) {
	for n < len(b) {
		if j.offset == len(j.line) {
			if len(j.order) == 0 {
				break
			}
			j.line, j.offset = j.appendEvent(j.line[:0], int(j.order[0])), 0
			j.order = j.order[1:]
		}
		copied := copy(b[n:], j.line[j.offset:])
		n, j.offset = n+copied, j.offset+copied
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// appendEvent steps the state of the user of the i-th event by it, and appends its line to dst.
func (j *eventReader) appendEvent(dst []byte, i int) []byte {
	a, p := j.result, j.group
	e := &a.batch.Events[i]
	s := p.states[e.UserID]
	decision := rules.Step(&s.state, e.Event, p.set, s.risk, p.set.LongestWindow())
	id := a.eventID(i)
	if uuidAfter(id, s.lastID) { // a user's events go up, but alerts of the batch come after all of them
		s.lastID = id
	}
	dst = strconv.AppendInt(dst, e.UserID, 10)
	dst = appendUUID(append(dst, '\t'), id)
	dst = append(append(dst, '\t'), e.Type.String()...)
	dst = e.Amount.Append(append(dst, '\t'))
	dst = strconv.AppendInt(append(dst, '\t'), e.Time, 10)
	dst = strconv.AppendInt(append(dst, '\t'), decision.EffectiveTime, 10)
	dst = append(append(dst, '\t'), s.risk.String()...)
	dst = append(append(dst, '\t'), j.rulesetID...)
	dst = rules.AppendMeasurements(append(dst, '\t'), decision.Measurements)
	dst = appendCodes(append(dst, '\t'), decision.Codes)
	if len(decision.Codes) == 0 {
		dst = append(dst, '\t', '\\', 'N')
	} else {
		a.codes[i] = codeBits(p.set, decision.Codes)
		s.lastID = a.alertID(i)
		dst = appendUUID(append(dst, '\t'), s.lastID)
		j.appendAlert(e, s, id, decision)
	}
	return j.appendAuditColumns(dst, false)
}

// appendAlert adds the line of the alert of an event.
func (j *eventReader) appendAlert(e *UserEvent, s *userState, id uuid.UUID, decision rules.Decision) {
	dst := strconv.AppendInt(j.alerts, e.UserID, 10)
	dst = appendUUID(append(dst, '\t'), s.lastID)
	dst = appendUUID(append(dst, '\t'), id)
	dst = appendCodes(append(dst, '\t'), decision.Codes)
	dst = strconv.AppendInt(append(dst, '\t'), e.Time, 10)
	dst = append(append(dst, '\t'), s.risk.String()...)
	dst = append(append(dst, '\t'), j.rulesetID...)
	dst = appendEscaped(append(dst, '\t'), marshalReasons(j.group.set, s.risk, decision))
	j.alerts = j.appendAuditColumns(dst, true)
}

// appendAuditColumns appends when the row was made, and changed, and by whom: the end of its line.
func (j *eventReader) appendAuditColumns(dst []byte, changes bool) []byte {
	dst = append(append(dst, '\t'), j.createdAt...)
	if changes {
		dst = append(append(dst, '\t'), j.createdAt...)
	}
	dst = append(append(dst, '\t'), j.actor...)
	return append(dst, '\n')
}

func appendUUID(dst []byte, id uuid.UUID) []byte {
	dst = append(hex.AppendEncode(dst, id[:4]), '-')
	dst = append(hex.AppendEncode(dst, id[4:6]), '-')
	dst = append(hex.AppendEncode(dst, id[6:8]), '-')
	dst = append(hex.AppendEncode(dst, id[8:10]), '-')
	return hex.AppendEncode(dst, id[10:])
}

// appendEscaped appends text as COPY takes it.
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
