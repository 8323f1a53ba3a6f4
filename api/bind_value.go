package api

import (
	"encoding/json"
	"fmt"
	"net"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"labledger/internal/rules"
)

// This file turns one value of a request, text or JSON, into one field of a query's parameters: exactly, or not at all.

var (
	integer  = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
	uuidType = reflect.TypeFor[uuid.UUID]()
)

// checks are the rules of single fields, by name. The database has them too, as constraints, and has the last word;
// here they let one answer tell everything that is wrong.
var checks = map[string]func(text string) (fault string){
	"name":        notBlank,
	"mac":         hardwareAddress,
	"username":    notBlank,
	"title":       notBlank,
	"risk":        oneOf("low", "medium", "high"),
	"role":        oneOf("viewer", "operator", "admin"),
	"type":        oneOf("deposit", "withdraw"),
	"applies_to":  oneOf("deposit", "withdraw", "any"),
	"state":       oneOf("open", "acknowledged", "closed"),
	"disposition": oneOf("confirmed", "false_positive"),
	"status":      notBlank,
	"due_on":      day,
	"due_before":  day,
	"amount":      amount,
	"limit":       ruleLimit,
	"q":           searched,
	"only":        oneOf("site", "freezer", "computer", "container", "event", "alert", "rule", "todo", "user"),
}

// ranges are the bounds of whole numbers, by name. Larger ones than 2^53 - 1 would not pass through JSON unharmed.
var ranges = map[string]struct{ least, most int64 }{
	"user_id":        {0, 1<<53 - 1},
	"time":           {0, 1<<53 - 1},
	"from":           {0, 1<<53 - 1},
	"to":             {0, 1<<53 - 1},
	"window_seconds": {0, rules.MaxWindow},
	"differences":    {1, 100_000},
	"days":           {1, 365},
}

// lowered are the fields whose case does not count; they are stored in lower case.
var lowered = map[string]bool{"type": true}

// lowerASCII leaves all letters but A to Z as they are: there are others whose lower case is one of a to z.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, text)
}

func oneOf(words ...string) func(string) string {
	return func(text string) string {
		if slices.Contains(words, text) {
			return ""
		}
		return "must be " + list(words)
	}
}

func day(text string) string {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return "must be a day like 2026-11-30"
	}
	return ""
}

func amount(text string) string {
	if cents, ok := rules.ParseCents(text); !ok || cents == 0 {
		return "must be more than 0 and less than 10000000000, in digits like 12.50 with at most two decimals"
	}
	return ""
}

func ruleLimit(text string) string {
	if _, ok := rules.ParseCents(text); !ok {
		return "must be from 0 to 9999999999.99, in digits like 12.50 with at most two decimals"
	}
	return ""
}

func notBlank(text string) string {
	if strings.TrimSpace(text) == "" {
		return "must not be blank"
	}
	return ""
}

func searched(text string) string {
	if n := utf8.RuneCountInString(text); n < 1 || n > 200 {
		return "must have 1 to 200 characters"
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

// numbersAsText are the text fields that also take a JSON number and keep its digits: people write postcodes and amounts without quotes.
var numbersAsText = map[string]bool{"postcode_or_zip": true, "amount": true, "limit": true}

// set stores a value given as text (from a path, a query string or a CSV cell) in dst, which is a bool, int64, int32, string, uuid.UUID
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
		if lowered[name] {
			text = lowerASCII(text)
		}
		if check := checks[name]; check != nil {
			fault = check(text)
		}
		dst.SetString(text)
	case isInteger(dst.Type()):
		if !integer.MatchString(text) {
			return "must be a whole number"
		}
		n, err := strconv.ParseInt(text, 10, dst.Type().Bits())
		if r, ok := ranges[name]; ok && (err != nil || n < r.least || n > r.most) {
			return fmt.Sprintf("must be from %d to %d", r.least, r.most)
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
	case target == reflect.TypeFor[json.RawMessage](): // there are pointers to it only
		raw := json.RawMessage(slices.Clone(value))
		dst.Set(reflect.ValueOf(&raw))
		return ""
	case isInteger(target) && kind == '0', target.Kind() == reflect.Bool && (kind == 't' || kind == 'f'):
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

func isUUID(t reflect.Type) bool { return t == uuidType || t == reflect.PointerTo(uuidType) }

func isInteger(t reflect.Type) bool { return t.Kind() == reflect.Int64 || t.Kind() == reflect.Int32 }

func wanted(t reflect.Type) string {
	switch {
	case t == uuidType:
		return "a UUID in quotes"
	case isInteger(t):
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
