package api

import (
	"fmt"
	"net"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// This file turns one value of a request, text or JSON, into one field of a query's parameters: exactly, or not at all.

var (
	integer  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	uuidType = reflect.TypeFor[uuid.UUID]()
)

// checks are the rules of single fields, by name. The database has them too, as constraints, and has the last word;
// here they let one answer tell everything that is wrong.
var checks = map[string]func(text string) (fault string){
	"name": notBlank,
	"mac":  hardwareAddress,
}

func notBlank(text string) string {
	if strings.TrimSpace(text) == "" {
		return "must not be blank"
	}
	return ""
}

// hardwareAddress accepts what PostgreSQL's macaddr accepts: six bytes in any of its seven notations.
func hardwareAddress(text string) string {
	digits := strings.NewReplacer(":", "", "-", "", ".", "").Replace(text)
	if len(digits) == 12 && macaddr.MatchString(text) {
		if _, err := net.ParseMAC(fmt.Sprintf("%s.%s.%s", digits[:4], digits[4:8], digits[8:])); err == nil {
			return ""
		}
	}
	return "must be a hardware address like 08:00:2b:01:02:03"
}

var macaddr = regexp.MustCompile(`(?i)^([0-9a-f]{2}(:[0-9a-f]{2}){5}|[0-9a-f]{2}(-[0-9a-f]{2}){5}|[0-9a-f]{6}[:-][0-9a-f]{6}|[0-9a-f]{4}([.-][0-9a-f]{4}){2}|[0-9a-f]{12})$`)

// numbersAsText are the text fields that also take a JSON number and keep its digits: people write postcodes without quotes.
var numbersAsText = map[string]bool{"postcode_or_zip": true}

// set stores a value given as text (from a path, a query string or a CSV cell) in dst, which is a bool, int64, string, uuid.UUID
// or a pointer to one. It returns what is wrong with the text, or "".
func set(dst reflect.Value, name, text string) (fault string) {
	if dst.Kind() == reflect.Pointer {
		fresh := reflect.New(dst.Type().Elem())
		if fault = set(fresh.Elem(), name, text); fault == "" {
			dst.Set(fresh)
		}
		return fault
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
		if check := checks[name]; check != nil {
			fault = check(text)
		}
		dst.SetString(text)
	case dst.Kind() == reflect.Int64:
		if !integer.MatchString(text) {
			return "must be a whole number"
		}
		n, err := strconv.ParseInt(text, 10, 64)
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
		panic(fmt.Sprintf("api: no way to read %s into a %s", name, dst.Type()))
	}
	return fault
}

// setJSON is set for a JSON value. null goes where a pointer is.
func setJSON(dst reflect.Value, name string, value jsontext.Value) (fault string) {
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
	case target.Kind() == reflect.Int64 && kind == '0', target.Kind() == reflect.Bool && (kind == 't' || kind == 'f'):
		return set(dst, name, string(value))
	case target.Kind() == reflect.String && kind == '0' && numbersAsText[name]:
		return set(dst, name, string(value))
	case (target.Kind() == reflect.String || target == uuidType) && kind == '"':
		text, err := jsontext.AppendUnquote(nil, value)
		if err != nil {
			return "must be valid UTF-8"
		}
		return set(dst, name, string(text))
	}
	return "must be " + wanted(target) + ", not " + given(kind)
}

func wanted(t reflect.Type) string {
	switch {
	case t == uuidType:
		return "a UUID in quotes"
	case t.Kind() == reflect.Int64:
		return "a whole number"
	case t.Kind() == reflect.Bool:
		return "true or false"
	default:
		return "text"
	}
}

func given(kind jsontext.Kind) string {
	switch kind {
	case '"':
		return "text in quotes"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "an array"
	default:
		return "true or false"
	}
}
