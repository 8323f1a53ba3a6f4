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

// copying is a db.DBTX that stores lines of text in the place of the rows of a :copyfrom query, whose table and columns it takes. The lines
// have a value for each column, in that order.
type copying struct {
	db.DBTX
	to    *pgx.Conn
	lines io.Reader
}

// CopyFrom stores the lines.
func (c copying) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, _ pgx.CopyFromSource) (int64, error) {
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = pgx.Identifier{column}.Sanitize()
	}
	return traced(ctx, c.to, table, func(ctx context.Context) (int64, error) {
		tag, err := c.to.PgConn().CopyFrom(ctx, c.lines, "COPY "+table.Sanitize()+" ("+strings.Join(names, ", ")+") FROM STDIN")
		return tag.RowsAffected(), err
	})
}

// A judgement judges the events of a part as they are read: an io.Reader of lines for CopyEvents.
type judgement struct {
	of      *BatchResult
	p       *pass
	part    []int32 // still to be judged
	ruleset string
	created string
	actor   string
	line    []byte // written, but not read yet: line[at:]
	at      int
	alerts  []byte // lines for CopyAlerts
}

func (a *BatchResult) judgement(p *pass, part []int32) *judgement {
	return &judgement{
		of: a, p: p, part: part, ruleset: strconv.FormatInt(p.setID, 10),
		created: p.now.Format(time.RFC3339Nano), actor: string(appendEscaped(nil, []byte(a.batch.Actor))),
	}
}

// Read implements io.Reader.
func (j *judgement) Read(b []byte) (n int, err error) {
	for n < len(b) {
		if j.at == len(j.line) {
			if len(j.part) == 0 {
				break
			}
			j.line, j.at = j.judge(j.line[:0], int(j.part[0])), 0
			j.part = j.part[1:]
		}
		copied := copy(b[n:], j.line[j.at:])
		n, j.at = n+copied, j.at+copied
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// judge steps the state of the user of the i-th event by it, and appends its line to dst.
func (j *judgement) judge(dst []byte, i int) []byte {
	a, p := j.of, j.p
	e := &a.batch.Events[i]
	s := p.states[e.UserID]
	decision := rules.Step(&s.state, e.Event, p.set, s.risk, p.set.LongestWindow())
	id := a.eventID(i)
	if greater(id, s.lastID) { // a user's events go up, but alerts of the batch come after all of them
		s.lastID = id
	}
	dst = strconv.AppendInt(dst, e.UserID, 10)
	dst = appendUUID(append(dst, '\t'), id)
	dst = append(append(dst, '\t'), e.Type.String()...)
	dst = e.Amount.Append(append(dst, '\t'))
	dst = strconv.AppendInt(append(dst, '\t'), e.Time, 10)
	dst = strconv.AppendInt(append(dst, '\t'), decision.EffectiveTime, 10)
	dst = append(append(dst, '\t'), s.risk.String()...)
	dst = append(append(dst, '\t'), j.ruleset...)
	dst = rules.AppendMeasurements(append(dst, '\t'), decision.Measurements)
	dst = appendCodes(append(dst, '\t'), decision.Codes)
	if len(decision.Codes) == 0 {
		dst = append(dst, '\t', '\\', 'N')
	} else {
		a.codes[i] = bits(p.set, decision.Codes)
		s.lastID = a.alertID(i)
		dst = appendUUID(append(dst, '\t'), s.lastID)
		j.raise(e, s, id, decision)
	}
	return j.appendOrigin(dst, false)
}

// raise adds the line of the alert of an event.
func (j *judgement) raise(e *UserEvent, s *userState, id uuid.UUID, decision rules.Decision) {
	dst := strconv.AppendInt(j.alerts, e.UserID, 10)
	dst = appendUUID(append(dst, '\t'), s.lastID)
	dst = appendUUID(append(dst, '\t'), id)
	dst = appendCodes(append(dst, '\t'), decision.Codes)
	dst = strconv.AppendInt(append(dst, '\t'), e.Time, 10)
	dst = append(append(dst, '\t'), s.risk.String()...)
	dst = append(append(dst, '\t'), j.ruleset...)
	dst = appendEscaped(append(dst, '\t'), reasons(j.p.set, s.risk, decision))
	j.alerts = j.appendOrigin(dst, true)
}

// appendOrigin appends when the row was made, and changed, and by whom: the end of its line.
func (j *judgement) appendOrigin(dst []byte, changes bool) []byte {
	dst = append(append(dst, '\t'), j.created...)
	if changes {
		dst = append(append(dst, '\t'), j.created...)
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
