package api_test

import (
	"reflect"
	"testing"

	"labledger/internal/ledger"
)

// FuzzParsePlainEvent compares the fast path with the binder.
func FuzzParsePlainEvent(f *testing.F) {
	for _, text := range []string{
		`{"type":"deposit","amount":"12.50","user_id":1,"time":17}`,
		` { "time" : 9007199254740991 , "user_id":0,"amount":0.5,"type":"WithDraw" } `,
		`{"type":"deposit","amount":"12.50","user_id":1,"time":9007199254740992}`,
		`{"type":"deposit","amount":"1.","user_id":01,"time":1}`,
		`{"type":"deposit","amount":"1","user_id":1,"time":1,"time":1}`,
		`{"type":"depo\u0073it","amount":"1","user_id":1,"time":1}x`,
		`{"type":"deposit","amount":1e2,"user_id":-0,"time":1}`,
		`{"type":"deposit","amount":"0.00","user_id":1,"time":1,"simulate":true}`,
	} {
		f.Add([]byte(text))
	}
	b := newBulkBinder(reflect.TypeFor[NewEvent]())
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := parsePlainEvent(text)
		if !ok {
			return
		}
		var e NewEvent
		var errs fieldErrors
		err := b.bindBody(reflect.ValueOf(&e).Elem(), text, "", &errs)
		want := ledger.UserEvent{UserID: e.UserID, Event: toEvent(&e)}
		if err != nil || len(errs) > 0 || got != want {
			t.Errorf("%q: got %v; the binder returns %v, %v, %v", text, got, want, errs, err)
		}
	})
}

func TestParsePlainEvent(t *testing.T) {
	for _, text := range []string{
		`{"type":"deposit","amount":"12.50","user_id":1,"time":17}`,
		` {"time" : 9007199254740991 , "user_id":0,"amount":0.5,"type":"WithDraw" } `,
	} {
		if _, ok := parsePlainEvent([]byte(text)); !ok {
			t.Errorf("%s: fast path failed", text)
		}
	}
}
