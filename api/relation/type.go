package relation

import (
	"encoding/json"
	"reflect"
	"regexp"
	"time"

	"github.com/google/uuid"

	"labledger/api/bind"
	"labledger/internal/sqltype"
)

// A Type is the type of a column. It decides which operators a filter may have.
type Type int

// The types of columns.
const (
	Text Type = iota
	Integer
	Decimal
	Date
	Time
	Boolean
	UUID
	MAC
	Set  // an array of integers
	JSON // neither filtered nor sorted
)

var types = map[reflect.Type]Type{
	reflect.TypeFor[string]():          Text,
	reflect.TypeFor[int64]():           Integer,
	reflect.TypeFor[int32]():           Integer,
	reflect.TypeFor[sqltype.Decimal](): Decimal,
	reflect.TypeFor[sqltype.Date]():    Date,
	reflect.TypeFor[time.Time]():       Time,
	reflect.TypeFor[bool]():            Boolean,
	reflect.TypeFor[uuid.UUID]():       UUID,
	reflect.TypeFor[sqltype.MAC]():     MAC,
	reflect.TypeFor[[]int32]():         Set,
	reflect.TypeFor[json.RawMessage](): JSON,
}

func typeOf(t reflect.Type) (Type, bool) {
	found, ok := types[t]
	return found, ok
}

// IsSortable reports whether rows can be sorted by the column.
func (c *Column) IsSortable() bool { return c.Type != Set && c.Type != JSON && !c.computed }

var decimalRE = regexp.MustCompile(`^-?[0-9]{1,20}(\.[0-9]{1,10})?$`)

// parse returns a value of the column as PostgreSQL accepts it, or what is wrong with the text. exact also applies the
// rules of the values that the column can have.
func (c *Column) parse(text string, exact bool) (value, reason string) {
	switch c.Type {
	case Text:
		if exact {
			return bind.ParseText(c.goType, c.rule, text)
		}
		return text, bind.CheckText(text)
	case Decimal:
		if !decimalRE.MatchString(text) {
			return "", "must be a number like 12.50"
		}
		return text, ""
	case Date:
		if _, err := time.Parse(time.DateOnly, text); err != nil || text < "0001" {
			return "", "must be a date like 2026-11-30"
		}
		return text, ""
	case Time:
		t, reason := parseTime(text)
		return t.Format(time.RFC3339Nano), reason
	case Set:
		return bind.ParseText(reflect.TypeFor[int32](), bind.Rule{}, text)
	default:
		rule := c.rule
		if !exact {
			rule.Min, rule.Max = 0, 0
		}
		return bind.ParseText(c.goType, rule, text)
	}
}

// parseTime parses a time or a date, which is the beginning of the day in UTC.
func parseTime(text string) (t time.Time, reason string) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil && t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 {
			return t.UTC(), ""
		}
	}
	return time.Time{}, "must be a time like 2026-11-30T08:00:00Z, or a date"
}

// parseCursor returns a value of a cursor, which has the text format of PostgreSQL, as parse does.
func (c *Column) parseCursor(text string) (value, reason string) {
	switch c.Type {
	case Boolean:
		if text == "t" || text == "f" {
			return text, ""
		}
	case Time:
		if t, err := time.Parse("2006-01-02 15:04:05.999999999-07", text); err == nil {
			text = t.UTC().Format(time.RFC3339Nano)
		}
	}
	return c.parse(text, false)
}
