package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/google/uuid"

	"labledger/db"
	"labledger/internal/ledger"
	"labledger/internal/rules"
)

// This file takes events in: one, or many in one body.

// NewEvent is an event as a client sends it.
type NewEvent struct {
	// deposit or withdraw, in any case.
	Type string `json:"type"`
	// How much: more than 0, at most two decimals.
	Amount string `json:"amount"`
	// The user who put in or took out. Users need not be in the directory.
	UserID int64 `json:"user_id"`
	// When it happened, in seconds since 1970.
	Time int64 `json:"time"`
	// true: the same as dry_run.
	Simulate bool `json:"simulate"`
}

// RecordedEvent is the answer to an event.
type RecordedEvent struct {
	// Id of the event.
	EventID uuid.UUID `json:"event_id"`
	// Id of the alert that it raised; null when it raised none.
	AlertID *uuid.UUID `json:"alert_id"`
	// Whether it raised an alert.
	Alert bool `json:"alert"`
	// Codes of the rules that fired, ascending.
	AlertCodes []int32 `json:"alert_codes"`
	// The user of the event.
	UserID int64 `json:"user_id"`
}

// RecordEvent records an event and judges it by the rules, over the locked state of its user: event, alert and state are committed together.
// With an Idempotency-Key a repeated request is answered as the first one was, and records nothing.
func RecordEvent(*db.Queries, context.Context, NewEvent) (RecordedEvent, error) {
	panic("api: the ledger records events")
}

// eventEndpoint makes the endpoint that takes events in.
func eventEndpoint(l *ledger.Ledger) endpoint {
	return endpoint{
		queries: []any{
			RecordEvent, (*db.Queries).LockState, (*db.Queries).GetLatestRuleset, (*db.Queries).FindKeys,
			(*db.Queries).InsertEvent, (*db.Queries).InsertAlerts, (*db.Queries).SaveState, (*db.Queries).SaveKeys,
		},
		in: reflect.TypeFor[NewEvent](), out: reflect.TypeFor[RecordedEvent](),
		handle: func(c *call) error { return c.recordEvent(l) },
		bulk: &bulkImport{
			binder: newBulkBinder(reflect.TypeFor[NewEvent]()),
			handle: func(c *call) error { return c.recordBatch(l) },
		},
	}
}

// maxIdempotencyKeyLen is how long an Idempotency-Key may be, in characters.
const maxIdempotencyKeyLen = 255

// idempotencyKey reads the header; "" when there is none.
func idempotencyKey(r *http.Request, errs *fieldErrors) string {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return ""
	}
	key := keys[0]
	if len(keys) > 1 || key == "" || len(key) > maxIdempotencyKeyLen {
		errs.add("Idempotency-Key", fmt.Sprintf("must stand once, with 1 to %d characters", maxIdempotencyKeyLen))
		return ""
	}
	for _, c := range []byte(key) {
		if c < ' ' || c > '~' {
			errs.add("Idempotency-Key", "must be of printable ASCII characters")
			return ""
		}
	}
	return key
}

// newRequestHash hashes what an idempotency key stands for: the call, and then the body.
func (c *call) newRequestHash() hash.Hash {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s %s\n%s\n", c.method, c.path, c.r.Header.Get("Content-Type")) // a hash takes everything
	return h
}

// toEvent reads a bound NewEvent, which has been checked.
func toEvent(e *NewEvent) rules.Event {
	kind, _ := rules.ParseType(e.Type)
	cents, _ := rules.ParseCents(e.Amount)
	return rules.Event{Type: kind, Amount: cents, Time: e.Time}
}

func (c *call) recordEvent(l *ledger.Ledger) error {
	key := idempotencyKey(c.r, &c.errs)
	if p := badRequest(c.errs); p != nil {
		return p
	}
	e := c.in.Addr().Interface().(*NewEvent)
	request := ledger.RecordRequest{UserID: e.UserID, Event: toEvent(e), Actor: recorderOf(c.w).requestContext().Actor, Key: key}
	if key != "" {
		h := c.newRequestHash()
		_, _ = h.Write(c.body) // a hash takes everything
		h.Sum(request.Hash[:0])
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), handlerTimeout)
	defer cancel()
	record := l.Record
	if c.dryRun || e.Simulate {
		record = l.Simulate
	}
	result, err := record(ctx, request)
	if err != nil {
		return ledgerProblem(err)
	}
	status := http.StatusOK
	if !c.shortRoute {
		status = http.StatusCreated
		c.w.Header().Set("Location", c.location+"/"+result.EventID.String())
	}
	if result.Replayed {
		c.w.Header().Set("Idempotency-Replayed", "true")
	}
	return respond(c.w, status, append(appendResult(make([]byte, 0, 256), result), '\n'))
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
	text, _ := id.MarshalText() // it cannot fail
	return append(dst, text...)
}

// ledgerProblem says what the ledger refused.
func ledgerProblem(err error) error {
	switch {
	case errors.Is(err, ledger.ErrKeyReused):
		return problem(http.StatusUnprocessableEntity, "This Idempotency-Key was used for another request. Nothing was recorded; send a new key with a new request.")
	case errors.Is(err, ledger.ErrInFlight):
		return problem(http.StatusConflict, "A request with this Idempotency-Key is under way. Repeat this one in a moment to have its answer.").withHeader("Retry-After", "1")
	case errors.Is(err, ledger.ErrBusy):
		return unavailable("Too many batches of events are under way. Try again when one of them has ended.", nil)
	}
	return err
}

// recordBatch records the events of a body, all or none. Each is answered in a line, or an element, of its own, in the form of the request.
func (c *call) recordBatch(l *ledger.Ledger) error {
	key := idempotencyKey(c.r, &c.errs)
	mediaType, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	offered := []string{mediaTypes[formatNDJSON], mediaTypes[formatJSON]}
	if mediaType == mediaTypes[formatJSON] || mediaType == "" {
		offered = []string{mediaTypes[formatJSON], mediaTypes[formatNDJSON]}
	}
	offer, p := negotiate(c.r, offered)
	if p != nil {
		return p
	}
	if p := checkBulkRequest(c.r, c.errs); p != nil {
		return p
	}
	release, err := c.transfers.tryAcquire()
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(c.r.Context(), bulkTimeout)
	defer cancel()
	extend := deadlineExtender(c.w)
	extend()
	batch := &ledger.Batch{Actor: recorderOf(c.w).requestContext().Actor, Key: key}
	reader := newBulkReader(c.bulk)
	defer reader.errs.close()
	event := reader.row.Addr().Interface().(*NewEvent)
	appendEvent := func(lineNo int64, e ledger.UserEvent) error {
		if len(batch.Events) == ledger.MaxBatch {
			return reader.addTooManyError(lineNo)
		}
		if reader.errs.count == 0 {
			batch.Events = append(batch.Events, e)
		}
		if lineNo%maxChunkRows == 0 {
			extend()
		}
		return nil
	}
	reader.fastPath = func(lineNo int64, text []byte) (taken bool, err error) {
		e, ok := parsePlainEvent(text)
		if !ok {
			return false, nil
		}
		return true, appendEvent(lineNo, e)
	}
	reader.accept = func(lineNo int64) error {
		return appendEvent(lineNo, ledger.UserEvent{UserID: event.UserID, Event: toEvent(event)})
	}
	requestHash := c.newRequestHash()
	body := io.Reader(http.MaxBytesReader(c.w, c.r.Body, maxBulk))
	if key != "" {
		body = io.TeeReader(body, requestHash)
	}
	if err := reader.readAll(c.r.Header.Get("Content-Type"), body); err != nil && err != errStopReading {
		return err
	}
	if reader.errs.count > 0 {
		return reader.writeErrors(c.w, c.r)
	}
	requestHash.Sum(batch.Hash[:0])
	results := &ledger.BatchResult{}
	if len(batch.Events) > 0 {
		_ = http.NewResponseController(c.w).SetWriteDeadline(time.Time{}) // the database's own bounds hold meanwhile
		if results, err = l.RecordAll(ctx, batch, c.dryRun || c.in.Addr().Interface().(*NewEvent).Simulate); err != nil {
			return ledgerProblem(err)
		}
	}
	return c.writeResults(ctx, results, offered[offer])
}

// addTooManyError takes down that the body holds more events than a batch may.
func (b *bulkReader) addTooManyError(lineNo int64) error {
	if err := b.addError(lineNo, "body", fmt.Sprintf("holds more than %d events; send the rest in another one", ledger.MaxBatch)); err != nil {
		return err
	}
	return errStopReading
}

// writeResults streams the answers: the events are committed by now, so a connection that breaks loses none of them.
func (c *call) writeResults(ctx context.Context, results *ledger.BatchResult, mediaType string) error {
	if results.Replayed {
		c.w.Header().Set("Idempotency-Replayed", "true")
	}
	dst := &deadlineWriter{w: c.w, control: http.NewResponseController(c.w), contentType: mediaType}
	opening, separator, closing := "", "\n", "\n"
	if mediaType == mediaTypes[formatJSON] {
		opening, separator, closing = "[", ",", "]\n"
	}
	buffer := append(make([]byte, 0, flushSize+512), opening...)
	first := true
	err := results.Each(ctx, func(r ledger.Result) error {
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
		if !first || mediaType == mediaTypes[formatJSON] {
			buffer = append(buffer, closing...)
		}
		_, err = dst.Write(buffer)
	}
	if err != nil && !dst.started {
		return err
	}
	if err != nil {
		recorderOf(c.w).problem = asProblem(err, c.method, nil)
		panic(http.ErrAbortHandler)
	}
	return nil
}
