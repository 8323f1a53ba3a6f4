package bind

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// A Rule restricts the values of a field. The zero rule accepts all values of the type. The database has the same rules
// as constraints; a Rule lets one response report every error.
type Rule struct {
	Check         func(text string) (reason string) // returns what is wrong with a string, or ""; nil accepts all
	Min, Max      int64                             // range of an integer; none if both are 0
	Lowercase     bool                              // a string is converted to lower case before it is checked
	AcceptsNumber bool                              // a string may be a JSON number, whose digits it keeps
	References    string                            // kind of row whose key this is; see Reference
}

// Rules holds the rules by field: "name" for all parameter structs, "NewEvent.type" for the struct NewEvent alone.
type Rules map[string]Rule

// Of returns the rule of a field of a parameter struct or of a row.
func (r Rules) Of(params reflect.Type, name string) Rule {
	if rule, ok := r[params.Name()+"."+name]; ok {
		return rule
	}
	return r[name]
}

func (r Rule) parseString(dst reflect.Value, text string) (reason string) {
	if r.Lowercase {
		text = lowerASCII(text)
	}
	if r.Check != nil {
		reason = r.Check(text)
	}
	dst.SetString(text)
	return reason
}

// lowerASCII converts A to Z only: some other letters have one of a to z as their lower case.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, text)
}

var integerRE = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

func (r Rule) parseInteger(dst reflect.Value, text string) (reason string) {
	if !integerRE.MatchString(text) {
		return "must be an integer"
	}
	n, err := strconv.ParseInt(text, 10, dst.Type().Bits())
	if (r.Min != 0 || r.Max != 0) && (err != nil || n < r.Min || n > r.Max) {
		return fmt.Sprintf("must be from %d to %d", r.Min, r.Max)
	}
	if err != nil {
		return "is out of range"
	}
	dst.SetInt(n)
	return ""
}
