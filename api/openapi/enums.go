package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"labledger/api/authn"
	"labledger/db"
)

// enumValues are the allowed values of columns by table and column, read from the CHECK constraints of the schema.
type enumValues map[string]map[string][]string

var enumConstraintRE = regexp.MustCompile(`CONSTRAINT (\w+)\s+CHECK \(\s*(\w+) IN \(\s*('[^)]*')\s*\)\s*\)`)

var enumSeparatorRE = regexp.MustCompile(`',\s+'`)

// readEnumValues parses the migrations for constraints of the form
// CONSTRAINT <table>_<column>_<rule> CHECK (<column> IN ('a', 'b')).
func readEnumValues(root string) (enumValues, error) {
	enums := enumValues{}
	names, err := filepath.Glob(filepath.Join(root, "schema", "*.up.sql"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for _, m := range enumConstraintRE.FindAllStringSubmatch(string(text), -1) {
			table, _, ok := strings.Cut(m[1], "_"+m[2]+"_")
			if !ok {
				return nil, fmt.Errorf("constraint %s: the name must have the form <table>_<column>_<rule>", m[1])
			}
			if enums[table] == nil {
				enums[table] = map[string][]string{}
			}
			enums[table][m[2]] = enumSeparatorRE.Split(strings.Trim(m[3], "'"), -1)
		}
	}
	return enums, nil
}

// closingOptions are the values of the options of closing a stock-take.
var closingOptions = map[string][]string{
	"missing": {"mark", "keep"}, "misplaced": {"move", "keep"}, "unexpected": {"move", "keep"},
}

// forField returns the allowed values of a field, or nil. The name of the type contains the name of the table. All
// fields named role have the same values.
func (e enumValues) forField(t reflect.Type, field string) []string {
	switch {
	case field == "role":
		return e["account"]["role"]
	case field == "kind" && (t == reflect.TypeFor[authn.PasswordLink]() || t == reflect.TypeFor[authn.LinkInfo]()):
		return authn.LinkKinds
	}
	if strings.HasPrefix(t.Name(), "CloseStocktake") {
		return closingOptions[field]
	}
	if field == "result" && t == reflect.TypeFor[db.StocktakeReport]() {
		return e["stocktake_item"][field]
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
