package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"labledger/api/bind"
	"labledger/api/problem"
	"labledger/db"
	"labledger/internal/dbtx"
)

// This file finds the keys of the rows that a body names.

// Bounds of the suggestions for names that no row has. A comparison of two names takes about 10 µs.
const (
	maxSuggestions   = 20  // names of one resolver that get a suggestion
	maxSuggestedName = 100 // characters of such a name
)

// A rowName is a name in the parameters of FindReferences.
type rowName struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// A resolver finds the rows of many names with one statement, and with a second one if a name is unknown.
type resolver struct {
	names       []rowName // without duplicates
	indexes     map[rowName]int
	found       [][]db.FindReferencesRow // by index of the name
	known       map[string][]string      // names of rows by kind, to suggest one
	suggestions map[rowName]string
}

func newResolver(names []bind.Name) *resolver {
	r := &resolver{indexes: map[rowName]int{}, known: map[string][]string{}, suggestions: map[rowName]string{}}
	for _, n := range names {
		name := rowName{n.Kind, n.Text}
		if _, ok := r.indexes[name]; !ok {
			r.indexes[name] = len(r.names)
			r.names = append(r.names, name)
		}
	}
	r.found = make([][]db.FindReferencesRow, len(r.names))
	return r
}

// find runs the statement that finds the rows. It calls one query.
func (r *resolver) find(ctx context.Context, q *db.Queries) error {
	names, err := json.Marshal(r.names)
	if err != nil {
		return err
	}
	rows, err := q.FindReferences(ctx, db.FindReferencesParams{Names: names})
	for _, row := range rows {
		r.found[row.Number-1] = append(r.found[row.Number-1], row)
	}
	return err
}

// prepareSuggestions reads known names of the kinds of those that no row has. It runs no statement if there are none.
func (r *resolver) prepareSuggestions(ctx context.Context, q *db.Queries) error {
	var kinds []string
	for i, name := range r.names {
		if len(r.found[i]) == 0 && !slices.Contains(kinds, name.Kind) {
			kinds = append(kinds, name.Kind)
		}
	}
	if kinds == nil {
		return nil
	}
	rows, err := q.ListReferenceNames(ctx, db.ListReferenceNamesParams{Kinds: kinds})
	for _, row := range rows {
		r.known[row.Kind] = append(r.known[row.Kind], row.Name)
	}
	return err
}

// key returns the key of the row with a name, or why there is none.
func (r *resolver) key(n bind.Name) (key, reason string) {
	name := rowName{n.Kind, n.Text}
	switch rows := r.found[r.indexes[name]]; {
	case len(rows) == 0:
		reason = fmt.Sprintf("there is no %s named %q", n.Kind, problem.Sanitize(n.Text))
		if nearest := r.suggest(name); nearest != "" {
			reason += fmt.Sprintf("; did you mean %q?", problem.Sanitize(nearest))
		}
		return "", reason
	case rows[0].Total > 1:
		return "", ambiguousName(n, rows)
	default:
		return rows[0].Key, n.CheckKey(rows[0].Key)
	}
}

// suggest returns the known name that is most similar to one that no row has, or "".
func (r *resolver) suggest(name rowName) string {
	nearest, ok := r.suggestions[name]
	if !ok && len(r.suggestions) < maxSuggestions && len(name.Name) <= maxSuggestedName {
		nearest = problem.Nearest(name.Name, r.known[name.Kind], len(name.Name)/3+1)
		r.suggestions[name] = nearest
	}
	return nearest
}

// ambiguousName returns the message for a name of several rows.
func ambiguousName(n bind.Name, rows []db.FindReferencesRow) string {
	var candidates []string
	for _, row := range rows {
		candidate := row.Key
		if row.Detail != "" {
			candidate += " (" + problem.Sanitize(row.Detail) + ")"
		}
		candidates = append(candidates, candidate)
	}
	list := strings.Join(candidates, ", ")
	if more := rows[0].Total - int64(len(rows)); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("%d %ss are named %q: %s; use %s",
		rows[0].Total, n.Kind, problem.Sanitize(n.Text), list, n.Key)
}

// setKeys sets the keys of the rows that a body with one object names, and adds an error for each name without a row.
// The foreign key rejects the write if the row is deleted in between.
func (c *Call) setKeys(ctx context.Context, params any, names []bind.Name) error {
	if len(names) == 0 {
		return nil
	}
	r := newResolver(names)
	if err := c.resolve(ctx, r); err != nil {
		return err
	}
	for _, n := range names {
		key, reason := r.key(n)
		if c.Errors.Add(n.Field, reason); reason == "" {
			c.Plan.SetKey(params, n, key)
		}
	}
	return nil
}

// resolve runs a resolver before the write. It claims the idempotency key for a moment: a repeated request gets the
// first response, even if the name has another row since.
func (c *Call) resolve(ctx context.Context, r *resolver) error {
	ctx, cancel := context.WithTimeout(ctx, StatementTimeout)
	defer cancel()
	conn, err := Acquire(ctx, c.server.primary)
	if err != nil {
		return err
	}
	defer conn.Release()
	defer rollbackConn(conn)
	var p dbtx.Pipeline
	p.Exec("begin isolation level read committed")
	c.addContext(ctx, &p)
	p.Add(func(q *db.Queries) error { return r.find(ctx, q) })
	p.Exec("rollback")
	if err := p.Run(ctx, conn); err != nil {
		return err
	}
	return r.prepareSuggestions(ctx, db.New(conn))
}
