package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"labledger/internal/ledger"
)

// Bounds of the text output. --format json prints everything.
const (
	maxUsersShown       = 10
	maxDaysShown        = 31
	maxDifferencesShown = 20
	barWidth            = 50
)

// printReplay prints a replay as text: totals, counts by rule, risk level, user and day, then the first differences.
// It ignores errors of out, which is buffered and reports them when it is flushed.
func printReplay(out io.Writer, replay *ledger.Replay, changed bool) {
	printf := func(format string, args ...any) { fmt.Fprintf(out, format, args...) }
	printf("Replayed %d events of %d users. Nothing was stored.\n", replay.Events, replay.Users)
	recorded := replay.Removed + replay.Unchanged
	switch {
	case replay.Added+replay.Removed > 0:
		printf("%d recorded alerts: %d would be added, %d removed, %d unchanged.\n",
			recorded, replay.Added, replay.Removed, replay.Unchanged)
	case changed:
		printf("%d recorded alerts: the changed rules raise the same alerts.\n", recorded)
	default:
		printf("%d recorded alerts: the rules that were in force raise the same alerts.\n", recorded)
	}
	if replay.RemovedConfirmed > 0 {
		printf("%d of the removed alerts have the outcome confirmed.\n", replay.RemovedConfirmed)
	}
	printf("(An event that fires two rules counts twice.)\n")
	header := func(name string) {
		printf("\n%-16s %10s %10s %10s %10s\n", name, "recorded", "added", "removed", "unchanged")
	}
	row := func(name any, n ledger.Counts) {
		printf("%-16v %10d %10s %10s %10d\n",
			name, n.Removed+n.Unchanged, formatDelta('+', n.Added), formatDelta('-', n.Removed), n.Unchanged)
	}
	header("rule")
	for _, n := range replay.ByCode {
		row(n.Code, n.Counts)
	}
	header("risk")
	for _, n := range replay.ByRisk {
		row(n.Risk, n.Counts)
	}
	if len(replay.ByUser) > 0 {
		header("user")
	}
	for _, n := range replay.ByUser[:min(len(replay.ByUser), maxUsersShown)] {
		row(n.UserID, n.Counts)
	}
	if len(replay.ByUser) > maxUsersShown {
		printf("(the %d users with the most differences; --format json lists more)\n", maxUsersShown)
	}
	printDays(printf, replay.ByDay)
	for i, d := range replay.Differences {
		if i == 0 {
			printf("\nFirst differences, by user:\n")
		}
		if i == maxDifferencesShown {
			printf("(%d of %d; --format json lists more)\n", maxDifferencesShown, replay.Added+replay.Removed)
			break
		}
		sign := map[string]string{"added": "+", "removed": "-"}[d.Change]
		at := time.Unix(d.Time, 0).UTC().Format(time.RFC3339)
		printf("%s %-5d user %d, %s risk, %s, event %s\n", sign, d.Code, d.UserID, d.Risk, at, d.EventID)
	}
}

// formatDelta returns a number with its sign, or a dot for 0.
func formatDelta(sign rune, n int64) string {
	if n == 0 {
		return "·"
	}
	return fmt.Sprintf("%c%d", sign, n)
}

// printDays draws a bar per day: = unchanged, + added, - removed.
func printDays(printf func(string, ...any), days []ledger.DayCounts) {
	if len(days) == 0 {
		return
	}
	printf("\nAlerts per day (= unchanged, + added, - removed):\n")
	hidden := max(0, len(days)-maxDaysShown)
	longest := int64(1)
	for _, n := range days[hidden:] {
		longest = max(longest, n.Added+n.Removed+n.Unchanged)
	}
	for _, n := range days[hidden:] {
		bar := ""
		for _, part := range []struct {
			sign string
			n    int64
		}{{"=", n.Unchanged}, {"+", n.Added}, {"-", n.Removed}} {
			length := part.n
			if longest > barWidth { // scaled and rounded up, so that small counts stay visible
				length = (part.n*barWidth + longest - 1) / longest
			}
			bar += strings.Repeat(part.sign, int(length))
		}
		date := time.Unix(n.Day, 0).UTC().Format(time.DateOnly)
		printf("%s %s %d\n", date, bar, n.Added+n.Removed+n.Unchanged)
	}
	if hidden > 0 {
		printf("(the newest %d days with alerts; --format json lists more)\n", maxDaysShown)
	}
}
