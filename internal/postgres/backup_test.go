package postgres

import (
	"slices"
	"testing"
)

func TestInventory_differences(t *testing.T) {
	a := Inventory{map[string]int64{"site": 3, "todo": 1}, map[string]int64{"triggers": 7}}
	same := Inventory{map[string]int64{"site": 3, "todo": 1}, map[string]int64{"triggers": 7}}
	if d := a.Differences(same); d != nil || a.Total() != 4 {
		t.Errorf("%q, %d rows", d, a.Total())
	}
	other := Inventory{map[string]int64{"site": 2, "todo": 1, "extra": 1}, map[string]int64{"triggers": 6}}
	want := []string{"rows of table site: 3, and then 2", "rows of table extra: 0, and then 1", "triggers: 7, and then 6"}
	if d := a.Differences(other); !slices.Equal(d, want) {
		t.Errorf("%q", d)
	}
}

func TestWithDatabase(t *testing.T) {
	for database, want := range map[string]string{
		"postgres://ada:pw@host:5433/lab?sslmode=require":           "postgres://ada:pw@host:5433/other?sslmode=require",
		"postgres://ada@/lab?host=/run/x&port=5432":                 "postgres://ada@/other?host=/run/x&port=5432",
		"host=/run/x user=ada dbname=lab":                           "host=/run/x user=ada dbname=lab dbname=other user='ada'",
		`host=/run/x user='a\'b' password='it is \\ me' dbname=lab`: `host=/run/x user='a\'b' password='it is \\ me' dbname=lab dbname=other user='a\'b'`,
	} {
		got, err := withDatabase(database, "other")
		if err != nil || got != want {
			t.Errorf("%s: %s %v", database, got, err)
		}
		cfg, err := ParseConfig(got)
		if err != nil || cfg.Database != "other" {
			t.Errorf("%s leads to %q (%v)", got, cfg.Database, err)
		}
	}
}
