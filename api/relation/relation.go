// Package relation wraps the statement of a list in what a request asks for: filters, an order, columns and a page. The
// statement says where rows come from, and has no filters, order or limit of its own.
//
// No text of a client enters SQL: columns come from the row type, operators from a closed table, and values are bound.
// This is the only package outside queries/ and schema/ that knows SQL. It knows neither connections nor responses.
//
// These columns of a statement are for this package, not for clients:
//
//	search   the form of the row's texts that ?q= compares; see search_text in the schema
//	settled  false for a row that a reader in key order must not see yet, because earlier rows may still appear
//	xid      the first part of the key of a list in which rows become settled
//	ordinal  a part of the key of a list of several tables
//	layout, parent_layout, parent_depth
//	         columns of containers that repeat others, for the constraints of the schema
//	since    a column of the register from which its past is read
package relation

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"labledger/api/bind"
)

// A Relation is the statement of a list with its columns. It does not change after Link.
type Relation struct {
	name      string // of the query
	statement string // with the parameters $1 to $params
	params    int    // number of parameters of the statement
	row       reflect.Type
	columns   []Column // what clients see, in order
	hidden    []Column // columns of the key that clients do not see
	joins     []join   // of referenced rows; a join may build on earlier ones
	key       []*Column
	members   []Column          // that only filters have; see Options
	aliases   map[string]string // names of parameters
	label     *Column           // names a row for people, and begins its search text; nil without such a column
	search    bool              // the statement has the column search
	settled   bool              // the statement has the column settled
	plainHead func() head       // see newPlainHead
}

// A Column is a column that a request can filter, sort and select.
type Column struct {
	Name     string
	Type     Type
	Nullable bool
	Include  string // value of ?include= that adds the column to the rows; "" for a column of the row type

	computed bool   // the value is computed for the rows of a page: no filter or order can use it
	members  string // statement of the values that a row has; "" for a column of the row
	inSearch bool   // the text is a part of the column search, which has more than it
	source   string // alias of the subquery that has the column
	origin   string // name of the column in source
	join     int    // index of the join that source names; -1 for the list itself
	goType   reflect.Type
	rule     bind.Rule
}

// A join adds the columns of a referenced row.
type join struct {
	noun   string    // singular, such as site
	alias  string    // in SQL
	target *Relation // the referenced list, whose statement has no parameters
	on     *Column   // the reference
	key    *Column   // of target
}

// sourceList is the alias of the list's own statement.
const sourceList = "list"

// Options are what the types of a list do not say.
type Options struct {
	Key      []string          // columns of the unique default order; the first column by default
	Rules    bind.Rules        // of the values of filters
	Computed []string          // columns without filters and order
	Aliases  map[string]string // further names of parameters, such as from for at__gte

	// Filters by what a row has several of: a statement by the name of the filter. It has the parameters of the list's
	// own statement, and the columns key, which is the first column of the list, and value, a text.
	Members map[string]string
}

// New returns the relation of a statement, whose rows have the fields of row. all is the whole row, with the columns
// for this package, and with columns that rows have only if ?include= names them. It panics if a type is not supported.
func New(name, statement string, params int, row, all reflect.Type, o Options) *Relation {
	r := &Relation{name: name, statement: trimStatement(statement), params: params, row: row}
	r.plainHead = sync.OnceValue(r.newPlainHead)
	for i := range row.NumField() {
		column := newColumn(name, row, row.Field(i), o.Rules)
		if IsInternalColumn(column.Name) {
			r.hidden = append(r.hidden, column)
		} else {
			r.columns = append(r.columns, column)
		}
	}
	for i := range all.NumField() {
		switch field := all.Field(i); field.Tag.Get("json") {
		case "search":
			r.search = true
		case "settled":
			r.settled = true
		case "ordinal":
			r.hidden = append(r.hidden, newColumn(name, all, field, o.Rules))
		default:
			if row != all && field.Type != row {
				column := newColumn(name, all, field, o.Rules)
				column.Include = column.Name
				r.columns = append(r.columns, column)
			}
		}
	}
	for _, name := range o.Computed {
		r.column(name).computed = true
	}
	r.aliases = o.Aliases
	for _, name := range slices.Sorted(maps.Keys(o.Members)) {
		key := r.columns[0]
		key.Name, key.Type, key.members, key.goType = name, Text, trimStatement(o.Members[name]), reflect.TypeFor[string]()
		key.rule = bind.Rule{}
		r.members = append(r.members, key)
	}
	if len(o.Key) == 0 {
		o.Key = []string{r.columns[0].Name}
	}
	for _, name := range o.Key {
		r.key = append(r.key, r.column(name))
	}
	for _, name := range []string{"name", "description", "title", "display_name", "username"} {
		if i := r.index(name); i >= 0 && r.label == nil && r.columns[i].Type == Text {
			r.label = &r.columns[i]
			r.label.inSearch = r.search && !strings.Contains(statement, "search_text("+name+") AS search")
		}
	}
	return r
}

// newColumn returns the column of a field of the row type.
func newColumn(list string, row reflect.Type, f reflect.StructField, rules bind.Rules) Column {
	name := f.Tag.Get("json")
	column := Column{
		Name: name, Nullable: f.Type.Kind() == reflect.Pointer,
		source: sourceList, origin: name, join: -1,
		goType: f.Type, rule: rules.Of(row, name),
	}
	if column.Nullable {
		column.goType = f.Type.Elem()
	}
	supported := false
	if column.Type, supported = typeOf(column.goType); !supported {
		panic(fmt.Sprintf("relation: %s has the column %s of the unsupported type %s", list, name, f.Type))
	}
	return column
}

var internalColumns = []string{"search", "settled", "xid", "ordinal", "layout", "parent_layout", "parent_depth", "since"}

// IsInternalColumn reports whether a column of a statement is not for clients.
func IsInternalColumn(name string) bool {
	return slices.Contains(internalColumns, name)
}

// trimStatement removes the comments above a statement and the semicolon below it.
func trimStatement(statement string) string {
	lines := strings.Split(strings.TrimSpace(statement), "\n")
	for len(lines) > 0 && strings.HasPrefix(lines[0], "--") {
		lines = lines[1:]
	}
	return strings.TrimSuffix(strings.Join(lines, "\n"), ";")
}

// A Target is a list whose rows other lists reference.
type Target struct {
	Noun     string // singular, such as site
	Key      string // column that the URL of a row ends in, such as id
	Relation *Relation
}

// alias returns the name of a referenced row in SQL, where user is a reserved word.
func (t Target) alias() string {
	if t.Noun == "user" {
		return `"user"`
	}
	return t.Noun
}

// Link adds the columns of the rows that r references: the column site_id references the key id of the list of sites.
// It adds the columns of the rows that those reference as well. targets are the lists that all readers of r may read.
func (r *Relation) Link(targets []Target) {
	r.link(targets, r.columns[:len(r.columns):len(r.columns)], sourceList, -1)
}

func (r *Relation) link(targets []Target, from []Column, source string, parent int) {
	for i := range from {
		for _, target := range targets {
			key := target.Relation.index(target.Key)
			if from[i].Name != target.Noun+"_"+target.Key || key < 0 || target.Relation == r ||
				target.Relation.label == nil || target.Relation.params > 0 || r.hasAlias(target.alias()) {
				continue
			}
			reference := from[i]
			reference.source, reference.join = source, parent
			reference.Nullable = reference.Nullable || parent >= 0 && r.joins[parent].on.Nullable
			r.joins = append(r.joins, join{
				target.Noun, target.alias(), target.Relation, &reference, &target.Relation.columns[key],
			})
			index := len(r.joins) - 1
			nullable := reference.Nullable || target.Noun == "user" // users of events need no account
			r.addJoined(target, target.Key, target.Relation.columns[key], index, nullable)
			r.addJoined(target, target.Relation.label.Name, *target.Relation.label, index, nullable)
			if i := target.Relation.index("username"); i >= 0 {
				r.addJoined(target, "username", target.Relation.columns[i], index, nullable)
			}
			own := slices.DeleteFunc(slices.Clone(target.Relation.columns), func(c Column) bool { return c.join >= 0 })
			r.link(targets, own, target.alias(), index)
		}
	}
}

// addJoined adds a column of a referenced row, unless the list has a column of this name.
func (r *Relation) addJoined(target Target, name string, column Column, join int, nullable bool) {
	if r.index(target.Noun+"_"+name) >= 0 {
		return
	}
	column.Name, column.Include = target.Noun+"_"+name, target.Noun
	column.source, column.origin, column.join = target.alias(), name, join
	column.Nullable = column.Nullable || nullable
	r.columns = append(r.columns, column)
}

func (r *Relation) hasAlias(alias string) bool {
	return slices.ContainsFunc(r.joins, func(j join) bool { return j.alias == alias })
}

// Row returns the type of the rows that clients see.
func (r *Relation) Row() reflect.Type { return r.row }

// Columns returns all columns: those of the list, and those of referenced rows.
func (r *Relation) Columns() []Column { return r.columns }

// isLookedUp reports whether a column of the key has no part in cursors: position finds its value.
func isLookedUp(c *Column) bool { return c.Name == "xid" }

// Includes returns the values of ?include=.
func (r *Relation) Includes() []string {
	var names []string
	for i := range r.columns {
		if name := r.columns[i].Include; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// index returns the index of a column, or -1.
func (r *Relation) index(name string) int {
	return slices.IndexFunc(r.columns, func(c Column) bool { return c.Name == name })
}

// column returns a column. It panics if there is none.
func (r *Relation) column(name string) *Column {
	if i := r.index(name); i >= 0 {
		return &r.columns[i]
	}
	for i := range r.hidden {
		if r.hidden[i].Name == name {
			return &r.hidden[i]
		}
	}
	panic("relation: " + r.name + " has no column " + name)
}

// HasColumn reports whether clients can select a column.
func (r *Relation) HasColumn(name string) bool { return r.index(name) >= 0 }

// filterColumn returns the column of a filter, or nil.
func (r *Relation) filterColumn(name string) *Column {
	if i := r.index(name); i >= 0 {
		return &r.columns[i]
	}
	if i := slices.IndexFunc(r.members, func(c Column) bool { return c.Name == name }); i >= 0 {
		return &r.members[i]
	}
	return nil
}

// names returns the names of all columns.
func (r *Relation) names() []string {
	names := make([]string, len(r.columns))
	for i := range r.columns {
		names[i] = r.columns[i].Name
	}
	return names
}
