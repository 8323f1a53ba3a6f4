package bind

import "reflect"

// ParseInteger parses an integer of a query string. It returns what is wrong with the text, or "".
func ParseInteger(text string) (n int64, reason string) {
	reason = Rule{}.parseInteger(reflect.ValueOf(&n).Elem(), text)
	return n, reason
}
