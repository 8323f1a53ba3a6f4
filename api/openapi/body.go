package main

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"labledger/api"
	"labledger/api/bind"
	"labledger/api/rest"
)

// This file describes the bodies of requests.

// body returns the request body of a write, or nil.
func (o *operation) body() object {
	if o.Method == http.MethodGet || len(o.Plan.BodyNames()) == 0 {
		return nil
	}
	row := o.row
	if o.Kind == rest.KindMatching {
		row = o.listRow
	}
	single := o.bodySchema(o.Plan, row)
	if name := o.Plan.Repeats(); name != "" {
		repeated := jsonType(o.paramType(o.Plan.PathNames()[0]))
		repeated["description"] = "The ID of the path, repeated."
		single["properties"].(object)[name] = repeated
	}
	content := object{"application/json": object{"schema": single, "example": o.exampleBody()}}
	if o.Method == http.MethodPatch {
		content[rest.MediaTypeMergePatch] = object{"schema": single}
	}
	if o.Form {
		single["properties"].(object)[fileField] = object{
			"type":             "string",
			"contentMediaType": "application/octet-stream",
			"description":      "The file with its name, up to 20 MiB.",
		}
		single["required"] = []string{fileField}
		return object{"required": true, "content": object{"multipart/form-data": object{"schema": single}}}
	}
	if o.Rows != nil {
		content["application/json"].(object)["schema"] = object{
			"oneOf": []object{single, {"type": "array", "items": o.bodySchema(o.Rows, o.row)}},
		}
		content["application/x-ndjson"] = object{
			"schema": object{"type": "string", "description": "One JSON object per line."},
		}
		csv := "A header line with the column names, then one row per line, separated by commas, semicolons or tabs. " +
			"An empty cell means null, and rows of empty cells are ignored. " +
			"An apostrophe before = + - or @ at the start of a text is removed."
		if o.Rows.RowKey() != "" {
			csv += " Columns that are absent keep their values in existing rows."
		}
		content["text/csv"] = object{"schema": object{"type": "string", "description": csv}}
	}
	return object{"required": o.Method != http.MethodDelete && o.Plan.HasBody(), "content": content}
}

// fileField is the form field of an uploaded file.
const fileField = "file"

// bodySchema returns the schema of a JSON object with the body fields of a plan.
func (o *operation) bodySchema(p *bind.Plan, row reflect.Type) object {
	properties := object{}
	for _, name := range p.BodyNames() {
		if o.Kind == rest.KindMatching && (name == "version" || name == "id" || slices.Contains(p.PathNames(), name)) {
			continue // they name one row
		}
		properties[name] = o.bodyFieldSchema(p, row, name)
	}
	for _, r := range p.References() {
		properties[r.Field] = referenceSchema(r)
	}
	schema := object{"type": "object", "properties": properties, "additionalProperties": false}
	if p.RowKey() == "" {
		addRequired(schema, p)
	}
	return schema
}

// addRequired adds the required fields of a body. A field that names a row replaces the key of the row.
func addRequired(schema object, p *bind.Plan) {
	var always []string
	var choices []object
	for _, name := range p.RequiredBody() {
		var anyOf []object
		for _, field := range []string{name, p.Either().Alternative(name)} {
			if field != "" {
				anyOf = append(anyOf, alternatives(p, field)...)
			}
		}
		if len(anyOf) == 1 {
			always = append(always, name)
		} else {
			choices = append(choices, object{"anyOf": anyOf})
		}
	}
	if always != nil {
		schema["required"] = always
	}
	if choices != nil {
		schema["allOf"] = choices
	}
}

// alternatives returns schemas that require a field, or the field that names the row instead.
func alternatives(p *bind.Plan, field string) []object {
	anyOf := []object{{"required": []string{field}}}
	for _, r := range p.References() {
		if r.Key == field {
			anyOf = append(anyOf, object{"required": []string{r.Field}})
		}
	}
	return anyOf
}

// referenceSchema returns the schema of a field that names a row.
func referenceSchema(r bind.Reference) object {
	schema := object{"type": "string"}
	if r.Nullable() {
		schema["type"] = []string{"string", "null"}
	}
	schema["description"] = fmt.Sprintf("Name of the %s, in place of %s. The name is compared exactly; "+
		"if no %s has it, case, accents and surrounding spaces are ignored. It must not be ambiguous.",
		r.Kind, r.Key, r.Kind)
	if r.Kind == "container" {
		schema["description"] = fmt.Sprintf("UUID or barcode of the container, in place of %s.", r.Key)
	}
	return schema
}

// bodyFieldSchema returns the schema of a body field.
func (o *operation) bodyFieldSchema(p *bind.Plan, row reflect.Type, name string) object {
	schema := jsonType(fieldType(p.Type(), name))
	switch {
	case name == "rules":
		schema = object{"type": "array", "items": o.bodySchema(api.RulePlan, reflect.TypeFor[api.RuleOverride]())}
	case name == "containers":
		schema = object{
			"type": "array", "items": o.bodySchema(api.MoveLinePlan, reflect.TypeFor[api.MoveLine]()),
			"minItems": 1, "maxItems": api.MaxMoveLines,
		}
	case name == "to" && p.Type() == reflect.TypeFor[api.EvacuateRequest]():
		schema = object{"type": "array", "items": o.targetSchema(), "minItems": 1, "maxItems": api.MaxMoveTargets}
	case name == "to" && p.Type() != reflect.TypeFor[api.ReplayRequest]():
		schema = o.targetSchema()
		schema["type"] = []string{"object", "null"}
	}
	if name != "type" { // the type of an event is case-insensitive
		o.src.enums.restrict(schema, row, name)
	}
	doc := o.fieldDoc(p.Type(), name)
	if own := o.src.fieldDocs[p.Type().Name()][name] + columnDocs[p.Type().Name()][name]; own == "" {
		if rowDoc := o.fieldDoc(row, name); rowDoc != "" {
			doc = rowDoc
		}
	}
	if name == "version" {
		doc = "Version that the client knows. " +
			"If the row has another version, the server returns 412 and changes nothing."
	}
	if p.AcceptsNumber(name) {
		kinds := []string{"string", "number"}
		if _, nullable := schema["type"].([]string); nullable {
			kinds = append(kinds, "null")
		}
		schema["type"] = kinds
	}
	if slices.Contains(p.PathNames(), name) {
		doc = strings.TrimSpace(doc + " Optional here; if present, it must equal the value in the path.")
	}
	schema["description"] = doc
	return schema
}

// targetSchema returns the schema of where containers go.
func (o *operation) targetSchema() object {
	schema := o.bodySchema(api.MoveTargetPlan, reflect.TypeFor[api.MoveTarget]())
	schema["description"] = o.src.typeDocs["MoveTarget"]
	return schema
}
