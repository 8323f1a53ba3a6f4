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
	Change []string `arg:"" optional:"" help:"What to change, as CODE:SETTING=VALUE, several settings with commas: 123:limit=150,window_seconds=60 1100:enabled=false. Settings: applies_to, limit (at medium risk), window_seconds, enabled. Without any: the rules that were in force."`
	From   string   `help:"Count events from this time on: a date, RFC 3339, or seconds since 1970. Earlier events still fill the windows." placeholder:"TIME"`
	To     string   `help:"Count events before this time." placeholder:"TIME"`
	User   *int64   `help:"Count this user's events only." placeholder:"ID"`
	Limit  int      `help:"How many differences to list, at most 100000." default:"1000"`
	Format string   `help:"text or json." enum:"text,json" default:"text"`
}

// Run tells what changed rules would have done. Nothing is changed.
func (r replayCmd) Run(ctx context.Context, c *config) error {
	request, err := r.request()
	if err != nil {
		return err
	}
	return c.withOwnerDB(ctx, func(d *database) error {
		if err := d.migrateAndSeed(ctx, warnLogger()); err != nil {
			return err
		}
		count := newProgressLine()
		request.Progress = count.update
		answer, err := ledger.New(d.pool, nil).Replay(ctx, request)
		count.done()
		var invalid ledger.ValidationError
		switch {
		case errors.As(err, &invalid):
			return r.cliErrors(request.Changes, invalid)
		case err != nil:
			return err
		case r.Format == "json":
			return json.NewEncoder(os.Stdout).Encode(answer)
		}
		out := bufio.NewWriter(os.Stdout)
		printReplay(out, answer, len(request.Changes) > 0)
		return out.Flush()
	})
}

// request reads the arguments. All that is wrong with them is told.
func (r replayCmd) request() (ledger.ReplayRequest, error) {
	request := ledger.ReplayRequest{UserID: r.User, Limit: r.Limit}
	var faults []error
	for _, change := range r.Change {
		faults = append(faults, parseRuleChange(&request.Changes, change))
	}
	for _, flag := range []struct {
		name, text string
		into       **int64
	}{{"--from", r.From, &request.From}, {"--to", r.To, &request.To}} {
		if flag.text == "" {
			continue
		}
		seconds, ok := parseUnixSeconds(flag.text)
		if !ok {
			faults = append(faults, fmt.Errorf("%s: %q is no date (2026-01-31), no RFC 3339 time (2026-01-31T12:00:00Z) and no number of seconds", flag.name, flag.text))
		}
		*flag.into = &seconds
	}
	if r.Limit == 0 {
		faults = append(faults, errors.New("--limit: must be a number from 1 to 100000"))
	}
	return request, joinErrors("replay: nothing was replayed", faults)
}

// joinErrors puts faults below a headline; nil for none.
func joinErrors(headline string, faults []error) error {
	if err := errors.Join(faults...); err != nil {
		return errors.New(headline + "\n  " + strings.ReplaceAll(err.Error(), "\n", "\n  "))
	}
	return nil
}

// parseRuleChange reads CODE:SETTING=VALUE,… into the change of that rule. Several arguments may speak of one rule.
func parseRuleChange(changes *[]ledger.RuleChange, text string) error {
	name, settings, ok := strings.Cut(text, ":")
	code, err := strconv.ParseInt(name, 10, 32)
	if !ok || err != nil || settings == "" {
		return fmt.Errorf("%s: must be like 123:limit=150", text)
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
	var faults []error
	for setting := range strings.SplitSeq(settings, ",") {
		if fault := parseRuleSetting(change, setting); fault != "" {
			faults = append(faults, fmt.Errorf("%s:%s: %s", name, setting, fault))
		}
	}
	return errors.Join(faults...)
}

// parseRuleSetting reads SETTING=VALUE, and returns what is wrong with it.
func parseRuleSetting(change *ledger.RuleChange, text string) (fault string) {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return "must be like limit=150"
	}
	twice := false
	switch name {
	case "applies_to":
		twice = change.AppliesTo != nil
		change.AppliesTo = &value
	case "limit":
		limit, ok := rules.ParseCents(value)
		if !ok {
			return "must be a number with at most two decimals"
		}
		twice = change.Limit != nil
		change.Limit = &limit
	case "window_seconds":
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return "must be a whole number of seconds"
		}
		twice = change.WindowSeconds != nil
		change.WindowSeconds = &seconds
	case "enabled":
		if value != "true" && value != "false" {
			return "must be true or false"
		}
		enabled := value == "true"
		twice = change.Enabled != nil
		change.Enabled = &enabled
	default:
		return "there is no such setting; there are applies_to, limit, window_seconds and enabled"
	}
	if twice {
		return "is given twice"
	}
	return ""
}

// parseUnixSeconds reads a time into seconds since 1970. A date is its first second in UTC.
func parseUnixSeconds(text string) (int64, bool) {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return seconds, true
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.Unix(), true
		}
	}
	return 0, false
}

var ruleFieldRE = regexp.MustCompile(`^rules\[(\d+)\]\.`)

// cliErrors says what is wrong in the words of the command line.
func (r replayCmd) cliErrors(changes []ledger.RuleChange, invalid ledger.ValidationError) error {
	var faults []error
	for _, fault := range invalid {
		field := "--" + fault.Field
		if match := ruleFieldRE.FindStringSubmatch(fault.Field); match != nil {
			i, _ := strconv.Atoi(match[1]) // digits
			field = fmt.Sprintf("%d:%s", changes[i].Code, strings.TrimPrefix(fault.Field, match[0]))
		}
		faults = append(faults, fmt.Errorf("%s: %s", field, fault.Message))
	}
	return joinErrors("replay: nothing was replayed", faults)
}
