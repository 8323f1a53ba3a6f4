package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"labledger/api/relation"
	"labledger/api/rest"
)

// This file documents the lists: their parameters, their responses and their SQL.

// addListComponents adds the parameters of a list to the components, and the schema of rows with chosen columns.
func (o *operation) addListComponents(parameters, schemas object) {
	list := o.List()
	if list == nil || o.Kind != rest.KindList {
		return
	}
	name := schemaName(o.row)
	for _, filter := range list.Filters() {
		parameters[name+"."+filter.Param] = o.filterParameter(filter)
	}
	for param, doc := range map[string]string{
		"sort": "Columns to sort by, with commas between them; - sorts in descending order. Null comes last. " +
			"Texts are sorted by their first 100 characters, and numbers in them as numbers.",
		"fields":  "Columns of the rows, with commas between them. The rows have the schema " + name + "Selection.",
		"include": "Referenced rows whose key and name the rows have as well, with commas between them.",
	} {
		if param == "include" && len(list.Includes()) == 0 {
			continue
		}
		example := map[string]string{
			"sort": "-" + list.Columns()[0].Name, "fields": list.Columns()[0].Name, "include": strings.Join(list.Includes(), ","),
		}[param]
		parameters[name+"."+param] = object{
			"name": param, "in": "query", "description": doc, "schema": object{"type": "string"}, "example": example,
		}
	}
	schemas[name+"Selection"] = o.selectionSchema(list)
}

// selectionSchema returns the schema of rows with the columns that a request chose.
func (o *operation) selectionSchema(list *relation.Relation) object {
	properties := object{}
	row := o.src.schema(o.row, o.tables())["properties"].(object)
	for _, column := range list.Columns() {
		if schema, ok := row[column.Name]; ok {
			properties[column.Name] = schema
			continue
		}
		schema := columnSchema(&column)
		if column.Nullable {
			schema["type"] = []string{schema["type"].(string), "null"}
		}
		schema["description"] = joinedDoc(&column)
		properties[column.Name] = schema
	}
	return object{
		"type":                 "object",
		"description":          "The columns that a request chose with fields and include.",
		"properties":           properties,
		"additionalProperties": false,
	}
}

// groupSchema returns the schema of the matches of a search in one of several lists.
func (o *operation) groupSchema(lists map[string]*relation.Relation) object {
	var groups []object
	for _, noun := range slices.Sorted(maps.Keys(lists)) {
		row := schemaName(schemaType(lists[noun].Row()))
		groups = append(groups, object{
			"type": "object",
			"properties": object{
				"noun":       object{"type": "string", "const": noun, "description": o.fieldDoc(o.row, "noun")},
				"total":      object{"type": "integer", "minimum": 1, "description": o.fieldDoc(o.row, "total")},
				"total_kind": object{"type": "string", "enum": rest.TotalKinds, "description": o.fieldDoc(o.row, "total_kind")},
				"rows": object{
					"type": "array", "minItems": 1, "items": ref("schemas", row+"Selection"),
					"description": o.fieldDoc(o.row, "rows"),
				},
			},
			"required":             []string{"noun", "total", "total_kind", "rows"},
			"additionalProperties": false,
		})
	}
	return object{"description": o.src.typeDoc(o.row), "oneOf": groups}
}

func joinedDoc(column *relation.Column) string {
	_, part, _ := strings.Cut(column.Name, "_")
	part = strings.TrimPrefix(part, column.Include+"_")
	return fmt.Sprintf("The %s of the %s of the row.", part, column.Include)
}

// columnSchema returns the schema of a value of a column.
func columnSchema(column *relation.Column) object {
	switch column.Type {
	case relation.Integer:
		return object{"type": "integer", "format": "int64"}
	case relation.Date:
		return object{"type": "string", "format": "date"}
	case relation.Time:
		return object{"type": "string", "format": "date-time"}
	case relation.Boolean:
		return object{"type": "boolean"}
	case relation.UUID:
		return object{"type": "string", "format": "uuid"}
	case relation.Set:
		return object{"type": "integer", "format": "int32"}
	}
	return object{"type": "string"}
}

// filterParameter returns the parameter of a filter.
func (o *operation) filterParameter(filter relation.FilterParam) object {
	schema := columnSchema(filter.Column)
	if filter.IsExact() && filter.Column.Type == relation.Text {
		o.src.enums.restrict(schema, o.row, filter.Column.Name)
	}
	switch {
	case filter.IsBoolean():
		schema = object{"type": "boolean"}
	case filter.IsList():
		schema = object{"type": "string"}
	case filter.Repeats():
		schema = object{"type": "array", "items": schema}
	}
	doc := fmt.Sprintf("Only rows whose %s %s.", filter.Column.Name, filter.Operator.Doc)
	if filter.Column.Type == relation.Set {
		doc = strings.NewReplacer("is not value", "does not contain value", "is value", "contains value",
			"is one of", "contains one of").Replace(doc)
	}
	parameter := object{"name": filter.Param, "in": "query", "description": doc, "schema": schema}
	if filter.Column.Type == relation.Text && schema["enum"] == nil {
		parameter["allowEmptyValue"] = true
	}
	return parameter
}

// listParameters returns references to the parameters of a list.
func (o *operation) listParameters(list *relation.Relation) []object {
	name := schemaName(o.row)
	var all []object
	inPath := strings.Contains(o.Path, "{offset}")
	for _, param := range []string{"limit", "offset", "after", "before", "q", "count", "format"} {
		switch {
		case inPath && slices.Contains([]string{"limit", "offset", "after", "before"}, param):
		case param == "limit" && o.ShortRoute:
			all = append(all, ref("parameters", "limit-of-short-routes"))
		default:
			all = append(all, ref("parameters", param))
		}
	}
	all = append(all, ref("parameters", name+".sort"), ref("parameters", name+".fields"))
	if len(list.Includes()) > 0 {
		all = append(all, ref("parameters", name+".include"))
	}
	if o.hasViews() {
		all = append(all, ref("parameters", "view"))
	}
	if !o.documentsFilters() {
		return all
	}
	for _, filter := range list.Filters() {
		all = append(all, ref("parameters", name+"."+filter.Param))
	}
	return all
}

// filterPaths are the lists whose operations document their filters, by the schema of their rows. The description of
// other operations refers to them: a page with all filters of all operations would take a minute to render.
var filterPaths = map[string]string{
	"Account": "/api/v1/users", "Alert": "/api/v1/alerts", "ListAlertChangesRow": "/api/v1/alerts/{alert_id}/history",
	"Attachment": "/api/v1/attachments", "Change": "/api/v1/changes", "Checkout": "/api/v1/checkouts",
	"Changeset": "/api/v1/changesets", "Computer": "/api/v1/computers", "Container": "/api/v1/containers", "DirectoryUser": "/api/v1/directory",
	"Event": "/api/v1/events", "Freezer": "/api/v1/freezers", "ListOccupancyRow": "/api/v1/occupancy",
	"Instrument": "/api/v1/instruments", "ListOwnSessionsRow": "/auth/token",
	"ListTokensRow": "/api/v1/tokens", "Rule": "/api/v1/rules", "Site": "/api/v1/sites", "Todo": "/api/v1/todos",
	"View": "/api/v1/views", "Stocktake": "/api/v1/stocktakes", "StocktakeItem": "/api/v1/stocktakes/{id}/items",
}

// documentsFilters reports whether the operation documents the filters that it takes.
func (o *operation) documentsFilters() bool {
	return o.Kind == rest.KindList && filterPaths[schemaName(o.listRow)] == o.Path
}

// filterNote returns a sentence about filters that the operation takes and does not document, or "".
func (o *operation) filterNote() string {
	if o.List() == nil || o.documentsFilters() {
		return ""
	}
	path := filterPaths[schemaName(o.listRow)]
	if path == "" {
		panic("filterPaths has no list for " + schemaName(o.listRow))
	}
	return " Accepts all filters of `GET " + path + "`."
}

// hasViews reports whether views belong to the list of the operation.
func (o *operation) hasViews() bool {
	return slices.Contains(o.src.enums["view"]["noun"], strings.TrimPrefix(o.Path, "/api/v1/"))
}

// matchingParameters returns the parameters of a write to all rows that match filters.
func (o *operation) matchingParameters() []object {
	all := []object{
		ref("parameters", "max"), ref("parameters", "q"), ref("parameters", "dry_run"),
		ref("parameters", rest.KeyHeader), ref("parameters", rest.MessageHeader),
	}
	if o.hasViews() {
		all = append(all, ref("parameters", "view"))
	}
	for _, name := range o.Plan.QueryNames() {
		all = append(all, o.queryParameter(name))
	}
	return all
}

// listPathParameters returns the variables of the path that are not parameters of the statement.
func (o *operation) listPathParameters(list *relation.Relation) []object {
	var all []object
	for _, name := range o.Variables() {
		if slices.Contains(o.Plan.PathNames(), name) {
			continue
		}
		schema := object{"type": "integer", "minimum": 0}
		doc := o.fieldDoc(o.row, name)
		switch name {
		case "limit":
			doc = "Maximum number of rows, up to 1000. 0 means 1000."
		case "offset":
			doc = "Number of rows to skip."
		default:
			for _, column := range list.Columns() {
				if column.Name == name {
					schema = columnSchema(&column)
				}
			}
		}
		all = append(all, object{"name": name, "in": "path", "required": true, "description": doc, "schema": schema})
	}
	return all
}

// listParameterComponents returns the parameters that all lists have.
func listParameterComponents() object {
	parameter := func(name string, schema object, doc string) object {
		return object{"name": name, "in": "query", "description": doc, "schema": schema}
	}
	limit := func(size int) object {
		return parameter("limit", object{"type": "integer", "minimum": 1, "default": size},
			"Maximum number of rows, up to 1000. CSV and NDJSON responses have no maximum and no default.")
	}
	cursor := object{"type": "string"}
	return object{
		"limit":                 limit(rest.DefaultPageSize),
		"limit-of-short-routes": limit(rest.MaxPageSize),
		"offset": parameter("offset", object{"type": "integer", "minimum": 0, "default": 0},
			"Number of rows to skip. A large offset is slow; `after` is not."),
		"after":  parameter("after", cursor, "Cursor of the last row of the page before, from the Link header."),
		"before": parameter("before", cursor, "Cursor of the first row of the page after, from the Link header."),
		"q": parameter("q", object{"type": "string", "minLength": 1, "maxLength": 200},
			"Words that must all occur, in any order, also as parts of words: in the texts of the row, or in the "+
				"names of the rows that it references. Case and accents do not matter."),
		"count": parameter("count", object{"type": "string", "enum": []string{"exact", "estimated"}},
			"Adds the header X-Total-Count with the number of matching rows. "+
				"An exact count that takes more than a second is replaced by an estimate."),
		"view": parameter("view", object{"type": "integer", "minimum": 1},
			"ID of a saved view, whose parameters the request has as well. Its own parameters replace those of the view."),
		"max": func() object {
			maxRows := parameter("max", object{"type": "integer", "minimum": 1, "maximum": rest.MaxMatches},
				"Largest number of rows to write. If more rows match, the server returns 409 and changes nothing.")
			maxRows["required"], maxRows["example"] = true, 10
			return maxRows
		}(),
		"format": parameter("format", object{"type": "string", "enum": []string{"json", "csv", "ndjson"}},
			"Format of the response, instead of the header Accept. CSV and NDJSON contain all matching rows."),
	}
}

// listSample is the query string of the sample of a list: a filter on its first text and an order.
func listSample(list *relation.Relation) string {
	for _, column := range list.Columns() {
		if column.Type == relation.Text && column.Include == "" {
			return "?" + column.Name + "__contains=a&sort=-" + column.Name
		}
	}
	return "?sort=-" + list.Columns()[0].Name
}
