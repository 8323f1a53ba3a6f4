package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"labledger/db"
)

// This file reads the comments and statements from which the OpenAPI document is generated.

// sources holds the parsed comments and statements from which the OpenAPI document is generated.
type sources struct {
	queryDocs  map[string]string            // comments of queries and functions by name
	statements map[string]string            // SQL by query name
	typeDocs   map[string]string            // doc comments by type name
	fieldDocs  map[string]map[string]string // field comments by type name and JSON name
	enums      enumValues
}

// readSources parses the queries, the generated models and the Go files of the ledger and of this package.
func readSources(t *testing.T) *sources {
	t.Helper()
	src := &sources{
		queryDocs:  map[string]string{},
		statements: map[string]string{},
		typeDocs:   map[string]string{},
		fieldDocs:  map[string]map[string]string{},
		enums:      readEnumValues(t),
	}
	for _, text := range readFiles(t, "../queries/*.sql") {
		src.readQueries(text)
	}
	for _, pattern := range []string{"../db/models.go", "../internal/ledger/*.go", "*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			src.readGo(file)
		}
	}
	return src
}

// readFiles returns the contents of the files that match a pattern. It fails if no file matches.
func readFiles(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no file matches %s: %v", pattern, err)
	}
	var all []string
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

// readQueries splits a query file into names, comments and statements.
func (src *sources) readQueries(text string) {
	for _, part := range strings.Split(text, "-- name: ")[1:] {
		head, rest, _ := strings.Cut(part, "\n")
		name, _, _ := strings.Cut(head, " ")
		var doc []string
		for strings.HasPrefix(rest, "-- ") {
			line, after, _ := strings.Cut(rest, "\n")
			doc, rest = append(doc, strings.TrimPrefix(line, "-- ")), after
		}
		src.queryDocs[name] = strings.Join(doc, " ")
		src.statements[name] = strings.TrimSpace(rest)
	}
}

// readGo collects the doc comments of functions, types and struct fields. It drops the leading identifier, and the verb
// "is" or "are" of a type's comment.
func (src *sources) readGo(file *ast.File) {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Doc != nil {
				src.queryDocs[d.Name.Name] = oneLine(strings.TrimPrefix(d.Doc.Text(), d.Name.Name+" "))
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

// doc returns the comment of a query or function. It panics if the comment is missing.
func (src *sources) doc(name string) string {
	if src.queryDocs[name] == "" {
		panic(name + " has no comment")
	}
	return src.queryDocs[name]
}

// rowDocs describe the row types of queries that are not the type of a table or view.
var rowDocs = map[string]string{
	"EndSessionRow":        "The session that ended.",
	"GetDirectoryEntryRow": "The public part of an account.",
	"ListAlertChangesRow":  "One change of an alert.",
	"ListOwnSessionsRow":   "One session of the caller.",
	"ListTokensRow":        "One API token of the caller, without the token itself.",
	"RevokeSessionRow":     "The revoked session.",
	"RevokeTokenRow":       "The revoked API token.",
	"SearchRow":            "One match of a search.",
}

// columnDocs describe columns and parameters that belong to no table, by type.
var columnDocs = map[string]map[string]string{
	"SearchRow": {
		"kind":   "Kind of the matching row, such as site or event.",
		"key":    "Key of the matching row as a string, as in its URL.",
		"title":  "Name or title of the matching row.",
		"detail": "Further text of the matching row, such as an address.",
	},
	"EndSessionRow":      {"own": "True for the session of this request."},
	"ListOwnSessionsRow": {"own": "True for the session of this request."},
	"RevokeSessionRow":   {"own": "True for the session of this request."},
	"RevokeSessionParams": {
		"session_id": "ID of the session.",
		"revoke":     "True revokes the session; false changes nothing.",
	},
	"GetEventParams": {"event_id": "ID of the event."},
}

// typeDoc returns the description of a type.
func (src *sources) typeDoc(t reflect.Type) string {
	if doc := rowDocs[t.Name()]; doc != "" {
		return doc
	}
	return src.typeDocs[t.Name()]
}

// fieldDoc returns the comment of a field, or of the table column that a row or parameter type takes it from.
func (src *sources) fieldDoc(t reflect.Type, name string) string {
	if doc := src.fieldDocs[t.Name()][name]; doc != "" {
		return doc
	}
	if doc := columnDocs[t.Name()][name]; doc != "" {
		return doc
	}
	// The names of parameter and row types contain the name of their table: PatchSiteParams, ListOwnSessionsRow.
	if t.PkgPath() != reflect.TypeFor[db.Account]().PkgPath() {
		return ""
	}
	best := ""
	for table := range src.fieldDocs {
		word := table
		if table == "ApiToken" {
			word = "Token" // as in ListTokensRow
		}
		matches := strings.Contains(t.Name(), word)
		if table != t.Name() && matches && len(table) > len(best) && src.fieldDocs[table][name] != "" {
			best = table
		}
	}
	for _, table := range []string{best, "Account", "AlertChange"} { // types with other names return parts of the last two
		if doc := src.fieldDocs[table][name]; doc != "" {
			return doc
		}
	}
	return ""
}

var lastNameRE = regexp.MustCompile(`(\w+)(-fm)?$`)

// functionName returns the name of a query function, which is the name of the query in queries/.
func functionName(f any) string {
	full := runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name()
	return lastNameRE.FindStringSubmatch(full)[1]
}
