package bind

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// A value converts text and JSON to one Go type.
type value struct {
	// parse stores text in a field. It returns what is wrong with the text, or "".
	parse    func(dst reflect.Value, text string) (reason string)
	kinds    string // kinds of JSON that have a text to parse, as jsontext.Kind
	typeName string // JSON type for messages
	isRaw    bool   // keeps JSON as it is
	nullable bool   // the field is a pointer, and JSON may be null
}

// Values of typeName.
const (
	stringType  = "a string"
	integerType = "an integer"
	boolType    = "true or false"
)

var (
	uuidType = reflect.TypeFor[uuid.UUID]()
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[json.RawMessage]()
)

// newValue returns the value of a field type: a bool, int64, int32, string, time.Time or uuid.UUID, or a pointer to one
// of them or to json.RawMessage. It returns false for any other type.
func newValue(t reflect.Type, rule Rule) (v value, supported bool) {
	if t.Kind() == reflect.Pointer {
		v, supported = newValue(t.Elem(), rule)
		elem := v.parse
		v.nullable = true
		v.parse = func(dst reflect.Value, text string) (reason string) {
			target := reflect.New(t.Elem())
			if reason = elem(target.Elem(), text); reason == "" {
				dst.Set(target)
			}
			return reason
		}
		return v, supported
	}
	switch {
	case t == rawType:
		return value{parse: parseRaw, kinds: "{[\"0tf", typeName: "a JSON value", isRaw: true}, true
	case t == uuidType:
		return value{parse: parseUUID, kinds: `"`, typeName: "a UUID string"}, true
	case t == timeType:
		return value{parse: parseTime, kinds: `"`, typeName: "a time string"}, true
	case t.Kind() == reflect.String:
		v = value{parse: rule.parseString, kinds: `"`, typeName: stringType}
		if rule.AcceptsNumber {
			v.kinds += "0"
		}
		return v, true
	case t.Kind() == reflect.Int64, t.Kind() == reflect.Int32:
		return value{parse: rule.parseInteger, kinds: "0", typeName: integerType}, true
	case t.Kind() == reflect.Bool:
		return value{parse: parseBool, kinds: "tf", typeName: boolType}, true
	}
	return value{}, false
}

// setText parses text from a path, a query string, a CSV cell or a form. It returns what is wrong with the text, or "".
func (v value) setText(dst reflect.Value, text string) (reason string) {
	if reason := CheckText(text); reason != "" {
		return reason
	}
	return v.parse(dst, text)
}

// setJSON is setText for a JSON value.
func (v value) setJSON(dst reflect.Value, text jsontext.Value) (reason string) {
	kind := text.Kind()
	if kind == 'n' {
		if !v.nullable {
			return "must not be null"
		}
		dst.SetZero()
		return ""
	}
	if strings.IndexByte(v.kinds, byte(kind)) < 0 {
		return "must be " + v.typeName + ", got " + kindName(kind)
	}
	if kind != '"' || v.isRaw {
		return v.setText(dst, string(text))
	}
	unquoted, err := jsontext.AppendUnquote(nil, text)
	if err != nil {
		return "must be valid UTF-8"
	}
	return v.setText(dst, string(unquoted))
}

func kindName(kind jsontext.Kind) string {
	switch kind {
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "an array"
	default:
		return "a boolean"
	}
}

func parseRaw(dst reflect.Value, text string) (reason string) {
	dst.SetBytes([]byte(text))
	return ""
}

func parseUUID(dst reflect.Value, text string) (reason string) {
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return "must be a UUID like 123e4567-e89b-12d3-a456-426614174000"
	}
	dst.Set(reflect.ValueOf(id))
	return ""
}

// parseTime accepts an RFC 3339 time from year 1 to year 9999 in UTC.
func parseTime(dst reflect.Value, text string) (reason string) {
	t, err := time.Parse(time.RFC3339, text)
	if year := t.UTC().Year(); err != nil || year < 1 || year > 9999 {
		return "must be a time like 2026-11-30T08:00:00Z"
	}
	dst.Set(reflect.ValueOf(t.UTC()))
	return ""
}

func parseBool(dst reflect.Value, text string) (reason string) {
	if text != "true" && text != "false" {
		return "must be true or false"
	}
	dst.SetBool(text == "true")
	return ""
}

// ParseText parses text as a value of the type t, one of those of a parameter. It returns the value as text, or what is
// wrong with it.
func ParseText(t reflect.Type, rule Rule, text string) (parsed, reason string) {
	v, supported := newValue(t, rule)
	if !supported {
		panic("bind: unsupported type " + t.String())
	}
	dst := reflect.New(t).Elem()
	if reason := v.setText(dst, text); reason != "" {
		return "", reason
	}
	if t == timeType {
		return dst.Interface().(time.Time).Format(time.RFC3339Nano), ""
	}
	return fmt.Sprint(dst.Interface()), ""
}

// CheckText returns what is wrong with text for PostgreSQL, or "".
func CheckText(text string) (reason string) {
	switch {
	case !utf8.ValidString(text):
		return "must be valid UTF-8"
	case strings.ContainsRune(text, 0):
		return "must not contain a NUL character"
	}
	return ""
}
