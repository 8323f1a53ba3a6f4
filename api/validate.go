package api

import (
	"fmt"
	"net"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"labledger/db"
	"labledger/internal/rules"
)

// The validators check single values. The database has the same rules as constraints; the validators let one response
// report every error.

// textValidators holds the validators of strings by rule, which is the name of the field (see ruleName).
var textValidators = map[string]func(text string) (reason string){
	"name":        validateNotBlank,
	"mac":         validateMAC,
	"username":    validateNotBlank,
	"title":       validateNotBlank,
	"risk":        oneOf("low", "medium", "high"),
	"role":        oneOf("viewer", "operator", "admin"),
	eventTypeRule: oneOf("deposit", "withdraw"),
	"applies_to":  oneOf("deposit", "withdraw", "any"),
	"state":       oneOf("open", "acknowledged", "closed"),
	"disposition": oneOf("confirmed", "false_positive"),
	"status":      validateNotBlank,
	"due_on":      validateDate,
	"due_before":  validateDate,
	"amount":      validateAmount,
	"limit":       validateLimit,
	"q":           validateSearch,
	"only":        oneOf("site", "freezer", "computer", "container", "event", "alert", "rule", "todo", "user"),
}

// intRanges holds the bounds of integers by rule. JSON numbers are exact up to 2^53 - 1.
var intRanges = map[string]struct{ min, max int64 }{
	"user_id":        {0, 1<<53 - 1},
	"time":           {0, 1<<53 - 1},
	"from":           {0, 1<<53 - 1},
	"to":             {0, 1<<53 - 1},
	"window_seconds": {0, rules.MaxWindow},
	"differences":    {1, 100_000},
	"days":           {1, 365},
}

// lowercased lists the rules whose values are converted to lower case.
var lowercased = map[string]bool{eventTypeRule: true}

// eventTypeRule is the rule of the field "type" of events. The column "type" of other tables has other values.
const eventTypeRule = "event type"

// eventParams lists the parameter structs whose field "type" is an event type.
var eventParams = map[reflect.Type]bool{
	reflect.TypeFor[NewEvent]():                true,
	reflect.TypeFor[db.ListEventsParams]():     true,
	reflect.TypeFor[db.ListEventsDescParams](): true,
}

// ruleName returns the key of the validation tables for a field of a parameter struct.
func ruleName(params reflect.Type, name string) string {
	if name == "type" && eventParams[params] {
		return eventTypeRule
	}
	return name
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

// oneOf returns a validator that accepts only the given words.
func oneOf(words ...string) func(string) string {
	return func(text string) string {
		if slices.Contains(words, text) {
			return ""
		}
		return "must be " + joinOr(words)
	}
}

func validateDate(text string) string {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return "must be a date like 2026-11-30"
	}
	return ""
}

func validateAmount(text string) string {
	if cents, ok := rules.ParseCents(text); !ok || cents == 0 {
		return "must be more than 0 and less than 10000000000, with at most two decimals, like 12.50"
	}
	return ""
}

func validateLimit(text string) string {
	if _, ok := rules.ParseCents(text); !ok {
		return "must be from 0 to 9999999999.99, with at most two decimals, like 12.50"
	}
	return ""
}

func validateNotBlank(text string) string {
	if strings.TrimSpace(text) == "" {
		return "must not be blank"
	}
	return ""
}

func validateSearch(text string) string {
	if n := utf8.RuneCountInString(text); n < 1 || n > 200 {
		return "must have from 1 to 200 characters"
	}
	return ""
}

// validateMAC accepts what PostgreSQL's type macaddr accepts: six bytes in any of its seven notations.
func validateMAC(text string) string {
	digits := strings.NewReplacer(":", "", "-", "", ".", "").Replace(text)
	if len(digits) == 12 && macRE.MatchString(text) {
		if _, err := net.ParseMAC(fmt.Sprintf("%s.%s.%s", digits[:4], digits[4:8], digits[8:])); err == nil {
			return ""
		}
	}
	return "must be a MAC address like 08:00:2b:01:02:03"
}

var macRE = regexp.MustCompile(`(?i)^(` +
	`[0-9a-f]{2}(:[0-9a-f]{2}){5}|[0-9a-f]{2}(-[0-9a-f]{2}){5}|` +
	`[0-9a-f]{6}[:-][0-9a-f]{6}|[0-9a-f]{4}([.-][0-9a-f]{4}){2}|[0-9a-f]{12})$`)

// acceptsNumber lists the string fields that also accept a JSON number and keep its digits: clients often send
// postcodes and amounts without quotes.
var acceptsNumber = map[string]bool{"postcode_or_zip": true, "amount": true, "limit": true}
