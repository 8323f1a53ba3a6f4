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

// This file records events: one per request, or a batch.

// NewEvent describes an event to record.
type NewEvent struct {
	// Type of the event: deposit or withdraw, case-insensitive.
	Type string `json:"type"`
	// Amount: greater than 0, with at most two decimals.
	Amount string `json:"amount"`
	// ID of the user who deposited or withdrew. An account with this ID need not exist.
	UserID int64 `json:"user_id"`
	// Time of the event, in seconds since 1970.
	Time int64 `json:"time"`
	// Same as dry_run.
	Simulate bool `json:"simulate"`
}

// RecordedEvent describes the result of recording an event.
type RecordedEvent struct {
	// ID of the event.
	EventID uuid.UUID `json:"event_id"`
	// ID of the alert that the event raised, or null.
	AlertID *uuid.UUID `json:"alert_id"`
	// Whether the event raised an alert.
	Alert bool `json:"alert"`
	// Codes of the rules that fired, in ascending order.
	AlertCodes []int32 `json:"alert_codes"`
	// ID of the user.
	UserID int64 `json:"user_id"`
}

// RecordEvent records an event and evaluates the rules for it. The user's state is locked meanwhile; event, alert and
// state are committed in one transaction. Repeating a request with the same Idempotency-Key records nothing and returns
// the first response.
func RecordEvent(*db.Queries, context.Context, NewEvent) (RecordedEvent, error) {
	panic("api: RecordEvent is implemented by call.recordEvent")
}

// eventEndpoint returns the endpoint that records events and batches.
func eventEndpoint(l *ledger.Ledger) endpoint {
	return endpoint{
		queries: []any{
			RecordEvent, (*db.Queries).LockState, (*db.Queries).GetLatestRuleset, (*db.Queries).FindKeys,
			(*db.Queries).InsertEvent, (*db.Queries).InsertAlerts, (*db.Queries).SaveState, (*db.Queries).SaveKeys,
		},
		in:     reflect.TypeFor[NewEvent](),
		out:    reflect.TypeFor[RecordedEvent](),
		handle: func(c *call) error { return c.recordEvent(l) },
		bulk: &bulkImport{
			binder: newBulkBinder(reflect.TypeFor[NewEvent]()),
			handle: func(c *call) error { return c.recordBatch(l) },
		},
	}
}

// maxIdempotencyKeyLen is the maximum length of an Idempotency-Key, in characters.
const maxIdempotencyKeyLen = 255

// idempotencyKey returns the Idempotency-Key header, or "" if it is absent or invalid.
func idempotencyKey(r *http.Request, errs *fieldErrors) string {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return ""
	}
	key := keys[0]
	if len(keys) > 1 || key == "" || len(key) > maxIdempotencyKeyLen {
		errs.add("Idempotency-Key", fmt.Sprintf("must be sent once, with 1 to %d characters", maxIdempotencyKeyLen))
		return ""
	}
	for _, c := range []byte(key) {
		if c < ' ' || c > '~' {
			errs.add("Idempotency-Key", "must contain only printable ASCII characters")
			return ""
		}
	}
	return key
}

// newRequestHash returns a hash of method, path and content type, to which the caller adds the body. It identifies the
// request that an idempotency key was used for.
func (c *call) newRequestHash() hash.Hash {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s %s\n%s\n", c.method, c.path, c.r.Header.Get("Content-Type")) // never fails
	return h
}

// toEvent converts a validated NewEvent.
func toEvent(e *NewEvent) rules.Event {
	kind, _ := rules.ParseType(e.Type)
	cents, _ := rules.ParseCents(e.Amount)
	return rules.Event{Type: kind, Amount: cents, Time: e.Time}
}

// recordEvent records one event.
func (c *call) recordEvent(l *ledger.Ledger) error {
	key := idempotencyKey(c.r, &c.errs)
	if p := badRequest(c.errs); p != nil {
		return p
	}
	e := c.in.Addr().Interface().(*NewEvent)
	request := ledger.RecordRequest{
		UserID: e.UserID,
		Event:  toEvent(e),
		Actor:  recorderOf(c.w).requestContext().Actor,
		Key:    key,
	}
	if key != "" {
		h := c.newRequestHash()
		_, _ = h.Write(c.body) // never fails
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
	text, _ := id.MarshalText() // never fails
	return append(dst, text...)
}

// ledgerProblem converts the errors of the ledger into problems.
func ledgerProblem(err error) error {
	switch {
	case errors.Is(err, ledger.ErrKeyReused):
		return problem(http.StatusUnprocessableEntity,
			"This Idempotency-Key was used for a different request. Nothing was recorded. "+
				"Use a new key for a new request.")
	case errors.Is(err, ledger.ErrInFlight):
		return problem(http.StatusConflict,
			"A request with this Idempotency-Key is in progress. Retry in a second to get its response.").
			withHeader("Retry-After", "1")
	case errors.Is(err, ledger.ErrBusy):
		return unavailable("Too many event batches are in progress. Try again later.", nil)
	}
	return err
}

// recordBatch records all events of a body, or none. It returns one result per event. By default a JSON
// request gets a JSON array; NDJSON and CSV requests get NDJSON.
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
	reader.fastPath = func(lineNo int64, text []byte) (handled bool, err error) {
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
		_ = http.NewResponseController(c.w).SetWriteDeadline(time.Time{}) // the ledger has its own timeouts
		dryRun := c.dryRun || c.in.Addr().Interface().(*NewEvent).Simulate
		if results, err = l.RecordAll(ctx, batch, dryRun); err != nil {
			return ledgerProblem(err)
		}
	}
	return c.writeResults(ctx, results, offered[offer])
}

// addTooManyError reports that the body exceeds ledger.MaxBatch, and stops the reader.
func (b *bulkReader) addTooManyError(lineNo int64) error {
	message := fmt.Sprintf("has more than %d events; split it into several requests", ledger.MaxBatch)
	if err := b.addError(lineNo, "body", message); err != nil {
		return err
	}
	return errStopReading
}

// writeResults streams the results. The events are already committed, so a broken connection loses none of them.
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
