package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
)

// sources holds the comments and statements from which the document is generated.
type sources struct {
	catalog
	funcDocs  map[string]string            // comments of functions and methods by name
	typeDocs  map[string]string            // doc comments by type name
	fieldDocs map[string]map[string]string // field comments by type name and JSON name
	enums     enumValues
	examples  map[string]map[string]json.RawMessage // bodies of successful responses by operation and status
}

// goFiles are the files whose types and functions the API shows.
var goFiles = []string{
	"db/models.go", "internal/ledger/*.go",
	"api/*.go", "api/authn/*.go", "api/problem/*.go", "api/rest/*.go", "api/sse/*.go",
}

// readSources reads the catalog, the Go files and the constraints of the schema.
func readSources(root string) (*sources, error) {
	src := &sources{
		funcDocs:  map[string]string{},
		typeDocs:  map[string]string{},
		fieldDocs: map[string]map[string]string{},
	}
	if err := readJSON(&src.catalog, root, queriesFile); err != nil {
		return nil, err
	}
	if err := readJSON(&src.examples, root, examplesFile); err != nil {
		return nil, err
	}
	var err error
	if src.enums, err = readEnumValues(root); err != nil {
		return nil, err
	}
	for _, pattern := range goFiles {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				return nil, err
			}
			src.readGo(file)
		}
	}
	return src, nil
}

// readGo collects the doc comments of functions, types and struct fields. It drops the leading identifier, and the verb
// "is" or "are" of a type's comment.
func (src *sources) readGo(file *ast.File) {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Doc != nil && d.Name.IsExported() {
				src.funcDocs[d.Name.Name] = oneLine(strings.TrimPrefix(d.Doc.Text(), d.Name.Name+" "))
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				s, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				doc := strings.TrimPrefix(d.Doc.Text(), s.Name.Name+" ")
				doc = strings.TrimPrefix(strings.TrimPrefix(doc, "is "), "are ")
				src.typeDocs[s.Name.Name] = oneLine(doc)
				if fields, ok := s.Type.(*ast.StructType); ok {
					src.fieldDocs[s.Name.Name] = fieldDocs(fields)
				}
			}
		}
	}
}

// fieldDocs returns the comments of struct fields by JSON name.
func fieldDocs(t *ast.StructType) map[string]string {
	docs := map[string]string{}
	for _, f := range t.Fields.List {
		if f.Tag != nil {
			name, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
			docs[name] = oneLine(f.Doc.Text() + f.Comment.Text())
		}
	}
	return docs
}

// oneLine joins the lines of a text and starts it with a capital letter.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text != "" {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	return text
}

// query returns a query of the catalog. It panics if there is none with this name.
func (src *sources) query(name string) query {
	q, ok := src.Queries[name]
	if !ok {
		panic(queriesFile + " has no query " + name)
	}
	return q
}

// doc returns the comment of a query or function. It panics if the comment is missing.
func (src *sources) doc(name string) string {
	doc := src.Queries[name].Comment
	if doc == "" {
		doc = src.funcDocs[name]
	}
	if doc == "" {
		panic(name + " has no comment")
	}
	return doc
}

// rowDocs describe the row types of queries that are not the type of a table or view.
var rowDocs = map[string]string{
	"CloseStocktakeRow":       "A closed stock-take, with what closing it changed.",
	"DeletePasswordLinkRow":   "The deleted link.",
	"EndSessionRow":           "The session that ended.",
	"GetAccessRow":            "How a user can sign in.",
	"GetDirectoryEntryRow":    "The public part of an account.",
	"GetContainerContentsRow": "The map of a container: its grid and what lies directly in it.",
	"GetContainerPathRow":     "The way to a container.",
	"GetFreePositionsRow":     "The free positions of a container.",
	"GetFreezerMapRow":        "The map of a freezer.",
	"GetStocktakeRow":         "A stock-take with the number of items of each result.",
	"GetEventRow":             "A deposit or a withdrawal of a user, with the results of the rules and with its void.",
	"GetSummaryRow":           "What the overview of the app and its menu show.",
	"ListAlertChangesRow":     "One change of an alert.",
	"ListAlertsRow":           "The record of an event that fired at least one rule, and of its investigation.",
	"ListDirectoryRow":        "The names of a user.",
	"ListEventsRow":           "A deposit or a withdrawal of a user, with the results of the rules and the ID of its void.",
	"ListOwnSessionsRow":      "One session of the caller.",
	"ListTokensRow":           "One API token of the caller, without the token itself.",
	"RevokeSessionRow":        "The revoked session.",
	"RevokeTokenRow":          "The revoked API token.",
}

// columnDocs describe columns and parameters that belong to no table, and embedded fields with a meaning of their own,
// by type.
var columnDocs = map[string]map[string]string{
	"CodeCounts": {
		"added":     "Alerts that only the changed rules raise.",
		"removed":   "Recorded alerts that the changed rules do not raise.",
		"unchanged": "Recorded alerts that the changed rules raise as well.",
	},
	"GetContainerContentsRow": {
		"positions":  "Number of positions that can be used; null if any number of containers fits.",
		"free":       "Number of positions that are free; null if any number of containers fits.",
		"containers": "Number of containers that lie directly in the container.",
		"contents":   "What lies directly in the container, by position; at most 10,000 containers.",
	},
	"GetContainerPathRow": {
		"site_id":      "ID of the site.",
		"site_name":    "Name of the site.",
		"freezer_name": "Name of the freezer.",
		"path":         "The containers on the way, from the outermost one to the container itself.",
	},
	"GetFreePositionsRow": {
		"free":      "Number of containers that still fit; null for any number.",
		"positions": "Labels of the free positions, row by row; empty without a grid.",
	},
	"GetFreezerMapRow": {
		"containers": "Number of all containers in the freezer.",
		"loose":      "Number of containers that lie directly in the freezer and are not in the map.",
		"map": "The containers that hold others or have positions for them, the outermost first; at most 5,000. " +
			"containers is the number of containers directly in each.",
	},
	"GetEventRow": {
		"event_id":    "ID of the event.",
		"void_id":     "ID of the void of the event; null for none.",
		"void_reason": "Why the event does not count; null without a void.",
		"voided_at":   "Time when the event was voided; null without a void.",
		"voided_by":   "Actor that voided the event, as in the history; null without a void.",
	},
	"ListEventsRow": {"void_id": "ID of the void of the event; null for none."},
	"ListAlertsRow": {"snoozed": "True if the alert is snoozed now."},
	"ListCheckoutsRow": {
		"open":    "True until the check-out ends.",
		"overdue": "True if the check-out is open and its due date has passed.",
		"user_id": "ID of the holder.",
	},
	"ListDirectoryRow": {
		"display_name": "Name of the user as people read it; the username if the user has no other.",
	},
	"GetAccessRow": {
		"has_password":    "True if the user has a password.",
		"signed_in_at":    "Time of the last sign-in; null if it is not known.",
		"link_created_at": "Time when the valid link of the user was created; null for none.",
		"link_expires_at": "Time when the valid link of the user expires; null for none.",
	},
	"DeletePasswordLinkRow": {"id": "ID of the user."},
	"CloseStocktakeParams": {
		"missing":    "mark gives missing containers the status missing, keep leaves them. Default: mark.",
		"misplaced":  "move moves misplaced containers to where they were scanned, keep leaves them. Default: move.",
		"unexpected": "move moves unexpected containers to where they were scanned, keep leaves them. Default: move.",
	},
	"CloseStocktakeRow": {
		"id":        "ID of the stock-take.",
		"closed_at": "Time when the stock-take was closed.",
		"closed_by": "User that closed the stock-take.",
		"marked":    "Number of containers that got the status missing.",
		"moved":     "Number of containers that were moved.",
		"restored":  "Number of containers that were missing or discarded, and are stored now.",
		"version":   "Version of the stock-take.",
	},
	"GetStocktakeRow": {
		"items":       "Number of items.",
		"scanned":     "Number of items that were scanned or seen.",
		"found":       "Number of items with the result found.",
		"missing":     "Number of items with the result missing.",
		"misplaced":   "Number of items with the result misplaced.",
		"unexpected":  "Number of items with the result unexpected.",
		"unknown":     "Number of items with the result unknown.",
		"checked_out": "Number of items with the result checked_out.",
		"moved":       "Number of items with the result moved.",
	},
	"ScanCodeParams": {
		"id":       "ID of the stock-take.",
		"code":     "Barcode or UUID of the container, or the text that was scanned instead.",
		"parent":   "Barcode or UUID of the container in which it lies.",
		"position": "Position in that container, such as B4. Without a parent, in the container of the stock-take.",
	},
	"UndoScanParams": {
		"id":   "ID of the stock-take.",
		"code": "Barcode or UUID of a scanned container, or an unknown code that was scanned.",
	},
	"GetSummaryParams": {
		"site_id": "Only freezers, computers, containers, todos and check-outs of this site.",
		"today":   "The date for the due dates. Default: the current date of the database.",
	},
	"GetSummaryRow": {
		"alerts_open":          "Number of alerts that are open or acknowledged, and not snoozed.",
		"alerts_critical":      "Number of those with the severity critical.",
		"alerts_unassigned":    "Number of those without an assignee.",
		"alerts_mine":          "Number of those that are assigned to the caller.",
		"todos_open":           "Number of todos that are not done.",
		"todos_overdue":        "Number of those that were due before today.",
		"todos_due_today":      "Number of those that are due today.",
		"todos_due_in_7_days":  "Number of those that are due today or in the next 6 days.",
		"todos_mine":           "Number of those that are assigned to the caller.",
		"todos_mine_overdue":   "Number of those that are assigned to the caller and were due before today.",
		"checkouts_open":       "Number of containers that are checked out.",
		"checkouts_overdue":    "Number of those that were due before today.",
		"checkouts_mine":       "Number of those that the caller has.",
		"containers":           "Number of containers.",
		"containers_estimated": "True if the number of containers is an estimate.",
		"freezers":             "Number of freezers.",
		"computers":            "Number of computers.",
		"sites":                "Number of all sites.",
		"stocktakes_open":      "Number of stock-takes that are open.",
		"users":                "Number of all users.",
		"critical_alerts":      "The newest 3 critical alerts that are neither closed nor snoozed.",
		"my_alerts":            "The newest 8 alerts that are assigned to the caller, and neither closed nor snoozed.",
		"my_todos":             "The 8 todos that are assigned to the caller, not done, and due first.",
		"storage":              "The first 200 freezers, by site, with their numbers of containers and positions.",
		"activity": "The latest 10 kinds of changes, newest first: the changes of one request to rows of one kind " +
			"with one action. For alerts, action is the new state, or update if the state stays the same.",
	},
	"EndSessionRow":       {"own": "True for the session of this request."},
	"ListOwnSessionsRow":  {"own": "True for the session of this request."},
	"RevokeSessionRow":    {"own": "True for the session of this request."},
	"RevokeSessionParams": {"revoke": "True revokes the session; false changes nothing."},
}

// keyDocs describe keys in the path of operations whose rows do not have them.
var keyDocs = map[string]string{
	"alert_id":   "ID of the alert.",
	"event_id":   "ID of the event.",
	"session_id": "ID of the session.",
	"uuid":       "UUID of the container: its key in the API.",
	"code":       "Code of the rule.",
}

// typeDoc returns the description of a type.
func (src *sources) typeDoc(t reflect.Type) string {
	if doc := rowDocs[t.Name()]; doc != "" {
		return doc
	}
	return src.typeDocs[t.Name()]
}

// fieldDoc returns the comment of a field, or of the column of one of the tables with this name.
func (src *sources) fieldDoc(t reflect.Type, name string, tables []string) string {
	if doc := src.fieldDocs[t.Name()][name]; doc != "" {
		return doc
	}
	if doc := columnDocs[t.Name()][name]; doc != "" {
		return doc
	}
	for _, table := range tables {
		if doc := src.Tables[table].Columns[name]; doc != "" {
			return oneLine(doc)
		}
	}
	return keyDocs[name]
}
