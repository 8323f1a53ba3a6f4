package api

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// enumValues are the values that columns may have, by table and column, as the constraints of the schema say.
type enumValues map[string]map[string][]string

var enumConstraintRE = regexp.MustCompile(`CONSTRAINT (\w+)\s+CHECK \((\w+) IN \(('[^)]*')\)\)`)

// readEnumValues reads them from the migrations: CONSTRAINT <table>_<column>_<rule> CHECK (<column> IN ('a', 'b')).
func readEnumValues(t *testing.T) enumValues {
	t.Helper()
	enums := enumValues{}
	for _, text := range readFiles(t, "../schema/*.up.sql") {
		for _, m := range enumConstraintRE.FindAllStringSubmatch(text, -1) {
			table, _, ok := strings.Cut(m[1], "_"+m[2]+"_")
			if !ok {
				t.Fatalf("the name of the constraint %s does not say which column it is about", m[1])
			}
			values := strings.Split(strings.ReplaceAll(m[3], "'", ""), ", ")
			if enums[table] == nil {
				enums[table] = map[string][]string{}
			}
			enums[table][m[2]] = values
		}
	}
	return enums
}

// forField are the values that a field of a type may have: a row of a table, part of one, or what a call makes of one. A role is a role everywhere.
func (c enumValues) forField(t reflect.Type, field string) []string {
	if field == "role" {
		return c["account"]["role"]
	}
	for table, columns := range c {
		typeName := strings.ReplaceAll(strings.ToUpper(table[:1])+table[1:], "_", "")
		if values := columns[field]; values != nil && strings.Contains(t.Name(), typeName) {
			return values
		}
	}
	return nil
}

// restrict says in a schema which values there are.
func (c enumValues) restrict(schema object, t reflect.Type, field string) {
	values := c.forField(t, field)
	if values == nil {
		return
	}
	var all []any
	for _, value := range values {
		all = append(all, value)
	}
	if _, nullable := schema["type"].([]string); nullable {
		all = append(all, nil)
	}
	schema["enum"] = all
}

// TestEnumValues holds that the constraints are found.
func TestEnumValues(t *testing.T) {
	c := readEnumValues(t)
	for _, want := range []struct {
		table, column, values string
	}{
		{"account", "risk", "low medium high"}, {"account", "role", "viewer operator admin"}, {"alert", "state", "open acknowledged closed"},
		{"alert", "disposition", "confirmed false_positive"}, {"rule", "applies_to", "deposit withdraw any"}, {"event", "type", "deposit withdraw"}, {"change", "action", "insert update delete"},
	} {
		if got := strings.Join(c[want.table][want.column], " "); got != want.values {
			t.Errorf("%s.%s: %q, want %q", want.table, want.column, got, want.values)
		}
	}
}
