package rules

import (
	"fmt"
	"math"
	"strconv"
)

// This file encodes a State as JSON and parses it. Both are written by hand, because the ledger does both for each user
// of each group commit. The format:
//
//	{"count":3,"latest":17,"horizon":60,"last":"deposit","run":2,
//	 "rises":[[2,1250],[1,500],[2,1250]],"seconds":[[17,2,2000,1,500]]}
//
// "rises" holds [length, last amount] of the increasing runs of deposits, of withdrawals and of all events. "seconds"
// holds the buckets as [time, number of deposits, their cents, number of withdrawals, their cents].

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
	prefix := `,"rises":[[`
	for _, r := range s.increasing {
		dst = appendField(dst, prefix, r.length)
		dst = appendField(dst, ",", int64(r.last))
		prefix = "],["
	}
	dst = append(dst, `]],"seconds":[`...)
	prefix = "["
	for _, b := range s.buckets() {
		dst = appendField(dst, prefix, b.at)
		for t := range b.counts {
			dst = appendField(dst, ",", b.counts[t])
			dst = appendField(dst, ",", int64(b.sums[t]))
		}
		dst = append(dst, ']')
		prefix = ",["
	}
	return append(dst, "]}"...)
}

func appendField(dst []byte, prefix string, n int64) []byte {
	return strconv.AppendInt(append(dst, prefix...), n, 10)
}

// ParseState parses the output of Append, also after PostgreSQL's jsonb has added spaces and reordered the members.
// Empty input and {} are the zero state. ParseState rejects unknown, missing and duplicate members, and values that no
// events can produce.
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
		return State{}, fmt.Errorf("rules: inconsistent state %.100q", text)
	}
	return s, nil
}

// consistent reports whether a sequence of steps can lead to the state. It makes only the checks that are cheap.
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
	previous := max(s.latest-MaxWindow, 0) - 1
	for _, b := range s.buckets() {
		if b.at <= previous || b.at > s.latest || b.counts == [2]int64{} {
			return false
		}
		for t := range b.counts {
			if b.sums[t] < Cents(b.counts[t]) || b.counts[t] == 0 && b.sums[t] != 0 {
				return false
			}
		}
		previous = b.at
	}
	return true
}

// A stateScanner scans the JSON of a state from left to right. After a syntax error failed is set, and the results of
// its methods are meaningless.
type stateScanner struct {
	text   []byte
	pos    int
	failed bool
}

func (in *stateScanner) skipSpace() {
	for ; in.pos < len(in.text); in.pos++ {
		switch in.text[in.pos] {
		case ' ', '\t', '\n', '\r':
		default:
			return
		}
	}
}

// accept skips white space and reports whether the next character is c. If so, it consumes the character.
func (in *stateScanner) accept(c byte) bool {
	in.skipSpace()
	if in.pos == len(in.text) || in.text[in.pos] != c {
		return false
	}
	in.pos++
	return true
}

// expect consumes c and fails if the next character is another one.
func (in *stateScanner) expect(c byte) {
	if !in.failed && !in.accept(c) {
		in.failed = true
	}
}

// finish returns an error if the scanner has failed or input is left.
func (in *stateScanner) finish() error {
	if in.skipSpace(); in.failed || in.pos != len(in.text) {
		return fmt.Errorf("rules: invalid state %.100q: unexpected input at byte %d", in.text, in.pos)
	}
	return nil
}

// number scans a non-negative integer.
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

// ident scans a JSON string without escapes.
func (in *stateScanner) ident() []byte {
	in.expect('"')
	start := in.pos
	for in.pos < len(in.text) && in.text[in.pos] != '"' {
		in.pos++
	}
	ident := in.text[start:in.pos]
	in.expect('"')
	return ident
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

func (in *stateScanner) increasing() (runs [3]increasingRun) {
	separator := byte('[')
	for i := range runs {
		in.expect(separator)
		in.expect('[')
		runs[i].length = in.number()
		in.expect(',')
		runs[i].last = Cents(in.number())
		in.expect(']')
		separator = ','
	}
	in.expect(']')
	return runs
}

func (in *stateScanner) buckets() []bucket {
	in.expect('[')
	if in.accept(']') {
		return nil
	}
	var all []bucket
	for more := true; more && !in.failed; more = in.accept(',') {
		var b bucket
		in.expect('[')
		b.at = in.number()
		for t := range b.counts {
			in.expect(',')
			b.counts[t] = in.number()
			in.expect(',')
			b.sums[t] = Cents(in.number())
		}
		in.expect(']')
		all = append(all, b)
	}
	in.expect(']')
	return all
}
