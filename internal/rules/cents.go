package rules

import (
	"errors"
	"math"
	"strconv"
)

// Cents is an amount of money or the limit of a rule, in hundredths.
type Cents int64

const maxIntDigits = 10 // digits before the decimal point

var errCents = errors.New(`must be a decimal string such as "12.50": ` +
	`at most ten digits before the point and two after it, no sign, no exponent`)

// ParseCents parses a plain decimal: ^0*[0-9]{1,10}(\.[0-9]{1,2})?$. It never rounds: it rejects more than two
// decimals.
func ParseCents(text string) (Cents, bool) {
	for len(text) > 1 && text[0] == '0' && isDigit(text[1]) {
		text = text[1:]
	}
	var units Cents
	i := 0
	for ; i < len(text) && isDigit(text[i]); i++ {
		if i == maxIntDigits {
			return 0, false
		}
		units = units*10 + Cents(text[i]-'0')
	}
	if i == 0 {
		return 0, false
	}
	switch rest := text[i:]; {
	case rest == "":
		return units * 100, true
	case len(rest) == 2 && rest[0] == '.' && isDigit(rest[1]):
		return units*100 + Cents(rest[1]-'0')*10, true
	case len(rest) == 3 && rest[0] == '.' && isDigit(rest[1]) && isDigit(rest[2]):
		return units*100 + Cents(rest[1]-'0')*10 + Cents(rest[2]-'0'), true
	}
	return 0, false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// String returns the amount with exactly two decimals, such as "12.50".
func (c Cents) String() string { return string(c.Append(nil)) }

// Append appends the text of String to dst.
func (c Cents) Append(dst []byte) []byte {
	abs := uint64(c)
	if c < 0 {
		dst, abs = append(dst, '-'), -abs
	}
	dst = strconv.AppendUint(dst, abs/100, 10)
	return append(dst, '.', byte('0'+abs/10%10), byte('0'+abs%10))
}

// MarshalJSON returns a JSON string with two decimals. Many clients parse JSON numbers as floats, which are not exact.
func (c Cents) MarshalJSON() ([]byte, error) {
	return append(c.Append([]byte{'"'}), '"'), nil
}

// UnmarshalJSON parses a JSON string with the syntax of ParseCents.
func (c *Cents) UnmarshalJSON(text []byte) error {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return errCents
	}
	cents, ok := ParseCents(string(text[1 : len(text)-1]))
	if !ok {
		return errCents
	}
	*c = cents
	return nil
}

// saturatingAdd returns a + b for non-negative numbers, or the largest int64 if the sum overflows.
func saturatingAdd[N ~int64](a, b N) N {
	if sum := a + b; sum >= 0 {
		return sum
	}
	return math.MaxInt64
}
