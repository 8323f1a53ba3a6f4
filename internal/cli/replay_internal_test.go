package cli

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"labledger/internal/ledger"
)

// TestReplayOfManyDays: of many days and users the newest and the worst are printed.
func TestReplayOfManyDays(t *testing.T) {
	var out strings.Builder
	a := &ledger.Replay{Added: 1}
	for i := range int64(100) {
		a.ByDay = append(a.ByDay, ledger.DayCounts{Day: i * 86400, Unchanged: 100 * i, Added: i % 2})
		a.ByUser = append(a.ByUser, ledger.UserCounts{UserID: i, Added: 100 - i})
	}
	printReplay(&out, a, true)
	for _, text := range []string{"(the 10 users with the most differences; --format json has more)", "(the newest 31 days with alerts; --format json has more)", "1970-04-10 " + strings.Repeat("=", 50) + "+ 9901\n", "1970-03-11 "} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("there is no %q in: %s", text, out.String())
		}
	}
	for _, word := range []string{"1970-03-10", "\n10  "} {
		if strings.Contains(out.String(), word) {
			t.Errorf("%q is there: %s", word, out.String())
		}
	}
}

func TestReadChangeKeepsOrder(t *testing.T) {
	r, err := replayCmd{Change: []string{"500:limit=1", "30:limit=2", "500:enabled=true"}, Limit: 1}.request()
	if err != nil || len(r.Changes) != 2 || !slices.Equal([]int32{r.Changes[0].Code, r.Changes[1].Code}, []int32{500, 30}) || r.Changes[0].Enabled == nil || r.Changes[0].Limit == nil {
		t.Error(fmt.Sprintf("%+v", r.Changes), err)
	}
}
