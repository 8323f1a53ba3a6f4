package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"labledger/db"
	"labledger/internal/ledger"
	"labledger/internal/rules"
)

// This file replays recorded events by other rules.

// ReplayRequest is what to replay, and by what.
type ReplayRequest struct {
	// What is to be different: [{code, applies_to, limit, window_seconds, enabled}]. What is left out stays as it was when each event arrived.
	Rules *json.RawMessage `json:"rules"`
	// Only events at or after this time count, in seconds since 1970.
	From *int64 `json:"from"`
	// Only events before this time count, in seconds since 1970.
	To *int64 `json:"to"`
	// Only events of this user count.
	UserID *int64 `json:"user_id"`
	// Differences that are listed, at most; 1000 if left out.
	Differences *int64 `json:"differences"`
}

// RuleOverride is what a candidate changes of one rule.
type RuleOverride struct {
	// Code of the rule.
	Code *int32 `json:"code"`
	// Events that the rule looks at: deposit, withdraw or any.
	AppliesTo *string `json:"applies_to"`
	// Limit for users of medium risk.
	Limit *string `json:"limit"`
	// How far back the rule counts, in seconds.
	WindowSeconds *int64 `json:"window_seconds"`
	// False: the rule raises nothing.
	Enabled *bool `json:"enabled"`
}

// ReplayLedger tells what other rules would have made of the recorded events: alerts added, removed and unchanged. It reads one snapshot and
// changes nothing. Without rules it answers what was recorded.
func ReplayLedger(*db.Queries, context.Context, ReplayRequest) (ledger.Replay, error) {
	panic("api: the ledger replays")
}

// replayEndpoint makes the endpoint that replays.
func replayEndpoint(l *ledger.Ledger) endpoint {
	return endpoint{
		queries: []any{ReplayLedger, (*db.Queries).ListRulesets, (*db.Queries).ListLedger},
		in:      reflect.TypeFor[ReplayRequest](), out: reflect.TypeFor[ledger.Replay](),
		handle: func(c *call) error { return c.replay(l) },
	}
}

// ruleBinder binds one element of rules.
var ruleBinder = newBinder(reflect.TypeFor[RuleOverride](), http.MethodPatch, nil)

func (c *call) replay(l *ledger.Ledger) error {
	in := c.in.Addr().Interface().(*ReplayRequest)
	request := ledger.ReplayRequest{From: in.From, To: in.To, UserID: in.UserID}
	if in.Differences != nil {
		request.Limit = int(*in.Differences)
	}
	if in.Rules != nil {
		request.Changes = bindRules(*in.Rules, &c.errs)
	}
	for _, fieldErr := range request.Validate() {
		if field, isRule := strings.CutPrefix(fieldErr.Field, "rules["); !isRule || !c.errs.has("rules["+field[:strings.IndexByte(field, ']')+1]) {
			c.errs.add(fieldErr.Field, fieldErr.Message)
		}
	}
	if p := badRequest(c.errs); p != nil {
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
	request.Progress = func(int64) { extend() }
	result, err := l.Replay(ctx, request)
	if err != nil {
		return err
	}
	body, err := json.Marshal(result)
	if err != nil {
		return err
	}
	return respond(c.w, http.StatusOK, append(body, '\n'))
}

// maxRules bounds how many rules a candidate may name: more than there are.
const maxRules = 100

// bindRules reads the candidate's rules. What is wrong with the n-th is told as of rules[n].
func bindRules(text []byte, errs *fieldErrors) (changes []ledger.RuleChange) {
	decoder := jsontext.NewDecoder(bytes.NewReader(text))
	if decoder.PeekKind() != '[' {
		errs.add("rules", "must be an array of objects")
		return nil
	}
	_, _ = decoder.ReadToken() // valid: it was part of a body
	for n := 0; decoder.PeekKind() != ']'; n++ {
		if n == maxRules {
			errs.add("rules", fmt.Sprintf("holds more than %d rules", maxRules))
			return nil
		}
		value, err := decoder.ReadValue()
		if err != nil && !errors.Is(err, io.EOF) {
			errs.add("rules", "is not JSON")
			return nil
		}
		var ruleErrs fieldErrors
		var rule RuleOverride
		if err := ruleBinder.bindBody(reflect.ValueOf(&rule).Elem(), slices.Clone(value), "", &ruleErrs); err != nil {
			ruleErrs = append(ruleErrs, asProblem(err, http.MethodPost, nil).Errors...)
		}
		prefix := fmt.Sprintf("rules[%d]", n)
		if rule.Code == nil && len(ruleErrs) == 0 {
			ruleErrs.add("code", "is missing")
		}
		for _, fieldErr := range ruleErrs {
			if fieldErr.Field == "body" {
				errs.add(prefix, fieldErr.Message)
			} else {
				errs.add(prefix+"."+fieldErr.Field, fieldErr.Message)
			}
		}
		if len(ruleErrs) > 0 { // it keeps its place
			changes = append(changes, ledger.RuleChange{Code: -int32(n) - 1})
			continue
		}
		change := ledger.RuleChange{Code: *rule.Code, AppliesTo: rule.AppliesTo, WindowSeconds: rule.WindowSeconds, Enabled: rule.Enabled}
		if rule.Limit != nil {
			cents, _ := rules.ParseCents(*rule.Limit) // checked when it was bound
			change.Limit = &cents
		}
		changes = append(changes, change)
	}
	return changes
}
