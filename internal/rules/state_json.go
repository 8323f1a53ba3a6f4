package rules

import (
	"fmt"
	"math"
	"strconv"
)

// This file writes a state as JSON and reads it again. Both are by hand, since intake does so once for every user and pass:
//
//	{"count":3,"latest":17,"horizon":60,"last":"deposit","run":2,"rises":[[2,1250],[1,500],[2,1250]],"seconds":[[17,2,2000,1,500]]}
//
// rises are [length, last amount] of deposits, withdrawals and any; seconds are [time, deposits, their cents, withdrawals, their cents].

const maxTime = 1<<53 - 1

// Append appends the state to dst as compact JSON.
func (s *State) Append(dst []byte) []byte {
	if s.count == 0 {
		return append(dst, "{}"...)
	}
	dst = appendField(dst, `{"count":`, s.count)
	dst = appendField(dst, `,"latest":`, s.latest)
	dst = appendField(dst, `,"horizon":`, s.horizon)
	dst = append(append(append(dst, `,"last":"`...), s.last.String()...), '"')
	dst = appendField(dst, `,"run":`, s.run)
	open := `,"rises":[[`
	for _, r := range s.increasing {
		dst = appendField(dst, open, r.length)
		dst = appendField(dst, ",", int64(r.last))
		open = "],["
	}
	dst = append(dst, `]],"seconds":[`...)
	open = "["
	for _, now := range s.buckets() {
		dst = appendField(dst, open, now.at)
		for t := range now.counts {
			dst = appendField(dst, ",", now.counts[t])
			dst = appendField(dst, ",", int64(now.sums[t]))
		}
		dst = append(dst, ']')
		open = ",["
	}
	return append(dst, "]}"...)
}

func appendField(dst []byte, before string, n int64) []byte {
	return strconv.AppendInt(append(dst, before...), n, 10)
}

// ParseState reads what Append wrote, also after PostgreSQL's jsonb has spaced and reordered it. It refuses everything else;
// empty input and {} are the zero state.
func ParseState(text []byte) (State, error) {
	if len(text) == 0 {
		return State{}, nil
	}
	var s State
	in := stateScanner{text: text}
	in.expect('{')
	if in.accept('}') {
		return s, in.finish()
	}
	seen := 0
	for more := true; more && !in.failed; more = in.accept(',') {
		name := in.ident()
		in.expect(':')
		field := 0
		switch string(name) {
		case "count":
			field, s.count = 1, in.number()
		case "latest":
			field, s.latest = 2, in.number()
		case "horizon":
			field, s.horizon = 4, in.number()
		case "last":
			field, s.last = 8, in.eventType()
		case "run":
			field, s.run = 16, in.number()
		case "rises":
			field, s.increasing = 32, in.increasing()
		case "seconds":
			field, s.window = 64, in.buckets()
		}
		in.failed = in.failed || field == 0 || seen&field != 0
		seen |= field
	}
	in.expect('}')
	if err := in.finish(); err != nil {
		return State{}, err
	}
	if seen != 127 || !s.consistent() {
		return State{}, fmt.Errorf("rules: the state %.100q contradicts itself", text)
	}
	return s, nil
}

// consistent tells whether a sequence of steps can lead to the state, as far as that is cheap to tell.
func (s *State) consistent() bool {
	if s.latest > maxTime || s.horizon > MaxWindow || s.run < 1 || s.run > s.count ||
		s.increasing[s.last].length < 1 || s.increasing[anyEvent].length < 1 {
		return false
	}
	for _, r := range s.increasing {
		if r.length > s.count || r.length == 0 != (r.last == 0) {
			return false
		}
	}
	before := max(s.latest-MaxWindow, 0) - 1
	for _, now := range s.buckets() {
		if now.at <= before || now.at > s.latest || now.counts == [2]int64{} {
			return false
		}
		for t := range now.counts {
			if now.sums[t] < Cents(now.counts[t]) || now.counts[t] == 0 && now.sums[t] != 0 {
				return false
			}
		}
		before = now.at
	}
	return true
}

// A stateScanner reads the JSON of a state from left to right. After a fault it is bad, and what it returns is of no use.
type stateScanner struct {
	text   []byte
	pos    int
	failed bool
}

func (in *stateScanner) skipSpace() {
	for in.pos < len(in.text) && (in.text[in.pos] == ' ' || in.text[in.pos] == '\t' || in.text[in.pos] == '\n' || in.text[in.pos] == '\r') {
		in.pos++
	}
}

// accept tells whether the next character but space is c, and if so goes past it.
func (in *stateScanner) accept(c byte) bool {
	in.skipSpace()
	if in.pos == len(in.text) || in.text[in.pos] != c {
		return false
	}
	in.pos++
	return true
}

func (in *stateScanner) expect(c byte) {
	if !in.failed && !in.accept(c) {
		in.failed = true
	}
}

func (in *stateScanner) finish() error {
	if in.skipSpace(); in.failed || in.pos != len(in.text) {
		return fmt.Errorf("rules: %.100q is no state: stuck at byte %d", in.text, in.pos)
	}
	return nil
}

// number reads a whole number that is not negative.
func (in *stateScanner) number() (n int64) {
	in.skipSpace()
	start := in.pos
	for ; in.pos < len(in.text) && isDigit(in.text[in.pos]); in.pos++ {
		digit := int64(in.text[in.pos] - '0')
		if n > (math.MaxInt64-digit)/10 || in.pos > start && n == 0 {
			in.failed = true
			return 0
		}
		n = n*10 + digit
	}
	in.failed = in.failed || in.pos == start
	return n
}

// ident reads text in quotes that has no escapes.
func (in *stateScanner) ident() []byte {
	in.expect('"')
	start := in.pos
	for in.pos < len(in.text) && in.text[in.pos] != '"' {
		in.pos++
	}
	word := in.text[start:in.pos]
	in.expect('"')
	return word
}

func (in *stateScanner) eventType() Type {
	switch string(in.ident()) {
	case Deposit.String():
		return Deposit
	case Withdraw.String():
		return Withdraw
	}
	in.failed = true
	return 0
}

func (in *stateScanner) increasing() (rises [3]increasingRun) {
	before := byte('[')
	for i := range rises {
		in.expect(before)
		in.expect('[')
		rises[i].length = in.number()
		in.expect(',')
		rises[i].last = Cents(in.number())
		in.expect(']')
		before = ','
	}
	in.expect(']')
	return rises
}

func (in *stateScanner) buckets() []bucket {
	in.expect('[')
	if in.accept(']') {
		return nil
	}
	var list []bucket
	for more := true; more && !in.failed; more = in.accept(',') {
		var now bucket
		in.expect('[')
		now.at = in.number()
		for t := range now.counts {
			in.expect(',')
			now.counts[t] = in.number()
			in.expect(',')
			now.sums[t] = Cents(in.number())
		}
		in.expect(']')
		list = append(list, now)
	}
	in.expect(']')
	return list
}
