package api

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// enumValues are the allowed values of columns by table and column, read from the CHECK constraints of the schema.
type enumValues map[string]map[string][]string

var enumConstraintRE = regexp.MustCompile(`CONSTRAINT (\w+)\s+CHECK \((\w+) IN \(('[^)]*')\)\)`)

// readEnumValues parses the migrations for constraints of the form
// CONSTRAINT <table>_<column>_<rule> CHECK (<column> IN ('a', 'b')).
func readEnumValues(t *testing.T) enumValues {
	t.Helper()
	enums := enumValues{}
	for _, text := range readFiles(t, "../schema/*.up.sql") {
		for _, m := range enumConstraintRE.FindAllStringSubmatch(text, -1) {
			table, _, ok := strings.Cut(m[1], "_"+m[2]+"_")
			if !ok {
				t.Fatalf("constraint %s: the name must have the form <table>_<column>_<rule>", m[1])
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

// forField returns the allowed values of a field, or nil. The name of the type contains the name of the table. All
// fields named role have the same values.
func (e enumValues) forField(t reflect.Type, field string) []string {
	if field == "role" {
		return e["account"]["role"]
	}
	for table, columns := range e {
		typeName := strings.ReplaceAll(strings.ToUpper(table[:1])+table[1:], "_", "")
		if values := columns[field]; values != nil && strings.Contains(t.Name(), typeName) {
			return values
		}
	}
	return nil
}

// restrict adds the allowed values of a field to its schema.
func (e enumValues) restrict(schema object, t reflect.Type, field string) {
	values := e.forField(t, field)
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

// TestEnumValues checks that readEnumValues finds the constraints.
func TestEnumValues(t *testing.T) {
	enums := readEnumValues(t)
	for _, want := range []struct {
		table, column, values string
	}{
		{"account", "risk", "low medium high"},
		{"account", "role", "viewer operator admin"},
		{"alert", "state", "open acknowledged closed"},
		{"alert", "disposition", "confirmed false_positive"},
		{"rule", "applies_to", "deposit withdraw any"},
		{"event", "type", "deposit withdraw"},
		{"change", "action", "insert update delete"},
	} {
		if got := strings.Join(enums[want.table][want.column], " "); got != want.values {
			t.Errorf("%s.%s: %q, want %q", want.table, want.column, got, want.values)
		}
	}
}
