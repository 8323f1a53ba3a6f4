package bind

import (
	"reflect"
	"slices"
)

// HasLimit reports whether the query has a row limit.
func (p *Plan) HasLimit() bool { return p.limitIndex >= 0 }

// Limit returns the row limit of the request, and whether it is part of the path. It is nil if the request has none.
func (p *Plan) Limit(params any) (limit *int64, inPath bool) {
	limit = reflect.ValueOf(params).Elem().Field(p.limitIndex).Interface().(*int64)
	return limit, slices.Contains(p.PathNames(), "limit")
}

// SetLimit sets the row limit of the query.
func (p *Plan) SetLimit(params any, rows int64) {
	reflect.ValueOf(params).Elem().Field(p.limitIndex).Set(reflect.ValueOf(&rows))
}

// Offset returns the number of rows to skip.
func (p *Plan) Offset(params any) int64 {
	if p.offsetIndex < 0 {
		return 0
	}
	return reflect.ValueOf(params).Elem().Field(p.offsetIndex).Int()
}

// HasFilter reports whether the request filters the list.
func (p *Plan) HasFilter(params any) bool {
	target := reflect.ValueOf(params).Elem()
	isSet := func(f field) bool {
		return f.index != p.limitIndex && f.nullable && !target.Field(f.index).IsNil()
	}
	return slices.ContainsFunc(p.queryFields, isSet) || slices.ContainsFunc(p.pathFields, isSet)
}
