package postgres

import (
	"slices"
	"testing"
)

func TestInventory_differences(t *testing.T) {
	t.Parallel()
	inv := Inventory{map[string]int64{"site": 3, "todo": 1}, map[string]int64{"triggers": 7}}
	equal := Inventory{map[string]int64{"site": 3, "todo": 1}, map[string]int64{"triggers": 7}}
	if d := inv.Differences(equal); d != nil || inv.Total() != 4 {
		t.Errorf("equal inventories: differences %q, total %d; want none, 4", d, inv.Total())
	}
	other := Inventory{map[string]int64{"site": 2, "todo": 1, "extra": 1}, map[string]int64{"triggers": 6}}
	want := []string{
		"rows of table site: expected 3, got 2",
		"rows of table extra: expected 0, got 1",
		"triggers: expected 7, got 6",
	}
	if d := inv.Differences(other); !slices.Equal(d, want) {
		t.Errorf("differences %q, want %q", d, want)
	}
}

func TestWithDatabase(t *testing.T) {
	t.Parallel()
	for database, want := range map[string]string{
		"postgres://ada:pw@host:5433/lab?sslmode=require":           "postgres://ada:pw@host:5433/other?sslmode=require",
		"postgres://ada@/lab?host=/run/x&port=5432":                 "postgres://ada@/other?host=/run/x&port=5432",
		"host=/run/x user=ada dbname=lab":                           "host=/run/x user=ada dbname=lab dbname=other user='ada'",
		`host=/run/x user='a\'b' password='it is \\ me' dbname=lab`: `host=/run/x user='a\'b' password='it is \\ me' dbname=lab dbname=other user='a\'b'`,
	} {
		got, err := withDatabase(database, "other")
		if err != nil || got != want {
			t.Errorf("withDatabase(%s) = %s, %v; want %s", database, got, err, want)
		}
		cfg, err := ParseConfig(got)
		if err != nil || cfg.Database != "other" {
			t.Errorf("%s connects to %q, %v; want \"other\"", got, cfg.Database, err)
		}
	}
}
