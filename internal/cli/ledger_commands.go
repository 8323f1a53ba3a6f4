package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

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
	return c.beside(ctx, func(d *database) error {
		if err := d.ready(ctx, quiet()); err != nil {
			return err
		}
		count := newCounter()
		request.Progress = count.show
		answer, err := ledger.New(d.pool, nil).Replay(ctx, request)
		count.end()
		var invalid ledger.ValidationError
		switch {
		case errors.As(err, &invalid):
			return r.explain(request.Changes, invalid)
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
		faults = append(faults, readChange(&request.Changes, change))
	}
	for _, flag := range []struct {
		name, text string
		into       **int64
	}{{"--from", r.From, &request.From}, {"--to", r.To, &request.To}} {
		if flag.text == "" {
			continue
		}
		seconds, ok := secondsOf(flag.text)
		if !ok {
			faults = append(faults, fmt.Errorf("%s: %q is no date (2026-01-31), no RFC 3339 time (2026-01-31T12:00:00Z) and no number of seconds", flag.name, flag.text))
		}
		*flag.into = &seconds
	}
	if r.Limit == 0 {
		faults = append(faults, errors.New("--limit: must be a number from 1 to 100000"))
	}
	return request, lines("replay: nothing was replayed", faults)
}

// lines puts faults below a headline; nil for none.
func lines(headline string, faults []error) error {
	if err := errors.Join(faults...); err != nil {
		return errors.New(headline + "\n  " + strings.ReplaceAll(err.Error(), "\n", "\n  "))
	}
	return nil
}

// readChange reads CODE:SETTING=VALUE,… into the change of that rule. Several arguments may speak of one rule.
func readChange(changes *[]ledger.RuleChange, text string) error {
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
		if fault := readSetting(change, setting); fault != "" {
			faults = append(faults, fmt.Errorf("%s:%s: %s", name, setting, fault))
		}
	}
	return errors.Join(faults...)
}

// readSetting reads SETTING=VALUE, and returns what is wrong with it.
func readSetting(change *ledger.RuleChange, text string) (fault string) {
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

// secondsOf reads a time into seconds since 1970. A date is its first second in UTC.
func secondsOf(text string) (int64, bool) {
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

var ofRule = regexp.MustCompile(`^rules\[(\d+)\]\.`)

// explain says what is wrong in the words of the command line.
func (r replayCmd) explain(changes []ledger.RuleChange, invalid ledger.ValidationError) error {
	var faults []error
	for _, fault := range invalid {
		field := "--" + fault.Field
		if match := ofRule.FindStringSubmatch(fault.Field); match != nil {
			i, _ := strconv.Atoi(match[1]) // digits
			field = fmt.Sprintf("%d:%s", changes[i].Code, strings.TrimPrefix(fault.Field, match[0]))
		}
		faults = append(faults, fmt.Errorf("%s: %s", field, fault.Message))
	}
	return lines("replay: nothing was replayed", faults)
}

// How much of an answer is printed as text.
const (
	printedUsers       = 10
	printedDays        = 31
	printedDifferences = 20
	barWidth           = 50
)

// printReplay prints the answer for people: what changes in all, then per rule, risk, user and day, then the first differences.
func printReplay(out io.Writer, a *ledger.Replay, changed bool) {
	say := func(format string, args ...any) { fmt.Fprintf(out, format, args...) } // the writer keeps its first error
	say("Replayed %d events of %d users. Nothing was changed.\n", a.Events, a.Users)
	switch {
	case a.Added+a.Removed > 0:
		say("%d alerts recorded; %d would be added, %d removed, %d stay.\n", a.Removed+a.Unchanged, a.Added, a.Removed, a.Unchanged)
	case changed:
		say("%d alerts recorded; nothing would be different.\n", a.Unchanged)
	default:
		say("%d alerts recorded; the rules that were in force raise the same ones again.\n", a.Unchanged)
	}
	say("(An event that breaks two rules counts for both.)\n")
	head := func(what string) { say("\n%-16s %10s %10s %10s %10s\n", what, "recorded", "added", "removed", "stay") }
	row := func(name any, added, removed, stay int64) {
		say("%-16v %10d %10s %10s %10d\n", name, removed+stay, signed('+', added), signed('-', removed), stay)
	}
	head("rule")
	for _, n := range a.ByCode {
		row(n.Code, n.Added, n.Removed, n.Unchanged)
	}
	head("risk")
	for _, n := range a.ByRisk {
		row(n.Risk, n.Added, n.Removed, n.Unchanged)
	}
	if len(a.ByUser) > 0 {
		head("user")
	}
	for _, n := range a.ByUser[:min(len(a.ByUser), printedUsers)] {
		row(n.UserID, n.Added, n.Removed, n.Unchanged)
	}
	if len(a.ByUser) > printedUsers {
		say("(the %d users with the most differences; --format json has more)\n", printedUsers)
	}
	printDays(say, a.ByDay)
	for i, d := range a.Differences {
		if i == 0 {
			say("\nFirst differences, by user:\n")
		}
		if i == printedDifferences {
			say("(%d of %d; --format json lists them)\n", printedDifferences, a.Added+a.Removed)
			break
		}
		sign := map[string]string{"added": "+", "removed": "-"}[d.Change]
		say("%s %-5d user %d, %s risk, %s, event %s\n", sign, d.Code, d.UserID, d.Risk, time.Unix(d.Time, 0).UTC().Format(time.RFC3339), d.EventID)
	}
}

// signed is a number with its sign, or nothing for 0.
func signed(sign rune, n int64) string {
	if n == 0 {
		return "·"
	}
	return fmt.Sprintf("%c%d", sign, n)
}

// printDays draws a bar for each day: = stays, + added, - removed.
func printDays(say func(string, ...any), days []ledger.DayCounts) {
	if len(days) == 0 {
		return
	}
	say("\nAlerts a day (= stays, + added, - removed):\n")
	left := max(0, len(days)-printedDays)
	most := int64(1)
	for _, n := range days[left:] {
		most = max(most, n.Added+n.Removed+n.Unchanged)
	}
	for _, n := range days[left:] {
		bar := ""
		for _, part := range []struct {
			sign string
			n    int64
		}{{"=", n.Unchanged}, {"+", n.Added}, {"-", n.Removed}} {
			length := part.n
			if most > barWidth { // what there is shows, however little it is
				length = (part.n*barWidth + most - 1) / most
			}
			bar += strings.Repeat(part.sign, int(length))
		}
		say("%s %s %d\n", time.Unix(n.Day, 0).UTC().Format(time.DateOnly), bar, n.Added+n.Removed+n.Unchanged)
	}
	if left > 0 {
		say("(the newest %d days with alerts; --format json has more)\n", printedDays)
	}
}

type ledgerCmd struct {
	Verify  ledgerVerifyCmd  `cmd:"" help:"Recompute all facts, alerts and states from the events, and tell what is recorded otherwise. Exit code 1 when anything is."`
	Rebuild ledgerRebuildCmd `cmd:"" help:"Verify, and put right the states that differ. The server may run meanwhile."`
}

type (
	ledgerVerifyCmd  struct{}
	ledgerRebuildCmd struct{}
)

// Run ends with exit code 1 when there is a difference.
func (ledgerVerifyCmd) Run(ctx context.Context, c *config) error {
	return c.audit(ctx, (*ledger.Ledger).Verify)
}

// Run ends with exit code 1 when there is a difference that could not be put right.
func (ledgerRebuildCmd) Run(ctx context.Context, c *config) error {
	return c.audit(ctx, (*ledger.Ledger).Rebuild)
}

// audit runs Verify or Rebuild and prints each difference as it is found, then a summary.
func (c *config) audit(ctx context.Context, run func(*ledger.Ledger, context.Context, func(int64), func(ledger.Difference)) (ledger.Summary, error)) error {
	return c.beside(ctx, func(d *database) error {
		if err := d.ready(ctx, quiet()); err != nil {
			return err
		}
		count := newCounter()
		s, err := run(ledger.New(d.pool, nil), ctx, count.show, func(d ledger.Difference) {
			count.end()
			where := fmt.Sprintf("user %d", d.UserID)
			if d.EventID != uuid.Nil {
				where += ", event " + d.EventID.String()
			}
			mark := ""
			if d.Repaired {
				mark = " (put right)"
			}
			fmt.Printf("%s: %s%s\n  recorded:   %s\n  recomputed: %s\n", where, d.What, mark, d.Recorded, d.Recomputed)
		})
		count.end()
		if err != nil {
			return err
		}
		fmt.Printf("%d users, %d events, %d alerts: %s\n", s.Users, s.Events, s.Alerts, cmp.Or(outcome(s), "all as it should be"))
		if s.Differences > s.Repaired {
			return exitCode(1)
		}
		return nil
	})
}

func outcome(s ledger.Summary) (text string) {
	if s.Repaired > 0 {
		text = fmt.Sprintf(", %d of them put right", s.Repaired)
	}
	if s.Differences > 0 {
		text = fmt.Sprintf("%d differences%s", s.Differences, text)
	}
	return text
}

// A counter shows on the terminal how many events have been read. Where standard error is none, it says nothing.
type counter struct{ terminal, printed bool }

func newCounter() *counter {
	info, err := os.Stderr.Stat()
	return &counter{terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

func (c *counter) show(events int64) {
	if c.terminal {
		fmt.Fprintf(os.Stderr, "\r%d events", events)
		c.printed = true
	}
}

// end begins a new line, if there is a count on this one.
func (c *counter) end() {
	if c.printed {
		fmt.Fprintln(os.Stderr)
		c.printed = false
	}
}
