package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// The functions of this file convert one value of a request, text or JSON, to one field of a query's parameters.

var (
	integerRE = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
	uuidType  = reflect.TypeFor[uuid.UUID]()
)

// parseInto parses text from a path, a query string or a CSV cell into dst: a bool, int64, int32, string, uuid.UUID or
// a pointer to one. It returns what is wrong with the text, or "".
func parseInto(dst reflect.Value, rule, text string) (reason string) {
	if dst.Kind() == reflect.Pointer {
		elem := reflect.New(dst.Type().Elem())
		if reason = parseInto(elem.Elem(), rule, text); reason == "" {
			dst.Set(elem)
		}
		return reason
	}
	if !utf8.ValidString(text) {
		return "must be valid UTF-8"
	}
	if strings.ContainsRune(text, 0) {
		return "must not contain a NUL character"
	}
	switch {
	case dst.Type() == uuidType:
		id, err := uuid.Parse(text)
		if err != nil || len(text) != 36 {
			return "must be a UUID like 123e4567-e89b-12d3-a456-426614174000"
		}
		dst.Set(reflect.ValueOf(id))
	case dst.Kind() == reflect.String:
		if lowercased[rule] {
			text = lowerASCII(text)
		}
		if check := textValidators[rule]; check != nil {
			reason = check(text)
		}
		dst.SetString(text)
	case isInteger(dst.Type()):
		if !integerRE.MatchString(text) {
			return "must be an integer"
		}
		n, err := strconv.ParseInt(text, 10, dst.Type().Bits())
		if r, ok := intRanges[rule]; ok && (err != nil || n < r.min || n > r.max) {
			return fmt.Sprintf("must be from %d to %d", r.min, r.max)
		}
		if err != nil {
			return "is out of range"
		}
		dst.SetInt(n)
	case dst.Kind() == reflect.Bool:
		if text != "true" && text != "false" {
			return "must be true or false"
		}
		dst.SetBool(text == "true")
	default:
		panic(fmt.Sprintf("api: no way to read %s into a %s", rule, dst.Type()))
	}
	return reason
}

// decodeInto is parseInto for a JSON value. A pointer accepts null.
func decodeInto(dst reflect.Value, rule string, value jsontext.Value) (reason string) {
	target := dst.Type()
	if target.Kind() == reflect.Pointer {
		target = target.Elem()
	}
	kind := value.Kind()
	if kind == 'n' {
		if dst.Kind() != reflect.Pointer {
			return "must not be null"
		}
		dst.SetZero()
		return ""
	}
	switch {
	case target == reflect.TypeFor[json.RawMessage](): // dst is always a pointer to it
		raw := json.RawMessage(slices.Clone(value))
		dst.Set(reflect.ValueOf(&raw))
		return ""
	case isInteger(target) && kind == '0', target.Kind() == reflect.Bool && (kind == 't' || kind == 'f'):
		return parseInto(dst, rule, string(value))
	case target.Kind() == reflect.String && kind == '0' && acceptsNumber[rule]:
		return parseInto(dst, rule, string(value))
	case (target.Kind() == reflect.String || target == uuidType) && kind == '"':
		text, err := jsontext.AppendUnquote(nil, value)
		if err != nil {
			return "must be valid UTF-8"
		}
		return parseInto(dst, rule, string(text))
	}
	return "must be " + jsonTypeName(target) + ", got " + jsonKindName(kind)
}

func isUUID(t reflect.Type) bool { return t == uuidType || t == reflect.PointerTo(uuidType) }

func isInteger(t reflect.Type) bool { return t.Kind() == reflect.Int64 || t.Kind() == reflect.Int32 }

func jsonTypeName(t reflect.Type) string {
	switch {
	case t == uuidType:
		return "a UUID string"
	case isInteger(t):
		return "an integer"
	case t.Kind() == reflect.Bool:
		return "true or false"
	default:
		return "a string"
	}
}

func jsonKindName(kind jsontext.Kind) string {
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
