package api

import (
	"labledger/internal/ledger"
	"labledger/internal/rules"
)

// This file is a fast path for the lines of an event batch. It avoids the reflection of the binder.

// parsePlainEvent parses a valid event that has each of its four fields once and no escapes. It returns false for any
// other text, valid or not; the binder then parses the text and reports its errors.
func parsePlainEvent(text []byte) (e ledger.UserEvent, ok bool) {
	const typeField, amountField, userField, timeField, all = 1, 2, 4, 8, 15
	s := eventScanner{text: text}
	s.expect('{')
	fields := 0
	for fields != all && !s.failed {
		if fields != 0 {
			s.expect(',')
		}
		name := s.ident()
		s.expect(':')
		field, valid := 0, true
		switch string(name) {
		case "type":
			field = typeField
			e.Type, valid = rules.ParseType(string(s.ident()))
		case "amount":
			field = amountField
			e.Amount, valid = rules.ParseCents(string(s.amount()))
			valid = valid && e.Amount > 0
		case "user_id":
			field, e.UserID = userField, s.number()
		case "time":
			field, e.Time = timeField, s.number()
		}
		s.failed = s.failed || !valid || field == 0 || fields&field != 0
		fields |= field
	}
	s.expect('}')
	s.skipSpace()
	return e, !s.failed && s.pos == len(s.text)
}

// An eventScanner scans text from left to right. Once failed is set, its results are meaningless.
type eventScanner struct {
	text   []byte
	pos    int
	failed bool
}

func (s *eventScanner) skipSpace() {
	for s.pos < len(s.text) && isJSONSpace(s.text[s.pos]) {
		s.pos++
	}
}

func isJSONSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// expect skips space and consumes c.
func (s *eventScanner) expect(c byte) {
	s.skipSpace()
	if s.failed || s.pos == len(s.text) || s.text[s.pos] != c {
		s.failed = true
		return
	}
	s.pos++
}

// takeWhile consumes and returns the bytes that accept accepts.
func (s *eventScanner) takeWhile(accept func(c byte) bool) []byte {
	start := s.pos
	for s.pos < len(s.text) && accept(s.text[s.pos]) {
		s.pos++
	}
	return s.text[start:s.pos]
}

// ident consumes a JSON string of letters and underscores.
func (s *eventScanner) ident() []byte {
	s.expect('"')
	letters := s.takeWhile(func(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' })
	s.expectByte('"')
	return letters
}

// amount consumes digits and decimal points, quoted or not.
func (s *eventScanner) amount() []byte {
	s.skipSpace()
	quoted := s.pos < len(s.text) && s.text[s.pos] == '"'
	if quoted {
		s.pos++
	}
	digits := s.takeWhile(func(c byte) bool { return '0' <= c && c <= '9' || c == '.' })
	if quoted {
		s.expectByte('"')
	} else if len(digits) > 1 && digits[0] == '0' && digits[1] != '.' {
		s.failed = true // JSON numbers have no leading zeros
	}
	return digits
}

// expectByte consumes c without skipping space.
func (s *eventScanner) expectByte(c byte) {
	if s.pos == len(s.text) || s.text[s.pos] != c {
		s.failed = true
		return
	}
	s.pos++
}

// number consumes an integer from 0 to maxInteger.
func (s *eventScanner) number() (n int64) {
	s.skipSpace()
	digits := s.takeWhile(func(c byte) bool { return '0' <= c && c <= '9' })
	if len(digits) == 0 || len(digits) > 16 || len(digits) > 1 && digits[0] == '0' {
		s.failed = true
		return 0
	}
	for _, c := range digits {
		n = n*10 + int64(c-'0')
	}
	s.failed = s.failed || n > maxInteger
	return n
}
