package cli

import (
	"slices"
	"strings"
	"testing"

	"labledger/internal/ledger"
)

func TestPrintReplay_showsNewestDaysAndUsersWithMostDifferences(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	replay := &ledger.Replay{Counts: ledger.Counts{Added: 1}}
	for i := range int64(100) {
		replay.ByDay = append(replay.ByDay,
			ledger.DayCounts{Day: i * 86400, Counts: ledger.Counts{Unchanged: 100 * i, Added: i % 2}})
		replay.ByUser = append(replay.ByUser, ledger.UserCounts{UserID: i, Counts: ledger.Counts{Added: 100 - i}})
	}
	printReplay(&out, replay, true)
	for _, text := range []string{
		"(the 10 users with the most differences; --format json lists more)",
		"(the newest 31 days with alerts; --format json lists more)",
		"1970-04-10 " + strings.Repeat("=", 50) + "+ 9901\n",
		"1970-03-11 ",
	} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("output does not contain %q:\n%s", text, out.String())
		}
	}
	for _, text := range []string{"1970-03-10", "\n10  "} {
		if strings.Contains(out.String(), text) {
			t.Errorf("output contains %q:\n%s", text, out.String())
		}
	}
}

func TestReplayRequest_mergesChangesOfOneRuleInOrder(t *testing.T) {
	t.Parallel()
	cmd := replayCmd{Change: []string{"500:limit=1", "30:limit=2", "500:enabled=true"}, Limit: 1}
	request, err := cmd.request()
	if err != nil {
		t.Fatal(err)
	}
	var codes []int32
	for _, change := range request.Changes {
		codes = append(codes, change.Code)
	}
	if !slices.Equal(codes, []int32{500, 30}) || request.Changes[0].Enabled == nil || request.Changes[0].Limit == nil {
		t.Errorf("changes %+v, want one of rule 500 with limit and enabled, then one of rule 30", request.Changes)
	}
}
