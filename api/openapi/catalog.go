package main

import (
	"slices"
	"strings"
)

// A catalog describes the queries and the tables, as sqlc understands them.
type catalog struct {
	Queries map[string]query `json:"queries"`
	Tables  map[string]table `json:"tables"`
}

// A query is one query of queries/.
type query struct {
	Comment string   `json:"comment"`
	SQL     string   `json:"sql"`              // with $1, $2, … in place of the parameters
	Params  []param  `json:"params,omitempty"` // in the order of their numbers
	Tables  []string `json:"tables,omitempty"` // tables whose columns it returns
}

// A param is a parameter of a query.
type param struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Nullable bool   `json:"nullable,omitempty"`
}

// A table is a table or view with the comments of its columns.
type table struct {
	Comment string            `json:"comment"`
	Columns map[string]string `json:"columns"`
}

// sqlcName is how sqlc names a table or a type.
type sqlcName struct {
	Name string `json:"name"`
}

// sqlcOutput is the part of sqlc's JSON output that a catalog needs.
type sqlcOutput struct {
	Catalog struct {
		DefaultSchema string `json:"default_schema"`
		Schemas       []struct {
			Name   string `json:"name"`
			Tables []struct {
				Rel     sqlcName `json:"rel"`
				Comment string   `json:"comment"`
				Columns []struct {
					Name    string `json:"name"`
					Comment string `json:"comment"`
				} `json:"columns"`
			} `json:"tables"`
		} `json:"schemas"`
	} `json:"catalog"`
	Queries []struct {
		Name     string   `json:"name"`
		Text     string   `json:"text"`
		Comments []string `json:"comments"`
		Columns  []struct {
			Table      *sqlcName `json:"table"`
			EmbedTable *sqlcName `json:"embed_table"`
		} `json:"columns"`
		Params []struct {
			Column struct {
				Name    string   `json:"name"`
				NotNull bool     `json:"not_null"`
				Type    sqlcName `json:"type"`
			} `json:"column"`
		} `json:"params"`
	} `json:"queries"`
}

// readSQLC reads the JSON output of sqlc.
func readSQLC(file string) (*catalog, error) {
	var out sqlcOutput
	if err := readJSON(&out, file); err != nil {
		return nil, err
	}
	c := &catalog{Queries: map[string]query{}, Tables: map[string]table{}}
	for _, schema := range out.Catalog.Schemas {
		if schema.Name != out.Catalog.DefaultSchema {
			continue
		}
		for _, t := range schema.Tables {
			columns := map[string]string{}
			for _, column := range t.Columns {
				columns[column.Name] = column.Comment
			}
			c.Tables[t.Rel.Name] = table{t.Comment, columns}
		}
	}
	for _, q := range out.Queries {
		converted := query{Comment: strings.TrimSpace(strings.Join(q.Comments, "")), SQL: q.Text}
		for _, p := range q.Params {
			converted.Params = append(converted.Params, param{p.Column.Name, p.Column.Type.Name, !p.Column.NotNull})
		}
		for _, column := range q.Columns {
			for _, t := range []*sqlcName{column.Table, column.EmbedTable} {
				if t != nil && t.Name != "" && !slices.Contains(converted.Tables, t.Name) {
					converted.Tables = append(converted.Tables, t.Name)
				}
			}
		}
		c.Queries[q.Name] = converted
	}
	return c, nil
}
