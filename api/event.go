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

// recording makes the endpoint that takes events in.
func recording(l *ledger.Ledger) endpoint {
	return endpoint{
		calls: []any{
			RecordEvent, (*db.Queries).LockState, (*db.Queries).GetLatestRuleset, (*db.Queries).FindKeys,
			(*db.Queries).InsertEvent, (*db.Queries).InsertAlerts, (*db.Queries).SaveState, (*db.Queries).SaveKeys,
		},
		in: reflect.TypeFor[NewEvent](), out: reflect.TypeFor[RecordedEvent](),
		own: func(s *submission) error { return s.recordOne(l) },
		bulk: &bulk{
			binder: newBulkBinder(reflect.TypeFor[NewEvent]()),
			own:    func(s *submission) error { return s.recordMany(l) },
		},
	}
}

// maxKey is how long an Idempotency-Key may be, in characters.
const maxKey = 255

// idempotencyKey reads the header; "" when there is none.
func idempotencyKey(r *http.Request, found *faults) string {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return ""
	}
	key := keys[0]
	if len(keys) > 1 || key == "" || len(key) > maxKey {
		found.add("Idempotency-Key", fmt.Sprintf("must stand once, with 1 to %d characters", maxKey))
		return ""
	}
	for _, c := range []byte(key) {
		if c < ' ' || c > '~' {
			found.add("Idempotency-Key", "must be of printable ASCII characters")
			return ""
		}
	}
	return key
}

// newRequestHash hashes what an idempotency key stands for: the call, and then the body.
func (s *submission) newRequestHash() hash.Hash {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s %s\n%s\n", s.method, s.path, s.r.Header.Get("Content-Type")) // a hash takes everything
	return h
}

// asEvent reads a bound NewEvent, which has been checked.
func asEvent(e *NewEvent) rules.Event {
	kind, _ := rules.ParseType(e.Type)
	cents, _ := rules.ParseCents(e.Amount)
	return rules.Event{Type: kind, Amount: cents, Time: e.Time}
}

func (s *submission) recordOne(l *ledger.Ledger) error {
	key := idempotencyKey(s.r, &s.found)
	if p := refusal(s.found); p != nil {
		return p
	}
	e := s.in.Addr().Interface().(*NewEvent)
	request := ledger.RecordRequest{UserID: e.UserID, Event: asEvent(e), Actor: exchangeOf(s.w).caller().Actor, Key: key}
	if key != "" {
		h := s.newRequestHash()
		_, _ = h.Write(s.body) // a hash takes everything
		h.Sum(request.Hash[:0])
	}
	ctx, cancel := context.WithTimeout(s.r.Context(), handlerTime)
	defer cancel()
	record := l.Record
	if s.dry || e.Simulate {
		record = l.Simulate
	}
	recorded, err := record(ctx, request)
	if err != nil {
		return ledgerProblem(err)
	}
	status := http.StatusOK
	if !s.short {
		status = http.StatusCreated
		s.w.Header().Set("Location", s.location+"/"+recorded.EventID.String())
	}
	if recorded.Replayed {
		s.w.Header().Set("Idempotency-Replayed", "true")
	}
	return respond(s.w, status, append(appendRecorded(make([]byte, 0, 256), recorded), '\n'))
}

// appendRecorded appends a RecordedEvent as JSON.
func appendRecorded(dst []byte, r ledger.Result) []byte {
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
		return problem(http.StatusConflict, "A request with this Idempotency-Key is under way. Repeat this one in a moment to have its answer.").with("Retry-After", "1")
	case errors.Is(err, ledger.ErrBusy):
		return unavailable("Too many batches of events are under way. Try again when one of them has ended.", nil)
	}
	return err
}

// recordMany records the events of a body, all or none. Each is answered in a line, or an element, of its own, in the form of the request.
func (s *submission) recordMany(l *ledger.Ledger) error {
	key := idempotencyKey(s.r, &s.found)
	kind, _, _ := mime.ParseMediaType(s.r.Header.Get("Content-Type"))
	offered := []string{mediaTypes[formatNDJSON], mediaTypes[formatJSON]}
	if kind == mediaTypes[formatJSON] || kind == "" {
		offered = []string{mediaTypes[formatJSON], mediaTypes[formatNDJSON]}
	}
	chosen, p := negotiate(s.r, offered)
	if p != nil {
		return p
	}
	if p := checkBulk(s.r, s.found); p != nil {
		return p
	}
	release, err := s.long.take()
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(s.r.Context(), bulkTime)
	defer cancel()
	patience := patienceWith(s.w)
	patience()
	batch := &ledger.Batch{Actor: exchangeOf(s.w).caller().Actor, Key: key}
	in := newIntake(s.bulk)
	defer in.wrong.close()
	event := in.row.Addr().Interface().(*NewEvent)
	take := func(number int64, e ledger.UserEvent) error {
		if len(batch.Events) == ledger.MaxBatch {
			return in.tooMany(number)
		}
		if in.wrong.count == 0 {
			batch.Events = append(batch.Events, e)
		}
		if number%chunkLines == 0 {
			patience()
		}
		return nil
	}
	in.plain = func(number int64, text []byte) (taken bool, err error) {
		e, ok := plainEvent(text)
		if !ok {
			return false, nil
		}
		return true, take(number, e)
	}
	in.keep = func(number int64) error {
		return take(number, ledger.UserEvent{UserID: event.UserID, Event: asEvent(event)})
	}
	sum := s.newRequestHash()
	body := io.Reader(http.MaxBytesReader(s.w, s.r.Body, maxBulk))
	if key != "" {
		body = io.TeeReader(body, sum)
	}
	if err := in.readAll(s.r.Header.Get("Content-Type"), body); err != nil && err != errStop {
		return err
	}
	if in.wrong.count > 0 {
		return in.refuse(s.w, s.r)
	}
	sum.Sum(batch.Hash[:0])
	answers := &ledger.BatchResult{}
	if len(batch.Events) > 0 {
		_ = http.NewResponseController(s.w).SetWriteDeadline(time.Time{}) // the database's own bounds hold meanwhile
		if answers, err = l.RecordAll(ctx, batch, s.dry || s.in.Addr().Interface().(*NewEvent).Simulate); err != nil {
			return ledgerProblem(err)
		}
	}
	return s.answerMany(ctx, answers, offered[chosen])
}

// tooMany takes down that the body holds more events than a batch may.
func (in *intake) tooMany(number int64) error {
	if err := in.fault(number, "body", fmt.Sprintf("holds more than %d events; send the rest in another one", ledger.MaxBatch)); err != nil {
		return err
	}
	return errStop
}

// answerMany streams the answers: the events are committed by now, so a connection that breaks loses none of them.
func (s *submission) answerMany(ctx context.Context, answers *ledger.BatchResult, form string) error {
	if answers.Replayed {
		s.w.Header().Set("Idempotency-Replayed", "true")
	}
	out := &patient{w: s.w, control: http.NewResponseController(s.w), contentType: form}
	open, between, end := "", "\n", "\n"
	if form == mediaTypes[formatJSON] {
		open, between, end = "[", ",", "]\n"
	}
	buffer := append(make([]byte, 0, flushEvery+512), open...)
	first := true
	err := answers.ForEach(ctx, func(r ledger.Result) error {
		if !first {
			buffer = append(buffer, between...)
		}
		first = false
		buffer = appendRecorded(buffer, r)
		if len(buffer) < flushEvery {
			return nil
		}
		_, err := out.Write(buffer)
		buffer = buffer[:0]
		return err
	})
	if err == nil {
		if !first || form == mediaTypes[formatJSON] {
			buffer = append(buffer, end...)
		}
		_, err = out.Write(buffer)
	}
	if err != nil && !out.started {
		return err
	}
	if err != nil {
		exchangeOf(s.w).problem = asProblem(err, s.method, nil)
		panic(http.ErrAbortHandler)
	}
	return nil
}
