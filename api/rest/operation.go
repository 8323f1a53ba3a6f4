package rest

import (
	"context"
	"reflect"
	"regexp"
	"runtime"

	"labledger/db"
)

// An Operation is what a route serves: One, List, SearchLists, Create, Matching, Func, Render or Raw.
type Operation interface {
	// Describe returns what the API reference says about the operation.
	Describe() Description
	// serve writes the response. It writes nothing if it returns an error.
	serve(c *Call) error
}

// A Query is a query as sqlc generates it. The adapter decides on which connection or transaction it runs.
type Query[In, Out any] = func(*db.Queries, context.Context, In) (Out, error)

// A Description describes an operation to the generator of the OpenAPI document.
type Description struct {
	Doc
	Kind       Kind
	Name       string       // of the query or function
	Params     reflect.Type // nil for an ordinary handler that reads the path itself
	Out        reflect.Type // the response, or one row of it; nil for an ordinary handler
	MediaTypes []string     // of a rendered response
	MaxRows    int          // maximum rows of a list without further pages; 0 for a list with pages
	CanCreate  bool         // an upsert
	Redirects  bool         // browsers are redirected
	BulkRow    reflect.Type // parameters of one row of a bulk body; nil if the operation accepts one object only
}

// Kind is the kind of an operation.
type Kind int

// The kinds of operations.
const (
	KindOne      Kind = iota // a query that returns one row
	KindList                 // a query that returns rows
	KindCreate               // a query that inserts one row, or many
	KindMatching             // a query that writes one row, for all rows that match filters
	KindFunc                 // a function
	KindRender               // a function that renders rows of a list as a file
	KindRaw                  // an ordinary handler
)

// Doc says about an operation what its types do not say.
type Doc struct {
	Queries    []any // queries that it runs, as method expressions
	Status     int   // of a success; 0 for 200
	Problems   []int // statuses of problems beyond those of its kind
	SetsCookie bool  // the response may set or clear the session cookies
	Long       bool  // a long transfer: it takes a slot, and its deadlines are extended
	Waits      bool  // a long transfer that waits for a slot, since most requests are short
	Form       bool  // the body is a form
	AnyQuery   bool  // an ordinary handler that accepts any query string
}

// QueryNames returns the names of the queries that the operation runs.
func (d *Description) QueryNames() (names []string) {
	for _, query := range d.Queries {
		names = append(names, FuncName(query))
	}
	return names
}

// lastNameRE finds the name before the type parameters and the mark of a method value.
var lastNameRE = regexp.MustCompile(`(\w+)(\[\.\.\.\])?(-fm)?$`)

// FuncName returns the name of a function or method, without its package and receiver.
func FuncName(f any) string {
	full := runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name()
	return lastNameRE.FindStringSubmatch(full)[1]
}

// visibleRow returns the part of a result type that clients see: the embedded row, if the query adds columns for
// the adapter.
func visibleRow(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Struct && t.NumField() > 1 && t.Field(0).Type.Kind() == reflect.Struct &&
		isInternalColumn(t.Field(1).Tag.Get("json")) {
		return t.Field(0).Type
	}
	return t
}
