package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"labledger/api"
	"labledger/api/relation"
	"labledger/api/rest"
	"labledger/db"
)

// This file derives the JSON schemas of the OpenAPI document from Go types.

// schemaType returns the type that documents a row: the type of the table, view or list that has the same columns.
func schemaType(row reflect.Type) reflect.Type {
	for _, table := range []reflect.Type{
		reflect.TypeFor[db.Site](),
		reflect.TypeFor[db.Freezer](),
		reflect.TypeFor[db.Computer](),
		reflect.TypeFor[db.Container](),
		reflect.TypeFor[db.Instrument](),
		reflect.TypeFor[db.Change](),
		reflect.TypeFor[db.Account](),
		reflect.TypeFor[db.Rule](),
		reflect.TypeFor[db.Attachment](),
		reflect.TypeFor[db.Todo](),
		reflect.TypeFor[db.View](),
		reflect.TypeFor[db.Stocktake](),
		reflect.TypeFor[db.StocktakeReport](),
		reflect.TypeFor[db.AlertChange](),
		reflect.TypeFor[db.ListAlertsRow](),
		reflect.TypeFor[db.ListDirectoryRow](),
	} {
		if row.PkgPath() == table.PkgPath() && isSubset(rest.ColumnsOf(row), rest.ColumnsOf(table)) &&
			isSubset(rest.ColumnsOf(table), append(rest.ColumnsOf(row), "xid")) {
			return table
		}
	}
	return row
}

// schemaNames are the names of the schemas of rows that have more or fewer columns than their table.
var schemaNames = map[reflect.Type]string{
	reflect.TypeFor[db.ListEventsRow]():     "Event",
	reflect.TypeFor[db.ListAlertsRow]():     "Alert",
	reflect.TypeFor[db.ListDirectoryRow]():  "DirectoryUser",
	reflect.TypeFor[db.GetAccessRow]():      "UserAccess",
	reflect.TypeFor[db.GetSummaryRow]():     "Summary",
	reflect.TypeFor[db.GetStocktakeRow]():   "StocktakeTotals",
	reflect.TypeFor[db.StocktakeReport]():   "StocktakeItem",
	reflect.TypeFor[db.CloseStocktakeRow](): "ClosedStocktake",
}

// schemaName returns the name of the schema of a type.
func schemaName(t reflect.Type) string { return cmp.Or(schemaNames[t], t.Name()) }

// isSubset reports whether all names of subset are in set.
func isSubset(subset, set []string) bool {
	return !slices.ContainsFunc(subset, func(name string) bool { return !slices.Contains(set, name) })
}

// schema returns the JSON schema of a Go struct, which is a row of one of the tables.
func (src *sources) schema(t reflect.Type, tables []string) object {
	properties, required := object{}, []string{}
	for _, field := range reflect.VisibleFields(t) {
		name, omit, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" || name == "-" || relation.IsInternalColumn(name) { // embedded structs and internal columns
			continue
		}
		schema := src.typeOf(field.Type)
		if shape, ok := jsonbSchemas[name]; ok && field.Type == reflect.TypeFor[json.RawMessage]() {
			schema = maps.Clone(shape)
		}
		doc := src.fieldDoc(t, name, tables)
		if doc == "" && len(field.Index) > 1 {
			doc = src.fieldDoc(embeddedType(t, field), name, tables)
		}
		if doc != "" {
			schema["description"] = doc
		}
		src.enums.restrict(schema, t, name)
		properties[name] = schema
		if omit == "" {
			required = append(required, name)
		}
	}
	return object{
		"type":                 "object",
		"description":          src.typeDoc(t),
		"properties":           properties,
		"required":             required,
		"additionalProperties": false,
	}
}

// embeddedType returns the embedded struct of t that declares a promoted field.
func embeddedType(t reflect.Type, field reflect.StructField) reflect.Type {
	return t.FieldByIndex(field.Index[:len(field.Index)-1]).Type
}

// jsonbSchemas are the schemas of jsonb columns by column name.
var jsonbSchemas = map[string]object{
	"before":  {"type": []string{"object", "null"}, "additionalProperties": true},
	"after":   {"type": []string{"object", "null"}, "additionalProperties": true},
	"facts":   {"type": "object", "additionalProperties": measuredSchema},
	"reasons": {"type": "array", "items": ref("schemas", "Reason")},

	// Of storage.
	"path": rowsOf(
		"uuid", uuidSchema, "description", nullableText, "barcode", nullableText, "kind", nullableText,
		"position", nullableText,
	),
	"contents": rowsOf(
		"uuid", uuidSchema, "description", nullableText, "barcode", nullableText, "kind", nullableText,
		"type", nullableText, "owner", nullableText, "project", nullableText, "expires_on", nullableDate,
		"status", textSchema, "holder", nullableText, "due_on", nullableDate,
		"position", nullableText, "position_row", nullableInteger, "position_column", nullableInteger,
		"rows", nullableInteger, "columns", nullableInteger, "positions", nullableInteger, "containers", integerSchema,
	),
	"positions": {"type": "array", "items": textSchema},
	"map": rowsOf(
		"uuid", uuidSchema, "parent_uuid", object{"type": []string{"string", "null"}, "format": "uuid"},
		"description", nullableText, "barcode", nullableText, "kind", nullableText, "type", nullableText,
		"owner", nullableText, "project", nullableText, "depth", integerSchema,
		"position", nullableText, "position_row", nullableInteger, "position_column", nullableInteger,
		"rows", nullableInteger, "columns", nullableInteger, "scheme", nullableText, "blocked", nullableText,
		"capacity", nullableInteger, "positions", nullableInteger, "containers", integerSchema,
	),

	// Of the summary.
	"critical_alerts": rowsOf(
		"id", uuidSchema, "user_id", integerSchema, "user_display_name", nullableText,
		"reasons", object{"type": "array", "items": ref("schemas", "Reason")},
		"assignee", nullableText, "created_at", timeSchema,
	),
	"my_alerts": rowsOf(
		"id", uuidSchema, "user_id", integerSchema, "user_display_name", nullableText, "severity", textSchema,
		"reasons", object{"type": "array", "items": ref("schemas", "Reason")}, "created_at", timeSchema,
	),
	"my_todos": rowsOf(
		"id", integerSchema, "description", textSchema, "status", textSchema,
		"due_on", nullableDate,
	),
	"storage": rowsOf(
		"id", integerSchema, "name", textSchema, "site_id", integerSchema, "site_name", textSchema,
		"containers", integerSchema, "positions", integerSchema, "taken", integerSchema,
	),
	"activity": rowsOf(
		"at", timeSchema, "actor", textSchema, "noun", textSchema, "action", textSchema, "total", integerSchema,
		"row_key", textSchema, "label", nullableText,
	),
}

// Schemas of the columns in jsonb arrays of rows.
var (
	integerSchema   = object{"type": "integer", "format": "int64"}
	textSchema      = object{"type": "string"}
	nullableText    = object{"type": []string{"string", "null"}}
	nullableDate    = object{"type": []string{"string", "null"}, "format": "date"}
	nullableInteger = object{"type": []string{"integer", "null"}, "format": "int64"}
	timeSchema      = object{"type": "string", "format": "date-time"}
	uuidSchema      = object{"type": "string", "format": "uuid"}
)

// rowsOf returns the schema of a jsonb array of rows, whose columns alternate with their schemas.
func rowsOf(columns ...any) object {
	properties, names := object{}, []string{}
	for i := 0; i < len(columns); i += 2 {
		name := columns[i].(string)
		properties[name], names = columns[i+1], append(names, name)
	}
	return object{"type": "array", "items": object{
		"type": "object", "properties": properties, "required": names, "additionalProperties": false,
	}}
}

// measuredSchema is the schema of a measured value: a length, a number of events, or an amount.
var measuredSchema = object{"type": []string{"integer", "string"}}

// reasonSchema returns the schema of one reason of an alert. Lists of alerts omit event_ids.
func reasonSchema() object {
	describe := func(schema object, doc string) object {
		schema = maps.Clone(schema)
		schema["description"] = doc
		return schema
	}
	amount := object{"type": "string", "pattern": `^\d+\.\d\d$`}
	eventType := object{"type": "string", "enum": []string{"any", "deposit", "withdraw"}}
	ids := object{"type": "array", "items": object{"type": "string", "format": "uuid"}}
	return object{
		"type": "object",
		"description": "One rule's part of an alert: the settings of the rule when it fired, " +
			"and the value that it measured.",
		"additionalProperties": false,
		"properties": object{
			"code":    describe(object{"type": "integer", "format": "int32"}, "Code of the rule."),
			"title":   describe(object{"type": "string"}, "Title of the rule."),
			"version": describe(object{"type": "integer", "format": "int64"}, "Version of the rule."),
			"severity": describe(
				object{"type": "string", "enum": []string{"critical", "warning", "info"}},
				"Severity of the rule; missing if the rule had none then.",
			),
			"applies_to":    describe(eventType, "Events that the rule evaluates."),
			"limit":         describe(amount, "Limit of the rule at medium risk."),
			"limit_at_risk": describe(amount, "Limit at the risk level of the user."),
			"window_seconds": describe(
				object{"type": []string{"integer", "null"}},
				"Window of the rule in seconds; null if the rule has no window.",
			),
			"value": describe(measuredSchema, "Measured value: a length, a number of events, or an amount."),
			"event_ids": describe(
				ids,
				"IDs of the events that the rule counted, oldest first. Lists omit this field.",
			),
		},
		"required": []string{
			"code",
			"title",
			"version",
			"applies_to",
			"limit",
			"limit_at_risk",
			"window_seconds",
			"value",
		},
	}
}

// typeOf returns the schema of a field.
func (src *sources) typeOf(t reflect.Type) object {
	switch {
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return object{"type": "array", "items": src.schema(t.Elem(), nil)}
	case t == reflect.TypeFor[api.MovePlace]():
		return src.schema(t, nil)
	case t.Kind() == reflect.Map:
		return object{"type": "object", "additionalProperties": object{"type": "string"}}
	}
	return jsonType(t)
}

// jsonType returns the schema of a value that is not a struct.
func jsonType(t reflect.Type) object {
	if t.Kind() == reflect.Pointer {
		schema := jsonType(t.Elem())
		if kind, ok := schema["type"].(string); ok {
			schema["type"] = []string{kind, "null"}
		}
		return schema
	}
	switch {
	case t == reflect.TypeFor[uuid.UUID]():
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
	case t.Kind() == reflect.Float64:
		return object{"type": "number"}
	case t.Kind() == reflect.Int:
		return object{"type": "integer"}
	case t.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	case t.Kind() == reflect.String:
		return object{"type": "string"}
	}
	panic(fmt.Sprintf("no JSON type for %s", t))
}
