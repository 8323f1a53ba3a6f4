package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"

	"labledger/api/bind"
	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/db"
	"labledger/internal/ledger"
	"labledger/internal/rules"
)

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

// replayDoc documents ReplayLedger.
var replayDoc = rest.Doc{
	Queries: []any{(*db.Queries).ListRulesets, (*db.Queries).ListLedger, (*db.Queries).ListConfirmedAlerts},
	Long:    true,
}

// A replayer replays the ledger.
type replayer struct{ ledger *ledger.Ledger }

// ReplayLedger evaluates changed rules over the recorded events and reports the alerts that would be added, removed and
// unchanged. It reads one snapshot and stores nothing. Without rules it reports the recorded alerts.
func (r *replayer) ReplayLedger(ctx context.Context, c *rest.Call, in ReplayRequest) (*ledger.Replay, error) {
	request := ledger.ReplayRequest{From: in.From, To: in.To, UserID: in.UserID}
	if in.Differences != nil {
		request.Limit = int(*in.Differences)
	}
	if in.Rules != nil {
		request.Changes = bindRules(*in.Rules, &c.Errors)
	}
	for _, fieldErr := range request.Validate() {
		index, isRule := strings.CutPrefix(fieldErr.Field, "rules[")
		if !isRule || !c.Errors.Has("rules["+index[:strings.IndexByte(index, ']')+1]) {
			c.Errors.Add(fieldErr.Field, fieldErr.Message)
		}
	}
	if err := c.Errors.Err(); err != nil {
		return nil, err
	}
	request.Progress = func(int64) { c.ExtendDeadlines() }
	return r.ledger.Replay(ctx, request)
}

// RulePlan binds one element of ReplayRequest.Rules.
var RulePlan = bind.New(reflect.TypeFor[RuleOverride](), http.MethodPatch, nil, nestedOptions)

// maxRules is the maximum number of changed rules: more than exist.
const maxRules = 100

// bindRules parses the changed rules. It reports errors of the n-th rule under rules[n].
func bindRules(text []byte, errs *problem.FieldErrors) (changes []ledger.RuleChange) {
	array := bodyArray{"rules", maxRules, RulePlan}
	bindArray(array, text, errs, func(n int, rule RuleOverride, ruleErrs *problem.FieldErrors) {
		if rule.Code == nil && len(*ruleErrs) == 0 {
			ruleErrs.Add("code", "is missing")
		}
		if len(*ruleErrs) > 0 { // a placeholder keeps the indexes of the rules after it
			changes = append(changes, ledger.RuleChange{Code: -int32(n) - 1})
			return
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
	})
	return changes
}
