package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"labledger/internal/ledger"
	"labledger/internal/rules"
)

type replayCmd struct {
	Change []string `arg:"" optional:"" help:"Changes of rules, as CODE:SETTING=VALUE, with several settings separated by commas: 123:limit=150,window_seconds=60 1100:enabled=false. Settings: applies_to, limit (at medium risk), window_seconds, enabled. Default: no change, which replays the rules that were in force."`
	From   string   `help:"Count events from this time on: a date, an RFC 3339 time, or Unix seconds. Earlier events still fill the windows." placeholder:"TIME"`
	To     string   `help:"Count events before this time." placeholder:"TIME"`
	User   *int64   `help:"Count events of this user only." placeholder:"ID"`
	Limit  int      `help:"Maximum number of differences to list, up to 100000." default:"1000"`
	Format string   `help:"text or json." enum:"text,json" default:"text"`
}

// Run replays the recorded events with changed rules and prints how the alerts would differ. It stores nothing.
func (r replayCmd) Run(ctx context.Context, c *config) error {
	request, err := r.request()
	if err != nil {
		return err
	}
	return c.withCheckedDB(ctx, func(d *database) error {
		progress := newProgressLine()
		request.Progress = progress.updateEvents
		result, err := ledger.New(d.pool, nil).Replay(ctx, request)
		progress.done()
		var invalid ledger.ValidationError
		switch {
		case errors.As(err, &invalid):
			return r.cliErrors(request.Changes, invalid)
		case err != nil:
			return err
		case r.Format == "json":
			return json.NewEncoder(os.Stdout).Encode(result)
		}
		out := bufio.NewWriter(os.Stdout)
		printReplay(out, result, len(request.Changes) > 0)
		return out.Flush()
	})
}

// request parses the arguments. Its error lists all invalid ones.
func (r replayCmd) request() (ledger.ReplayRequest, error) {
	request := ledger.ReplayRequest{UserID: r.User, Limit: r.Limit}
	var errs []error
	for _, change := range r.Change {
		errs = append(errs, parseRuleChange(&request.Changes, change))
	}
	for _, flag := range []struct {
		name, text string
		target     **int64
	}{{"--from", r.From, &request.From}, {"--to", r.To, &request.To}} {
		if flag.text == "" {
			continue
		}
		seconds, ok := parseUnixSeconds(flag.text)
		if !ok {
			errs = append(errs, fmt.Errorf("%s: must be a date (2026-01-31), an RFC 3339 time (2026-01-31T12:00:00Z) "+
				"or Unix seconds, got %q", flag.name, flag.text))
		}
		*flag.target = &seconds
	}
	if r.Limit == 0 {
		errs = append(errs, errors.New("--limit: must be an integer from 1 to 100000"))
	}
	return request, joinErrors("replay: invalid arguments:", errs)
}

// joinErrors indents errors below a headline. It returns nil if there are none.
func joinErrors(headline string, errs []error) error {
	if err := errors.Join(errs...); err != nil {
		return errors.New(headline + "\n  " + strings.ReplaceAll(err.Error(), "\n", "\n  "))
	}
	return nil
}

// parseRuleChange parses CODE:SETTING=VALUE,… into the change of that rule. Several arguments may change one rule.
func parseRuleChange(changes *[]ledger.RuleChange, text string) error {
	name, settings, ok := strings.Cut(text, ":")
	code, err := strconv.ParseInt(name, 10, 32)
	if !ok || err != nil || settings == "" {
		return fmt.Errorf("%s: must have the form 123:limit=150", text)
	}
	var change *ledger.RuleChange
	for i := range *changes {
		if (*changes)[i].Code == int32(code) {
			change = &(*changes)[i]
		}
	}
	if change == nil {
		*changes = append(*changes, ledger.RuleChange{Code: int32(code)})
		change = &(*changes)[len(*changes)-1]
	}
	var errs []error
	for setting := range strings.SplitSeq(settings, ",") {
		if err := parseRuleSetting(change, setting); err != nil {
			errs = append(errs, fmt.Errorf("%s:%s: %w", name, setting, err))
		}
	}
	return errors.Join(errs...)
}

// parseRuleSetting parses SETTING=VALUE into a change.
func parseRuleSetting(change *ledger.RuleChange, text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return errors.New("must have the form limit=150")
	}
	duplicate := false
	switch name {
	case "applies_to":
		duplicate = change.AppliesTo != nil
		change.AppliesTo = &value
	case "limit":
		limit, ok := rules.ParseCents(value)
		if !ok {
			return errors.New("must be a number with at most two decimals")
		}
		duplicate = change.Limit != nil
		change.Limit = &limit
	case "window_seconds":
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return errors.New("must be an integer")
		}
		duplicate = change.WindowSeconds != nil
		change.WindowSeconds = &seconds
	case "enabled":
		if value != "true" && value != "false" {
			return errors.New("must be true or false")
		}
		enabled := value == "true"
		duplicate = change.Enabled != nil
		change.Enabled = &enabled
	default:
		return errors.New("unknown setting; the settings are applies_to, limit, window_seconds and enabled")
	}
	if duplicate {
		return errors.New("must not be set twice")
	}
	return nil
}

// parseUnixSeconds parses a time into Unix seconds. A date is its first second in UTC.
func parseUnixSeconds(text string) (int64, bool) {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return seconds, true
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Unix(), true
		}
	}
	return 0, false
}

var ruleFieldRE = regexp.MustCompile(`^rules\[(\d+)\]\.`)

// cliErrors converts the field names of a validation error to flags and arguments of the command line.
func (r replayCmd) cliErrors(changes []ledger.RuleChange, invalid ledger.ValidationError) error {
	var errs []error
	for _, e := range invalid {
		field := "--" + e.Field
		if match := ruleFieldRE.FindStringSubmatch(e.Field); match != nil {
			i, _ := strconv.Atoi(match[1])
			field = fmt.Sprintf("%d:%s", changes[i].Code, strings.TrimPrefix(e.Field, match[0]))
		}
		errs = append(errs, fmt.Errorf("%s: %s", field, e.Message))
	}
	return joinErrors("replay: invalid arguments:", errs)
}
