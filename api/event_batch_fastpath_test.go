package api

import (
	"net/http"
	"reflect"
	"testing"

	"labledger/api/bind"
	"labledger/api/problem"
	"labledger/internal/ledger"
)

// plainEvents are events that the fast path parses.
var plainEvents = []string{
	`{"type":"deposit","amount":"12.50","user_id":1,"time":17}`,
	` { "time" : 9007199254740991 , "user_id":0,"amount":0.5,"type":"WithDraw" } `,
}

// FuzzParsePlainEvent compares the fast path with the binder.
func FuzzParsePlainEvent(f *testing.F) {
	for _, text := range append([]string{
		`{"type":"deposit","amount":"12.50","user_id":1,"time":9007199254740992}`,
		`{"type":"deposit","amount":"1","user_id":01,"time":1}`,
		`{"type":"deposit","amount":1,"user_id":-0,"time":1}`,
		`{"type":"deposit","amount":"1.","user_id":1,"time":1}`,
		`{"type":"deposit","amount":0100,"user_id":1,"time":1}`,
		`{"type":"deposit","amount":"0100.0","user_id":1,"time":1}`,
		`{"type":"deposit","amount":1e2,"user_id":1,"time":1}`,
		`{"type":"deposit","amount":"0.00","user_id":1,"time":1}`,
		`{"type":"deposit","type":"deposit","amount":"1","user_id":1,"time":1}`,
		`{"type":"depo\u0073it","amount":"1","user_id":1,"time":1}`,
		`{"type":"deposit","amount":"1","user_id":1,"time":1}x`,
		`{"type":"deposit","amount":"1","user_id":1,"time":1,"simulate":true}`,
	}, plainEvents...) {
		f.Add([]byte(text))
	}
	options := bind.Options{Rules: fieldRules}
	single := bind.New(reflect.TypeFor[NewEvent](), http.MethodPost, nil, options)
	plan := bind.NewRow(reflect.TypeFor[NewEvent](), single, options)
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := parsePlainEvent(text)
		if !ok {
			return
		}
		var e NewEvent
		var errs problem.FieldErrors
		given, _, err := plan.Row(&e, text, &errs)
		plan.RequireNew(&e, given, &errs)
		want := ledger.UserEvent{UserID: e.UserID, Event: toEvent(&e)}
		if err != nil || len(errs) > 0 || got != want {
			t.Errorf("%q: got %v; the binder returns %v, %v, %v", text, got, want, errs, err)
		}
	})
}

// TestParsePlainEvent: the fast path parses plain events, so it is a fast path at all.
func TestParsePlainEvent(t *testing.T) {
	t.Parallel()
	for _, text := range plainEvents {
		if _, ok := parsePlainEvent([]byte(text)); !ok {
			t.Errorf("%s: fast path failed", text)
		}
	}
}
