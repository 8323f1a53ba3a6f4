package api

import (
	"encoding/json"
	"fmt"
	"labledger/db"
	"reflect"
	"slices"
	"strings"
	"time"
)

// This file describes Go types as JSON, for the OpenAPI document.

// model is the type that documents a row: the table's or view's own, where a query answers some of its columns.
func model(row reflect.Type) reflect.Type {
	for _, table := range []reflect.Type{
		reflect.TypeFor[db.Site](), reflect.TypeFor[db.Freezer](), reflect.TypeFor[db.Computer](), reflect.TypeFor[db.Container](),
		reflect.TypeFor[db.Instrument](), reflect.TypeFor[db.Change](), reflect.TypeFor[db.Account](), reflect.TypeFor[db.Rule](),
		reflect.TypeFor[db.Attachment](), reflect.TypeFor[db.Event](), reflect.TypeFor[db.Todo](), reflect.TypeFor[db.Alert](), reflect.TypeFor[db.AlertChange](),
	} {
		if row.PkgPath() == table.PkgPath() && within(columnsOf(row), columnsOf(table)) && within(columnsOf(table), append(columnsOf(row), "xid")) {
			return table
		}
	}
	return row
}

func within(part, whole []string) bool {
	return !slices.ContainsFunc(part, func(name string) bool { return !slices.Contains(whole, name) })
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
		if doc := src.fieldDoc(t, name); doc != "" {
			schema["description"] = doc
		}
		properties[name] = schema
		if omit == "" {
			required = append(required, name)
		}
	}
	return object{"type": "object", "description": src.typeDocs[t.Name()], "properties": properties, "required": required, "additionalProperties": false}
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
