package rules

import (
	"errors"
	"math"
	"strconv"
)

// Cents is an amount of money, or the limit of a rule, in hundredths.
type Cents int64

const maxIntDigits = 10 // digits before the point: twelve with the two after it

var errCents = errors.New(`must be text like "12.50": at most ten digits before the point and two after it, no sign, no exponent`)

// ParseCents reads a plain decimal: ^(0|[1-9][0-9]{0,9})(\.[0-9]{1,2})?$. It is exact: what is not in hundredths is refused, never rounded.
func ParseCents(text string) (Cents, bool) {
	var whole Cents
	i := 0
	for ; i < len(text) && isDigit(text[i]); i++ {
		if i == maxIntDigits || i == 1 && text[0] == '0' {
			return 0, false
		}
		whole = whole*10 + Cents(text[i]-'0')
	}
	if i == 0 {
		return 0, false
	}
	switch rest := text[i:]; {
	case rest == "":
		return whole * 100, true
	case len(rest) == 2 && rest[0] == '.' && isDigit(rest[1]):
		return whole*100 + Cents(rest[1]-'0')*10, true
	case len(rest) == 3 && rest[0] == '.' && isDigit(rest[1]) && isDigit(rest[2]):
		return whole*100 + Cents(rest[1]-'0')*10 + Cents(rest[2]-'0'), true
	}
	return 0, false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// String is the amount with two decimals, always: "12.50".
func (c Cents) String() string { return string(c.Append(nil)) }

// Append appends what String returns to dst.
func (c Cents) Append(dst []byte) []byte {
	size := uint64(c)
	if c < 0 {
		dst, size = append(dst, '-'), -size
	}
	dst = strconv.AppendUint(dst, size/100, 10)
	return append(dst, '.', byte('0'+size/10%10), byte('0'+size%10))
}

// MarshalJSON gives a string with two decimals, since a JSON number is a float to many who read it.
func (c Cents) MarshalJSON() ([]byte, error) {
	return append(c.Append([]byte{'"'}), '"'), nil
}

// UnmarshalJSON takes what ParseCents takes, in quotes.
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

// saturatingAdd is a + b for numbers that are not negative. It stays at the largest number where the sum would be beyond it.
func saturatingAdd[N ~int64](a, b N) N {
	if sum := a + b; sum >= 0 {
		return sum
	}
	return math.MaxInt64
}
