package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"labledger/internal/ledger"
)

// How much of an answer is printed as text.
const (
	maxUsersShown       = 10
	maxDaysShown        = 31
	maxDifferencesShown = 20
	barWidth            = 50
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
		say("%-16v %10d %10s %10s %10d\n", name, removed+stay, formatDelta('+', added), formatDelta('-', removed), stay)
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
	for _, n := range a.ByUser[:min(len(a.ByUser), maxUsersShown)] {
		row(n.UserID, n.Added, n.Removed, n.Unchanged)
	}
	if len(a.ByUser) > maxUsersShown {
		say("(the %d users with the most differences; --format json has more)\n", maxUsersShown)
	}
	printDays(say, a.ByDay)
	for i, d := range a.Differences {
		if i == 0 {
			say("\nFirst differences, by user:\n")
		}
		if i == maxDifferencesShown {
			say("(%d of %d; --format json lists them)\n", maxDifferencesShown, a.Added+a.Removed)
			break
		}
		sign := map[string]string{"added": "+", "removed": "-"}[d.Change]
		say("%s %-5d user %d, %s risk, %s, event %s\n", sign, d.Code, d.UserID, d.Risk, time.Unix(d.Time, 0).UTC().Format(time.RFC3339), d.EventID)
	}
}

// formatDelta is a number with its sign, or nothing for 0.
func formatDelta(sign rune, n int64) string {
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
	left := max(0, len(days)-maxDaysShown)
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
		say("(the newest %d days with alerts; --format json has more)\n", maxDaysShown)
	}
}
