package api

import (
	"labledger/internal/ledger"
	"labledger/internal/rules"
)

// This file reads the lines of a batch of events quickly, as long as they are written plainly.

// plainEvent reads an event whose four fields stand there once each, without escapes, and with nothing wrong. Of every other text, good or
// bad, it says false: the binder reads those, and knows what to say.
func plainEvent(text []byte) (e ledger.UserEvent, ok bool) {
	const typeField, amountField, userField, timeField, all = 1, 2, 4, 8, 15
	in := line{text: text}
	in.want('{')
	seen := 0
	for seen != all && !in.odd {
		if seen != 0 {
			in.want(',')
		}
		name := in.word()
		in.want(':')
		field, fine := 0, true
		switch string(name) {
		case "type":
			field = typeField
			e.Type, fine = rules.ParseType(string(in.word()))
		case "amount":
			field = amountField
			e.Amount, fine = rules.ParseCents(string(in.amount()))
			fine = fine && e.Amount > 0
		case "user_id":
			field, e.UserID = userField, in.number()
		case "time":
			field, e.Time = timeField, in.number()
		}
		in.odd = in.odd || !fine || field == 0 || seen&field != 0
		seen |= field
	}
	in.want('}')
	in.space()
	return e, !in.odd && in.at == len(in.text)
}

// A line is read from left to right. It is odd from where it is no longer written plainly, and what it returns then is of no use.
type line struct {
	text []byte
	at   int
	odd  bool
}

func (in *line) space() {
	for in.at < len(in.text) && (in.text[in.at] == ' ' || in.text[in.at] == '\t' || in.text[in.at] == '\r' || in.text[in.at] == '\n') {
		in.at++
	}
}

func (in *line) want(c byte) {
	in.space()
	if in.odd || in.at == len(in.text) || in.text[in.at] != c {
		in.odd = true
		return
	}
	in.at++
}

// while returns what stands there as long as its bytes are taken.
func (in *line) while(takes func(c byte) bool) []byte {
	start := in.at
	for in.at < len(in.text) && takes(in.text[in.at]) {
		in.at++
	}
	return in.text[start:in.at]
}

// word reads letters in quotes.
func (in *line) word() []byte {
	in.want('"')
	word := in.while(func(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' })
	in.mustEnd('"')
	return word
}

// amount reads digits and points, in quotes or without.
func (in *line) amount() []byte {
	in.space()
	quoted := in.at < len(in.text) && in.text[in.at] == '"'
	if quoted {
		in.at++
	}
	digits := in.while(func(c byte) bool { return '0' <= c && c <= '9' || c == '.' })
	if quoted {
		in.mustEnd('"')
	}
	return digits
}

// mustEnd is want without space before it.
func (in *line) mustEnd(c byte) {
	if in.at == len(in.text) || in.text[in.at] != c {
		in.odd = true
		return
	}
	in.at++
}

// number reads a whole number from 0 to 2^53 - 1.
func (in *line) number() (n int64) {
	in.space()
	digits := in.while(func(c byte) bool { return '0' <= c && c <= '9' })
	if len(digits) == 0 || len(digits) > 16 || len(digits) > 1 && digits[0] == '0' {
		in.odd = true
		return 0
	}
	for _, c := range digits {
		n = n*10 + int64(c-'0')
	}
	in.odd = in.odd || n > 1<<53-1
	return n
}
