package api

import (
	"context"
	"mime"
	"strconv"

	"github.com/google/uuid"

	"labledger/api/rest"
	"labledger/internal/ledger"
)

// flushSize is how many bytes of results are buffered before they are sent.
const flushSize = 64 << 10

// recordBatch records all events of a body, or none. It returns one result per event. By default a JSON request gets a
// JSON array; NDJSON and CSV requests get NDJSON.
func (e *eventRecorder) recordBatch(ctx context.Context, c *rest.Call, rows *rest.RowReader[NewEvent]) error {
	c.DryRun = c.DryRun || c.Flag("simulate")
	batch := &ledger.Batch{Actor: c.Caller.Username, Key: c.IdempotencyKey()}
	offered := []string{rest.MediaTypeNDJSON, rest.MediaTypeJSON}
	mediaType, _, _ := mime.ParseMediaType(c.Request.Header.Get("Content-Type"))
	if mediaType == rest.MediaTypeJSON || mediaType == "" {
		offered = []string{rest.MediaTypeJSON, rest.MediaTypeNDJSON}
	}
	format, err := rest.Negotiate(c.Request, offered...)
	if err != nil {
		return err
	}
	if err := c.Errors.Err(); err != nil {
		return err
	}
	if err := e.readEvents(rows, batch); err != nil {
		return err
	}
	if batch.Key != "" {
		batch.Hash = c.RequestHash()
	}
	results := &ledger.BatchResult{}
	if len(batch.Events) > 0 {
		c.RemoveWriteDeadline() // the ledger has its own timeouts
		if results, err = e.ledger.RecordAll(ctx, batch, c.DryRun); err != nil {
			return ledgerProblem(err)
		}
	}
	return writeResults(ctx, c, results, format)
}

// readEvents reads the events of the body into the batch.
func (e *eventRecorder) readEvents(rows *rest.RowReader[NewEvent], batch *ledger.Batch) error {
	add := func(line int64, event ledger.UserEvent) error {
		if len(batch.Events) == ledger.MaxBatch {
			return rows.Reject(line, "has more than %d events; split it into several requests", ledger.MaxBatch)
		}
		if reason := e.validateTime(event.Time); reason != "" {
			if err := rows.AddError(line, "time", reason); err != nil {
				return err
			}
		}
		if !rows.HasErrors() {
			batch.Events = append(batch.Events, event)
		}
		return nil
	}
	rows.FastPath(func(line int64, text []byte) (handled bool, err error) {
		event, ok := parsePlainEvent(text)
		if !ok {
			return false, nil
		}
		return true, add(line, event)
	})
	return rows.ReadAll(func(line int64, event *NewEvent) error {
		return add(line, ledger.UserEvent{UserID: event.UserID, Event: toEvent(event)})
	})
}

// writeResults streams the results. The events are already committed, so a broken connection loses none of them.
func writeResults(ctx context.Context, c *rest.Call, results *ledger.BatchResult, mediaType string) error {
	if results.Replayed {
		c.SetReplayed()
	}
	dst := c.StreamWriter(mediaType)
	opening, separator, closing := "", "\n", "\n"
	if mediaType == rest.MediaTypeJSON {
		opening, separator, closing = "[", ",", "]\n"
	}
	buffer := append(make([]byte, 0, flushSize+512), opening...)
	first := true
	err := results.ForEach(ctx, func(r ledger.Result) error {
		if !first {
			buffer = append(buffer, separator...)
		}
		first = false
		buffer = appendResult(buffer, r)
		if len(buffer) < flushSize {
			return nil
		}
		_, err := dst.Write(buffer)
		buffer = buffer[:0]
		return err
	})
	if err == nil {
		if !first || mediaType == rest.MediaTypeJSON {
			buffer = append(buffer, closing...)
		}
		_, err = dst.Write(buffer)
	}
	return dst.Finish(err)
}

// appendResult appends a RecordedEvent as JSON.
func appendResult(dst []byte, r ledger.Result) []byte {
	dst = append(dst, `{"event_id":"`...)
	dst = appendUUID(dst, r.EventID)
	if r.AlertID == uuid.Nil {
		dst = append(dst, `","alert_id":null,"alert":false,"alert_codes":[`...)
	} else {
		dst = append(dst, `","alert_id":"`...)
		dst = appendUUID(dst, r.AlertID)
		dst = append(dst, `","alert":true,"alert_codes":[`...)
	}
	for i, code := range r.Codes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, int64(code), 10)
	}
	dst = append(dst, `],"user_id":`...)
	dst = strconv.AppendInt(dst, r.UserID, 10)
	return append(dst, '}')
}

func appendUUID(dst []byte, id uuid.UUID) []byte {
	text, _ := id.MarshalText() // never fails
	return append(dst, text...)
}
