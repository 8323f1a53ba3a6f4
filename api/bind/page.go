package bind

import "reflect"

// Limit returns the row limit of the request, or nil.
func (p *Plan) Limit(params any) *int64 {
	return reflect.ValueOf(params).Elem().Field(p.limitIndex).Interface().(*int64)
}

// SetLimit sets the row limit of the query.
func (p *Plan) SetLimit(params any, rows int64) {
	reflect.ValueOf(params).Elem().Field(p.limitIndex).Set(reflect.ValueOf(&rows))
}

// ParseInteger parses an integer of a query string. It returns what is wrong with the text, or "".
func ParseInteger(text string) (n int64, reason string) {
	reason = Rule{}.parseInteger(reflect.ValueOf(&n).Elem(), text)
	return n, reason
}
