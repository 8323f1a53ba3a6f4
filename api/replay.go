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

// This file evaluates changed rules over recorded events.

// ReplayRequest describes a replay: the changed rules and the events to evaluate.
type ReplayRequest struct {
	// Changed rules: [{code, applies_to, limit, window_seconds, enabled}]. Fields that are left out keep the value that
	// was in force when each event arrived.
	Rules *json.RawMessage `json:"rules"`
	// Only events at or after this time, in seconds since 1970.
	From *int64 `json:"from"`
	// Only events before this time, in seconds since 1970.
	To *int64 `json:"to"`
	// Only events of this user.
	UserID *int64 `json:"user_id"`
	// Maximum number of differences to list. Default: 1000.
	Differences *int64 `json:"differences"`
}

// RuleOverride describes the changes to one rule.
type RuleOverride struct {
	// Code of the rule.
	Code *int32 `json:"code"`
	// Events that the rule applies to: deposit, withdraw or any.
	AppliesTo *string `json:"applies_to"`
	// Limit at risk level medium.
	Limit *string `json:"limit"`
	// Time window of the rule, in seconds.
	WindowSeconds *int64 `json:"window_seconds"`
	// Whether the rule raises alerts.
	Enabled *bool `json:"enabled"`
}

// ReplayLedger evaluates changed rules over the recorded events and reports the alerts that would be added, removed and
// unchanged. It reads one snapshot and stores nothing. Without rules it reports the recorded alerts.
func ReplayLedger(*db.Queries, context.Context, ReplayRequest) (ledger.Replay, error) {
	panic("api: ReplayLedger is implemented by call.replay")
}

func replayEndpoint(l *ledger.Ledger) endpoint {
	return endpoint{
		queries: []any{ReplayLedger, (*db.Queries).ListRulesets, (*db.Queries).ListLedger},
		in:      reflect.TypeFor[ReplayRequest](),
		out:     reflect.TypeFor[ledger.Replay](),
		handle:  func(c *call) error { return c.replay(l) },
	}
}

// ruleBinder binds one element of ReplayRequest.Rules.
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
		index, isRule := strings.CutPrefix(fieldErr.Field, "rules[")
		if !isRule || !c.errs.has("rules["+index[:strings.IndexByte(index, ']')+1]) {
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

// maxRules is the maximum number of changed rules: more than exist.
const maxRules = 100

// bindRules parses the changed rules. It reports errors of the n-th rule under rules[n].
func bindRules(text []byte, errs *fieldErrors) (changes []ledger.RuleChange) {
	decoder := jsontext.NewDecoder(bytes.NewReader(text))
	if decoder.PeekKind() != '[' {
		errs.add("rules", "must be an array of objects")
		return nil
	}
	_, _ = decoder.ReadToken() // "[", as peeked
	for n := 0; decoder.PeekKind() != ']'; n++ {
		if n == maxRules {
			errs.add("rules", fmt.Sprintf("must have at most %d rules", maxRules))
			return nil
		}
		value, err := decoder.ReadValue()
		if err != nil && !errors.Is(err, io.EOF) {
			errs.add("rules", "is not valid JSON")
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
		if len(ruleErrs) > 0 { // a placeholder keeps the indexes of the rules after it
			changes = append(changes, ledger.RuleChange{Code: -int32(n) - 1})
			continue
		}
		change := ledger.RuleChange{
			Code:          *rule.Code,
			AppliesTo:     rule.AppliesTo,
			WindowSeconds: rule.WindowSeconds,
			Enabled:       rule.Enabled,
		}
		if rule.Limit != nil {
			cents, _ := rules.ParseCents(*rule.Limit) // validated by the binder
			change.Limit = &cents
		}
		changes = append(changes, change)
	}
	return changes
}
