package api

import (
	"encoding/json"
	"fmt"
	"labledger/db"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// This file describes Go types as JSON, for the OpenAPI document.

// schemaType is the type that documents a row: the table's or view's own, where a query answers some of its columns.
func schemaType(row reflect.Type) reflect.Type {
	for _, table := range []reflect.Type{
		reflect.TypeFor[db.Site](), reflect.TypeFor[db.Freezer](), reflect.TypeFor[db.Computer](), reflect.TypeFor[db.Container](),
		reflect.TypeFor[db.Instrument](), reflect.TypeFor[db.Change](), reflect.TypeFor[db.Account](), reflect.TypeFor[db.Rule](),
		reflect.TypeFor[db.Attachment](), reflect.TypeFor[db.Event](), reflect.TypeFor[db.Todo](), reflect.TypeFor[db.Alert](), reflect.TypeFor[db.AlertChange](),
	} {
		if row.PkgPath() == table.PkgPath() && isSubset(columnsOf(row), columnsOf(table)) && isSubset(columnsOf(table), append(columnsOf(row), "xid")) {
			return table
		}
	}
	return row
}

func isSubset(subset, set []string) bool {
	return !slices.ContainsFunc(subset, func(name string) bool { return !slices.Contains(set, name) })
}

// schema describes a Go struct as JSON.
func (src *sources) schema(t reflect.Type) object {
	properties, required := object{}, []string{}
	for i := range t.NumField() {
		name, omit, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" || name == "xid" { // what no call answers
			continue
		}
		schema := src.typeOf(t.Field(i).Type)
		if shape, ok := jsonbSchemas[name]; ok && t.Field(i).Type == reflect.TypeFor[json.RawMessage]() {
			schema = maps.Clone(shape)
		}
		if doc := src.fieldDoc(t, name); doc != "" {
			schema["description"] = doc
		}
		src.enums.restrict(schema, t, name)
		properties[name] = schema
		if omit == "" {
			required = append(required, name)
		}
	}
	return object{"type": "object", "description": src.typeDocs[t.Name()], "properties": properties, "required": required, "additionalProperties": false}
}

// jsonbSchemas are the shapes of what the database keeps as JSON, by the name of the column.
var jsonbSchemas = map[string]object{
	"before":  {"type": []string{"object", "null"}, "additionalProperties": true},
	"after":   {"type": []string{"object", "null"}, "additionalProperties": true},
	"facts":   {"type": "object", "additionalProperties": measuredSchema},
	"reasons": {"type": "array", "items": ref("schemas", "Reason")},
}

// measuredSchema is a length, a number of events, or an amount.
var measuredSchema = object{"type": []string{"integer", "string"}}

// reasonSchema is why a rule raised an alert. Only an alert that is read alone has the events.
func reasonSchema() object {
	text, amount := object{"type": "string"}, object{"type": "string", "pattern": `^\d+\.\d\d$`}
	return object{
		"type": "object", "description": "Why a rule raised an alert: its settings at that moment, and what it measured.", "additionalProperties": false,
		"properties": object{
			"code":           object{"type": "integer", "format": "int32", "description": "Code of the rule."},
			"title":          text,
			"version":        object{"type": "integer", "format": "int64", "description": "Version of the rule."},
			"applies_to":     object{"type": "string", "enum": []string{"any", "deposit", "withdraw"}},
			"limit":          amount,
			"limit_at_risk":  amount,
			"window_seconds": object{"type": []string{"integer", "null"}},
			"value":          measuredSchema,
			"event_ids":      object{"type": "array", "items": object{"type": "string", "format": "uuid"}, "description": "Events that it counted, the oldest first; in lists they are left out."},
		},
		"required": []string{"code", "title", "version", "applies_to", "limit", "limit_at_risk", "window_seconds", "value"},
	}
}

func (src *sources) typeOf(t reflect.Type) object {
	switch {
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return object{"type": "array", "items": src.schema(t.Elem())}
	case t.Kind() == reflect.Map:
		return object{"type": "object", "additionalProperties": object{"type": "string"}}
	}
	return jsonType(t)
}

// jsonType describes a plain value as JSON.
func jsonType(t reflect.Type) object {
	if t.Kind() == reflect.Pointer {
		schema := jsonType(t.Elem())
		if kind, ok := schema["type"].(string); ok {
			schema["type"] = []string{kind, "null"}
		}
		return schema
	}
	switch {
	case t == uuidType:
		return object{"type": "string", "format": "uuid"}
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[json.RawMessage]():
		return object{"type": []string{"object", "array", "null"}}
	case t.Kind() == reflect.Slice:
		return object{"type": "array", "items": jsonType(t.Elem())}
	case t.Kind() == reflect.Int32:
		return object{"type": "integer", "format": "int32"}
	case t.Kind() == reflect.Int64:
		return object{"type": "integer", "format": "int64"}
	case t.Kind() == reflect.Int:
		return object{"type": "integer"}
	case t.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	case t.Kind() == reflect.String:
		return object{"type": "string"}
	}
	panic(fmt.Sprintf("no JSON type for %s", t))
}
