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
	dst = appendNumber(dst, `{"count":`, s.count)
	dst = appendNumber(dst, `,"latest":`, s.latest)
	dst = appendNumber(dst, `,"horizon":`, s.horizon)
	dst = append(append(append(dst, `,"last":"`...), s.last.String()...), '"')
	dst = appendNumber(dst, `,"run":`, s.run)
	open := `,"rises":[[`
	for _, r := range s.rises {
		dst = appendNumber(dst, open, r.length)
		dst = appendNumber(dst, ",", int64(r.last))
		open = "],["
	}
	dst = append(dst, `]],"seconds":[`...)
	open = "["
	for _, now := range s.live() {
		dst = appendNumber(dst, open, now.at)
		for t := range now.count {
			dst = appendNumber(dst, ",", now.count[t])
			dst = appendNumber(dst, ",", int64(now.cents[t]))
		}
		dst = append(dst, ']')
		open = ",["
	}
	return append(dst, "]}"...)
}

func appendNumber(dst []byte, before string, n int64) []byte {
	return strconv.AppendInt(append(dst, before...), n, 10)
}

// ParseState reads what Append wrote, also after PostgreSQL's jsonb has spaced and reordered it. It refuses everything else;
// empty input and {} are the zero state.
func ParseState(text []byte) (State, error) {
	if len(text) == 0 {
		return State{}, nil
	}
	var s State
	in := reader{text: text}
	in.want('{')
	if in.next('}') {
		return s, in.end()
	}
	seen := 0
	for more := true; more && !in.bad; more = in.next(',') {
		name := in.word()
		in.want(':')
		field := 0
		switch string(name) {
		case "count":
			field, s.count = 1, in.number()
		case "latest":
			field, s.latest = 2, in.number()
		case "horizon":
			field, s.horizon = 4, in.number()
		case "last":
			field, s.last = 8, in.kind()
		case "run":
			field, s.run = 16, in.number()
		case "rises":
			field, s.rises = 32, in.rises()
		case "seconds":
			field, s.seconds = 64, in.seconds()
		}
		in.bad = in.bad || field == 0 || seen&field != 0
		seen |= field
	}
	in.want('}')
	if err := in.end(); err != nil {
		return State{}, err
	}
	if seen != 127 || !s.valid() {
		return State{}, fmt.Errorf("rules: the state %.100q contradicts itself", text)
	}
	return s, nil
}

// valid tells whether a sequence of steps can lead to the state, as far as that is cheap to tell.
func (s *State) valid() bool {
	if s.latest > maxTime || s.horizon > MaxWindow || s.run < 1 || s.run > s.count ||
		s.rises[s.last].length < 1 || s.rises[anyType].length < 1 {
		return false
	}
	for _, r := range s.rises {
		if r.length > s.count || r.length == 0 != (r.last == 0) {
			return false
		}
	}
	before := max(s.latest-MaxWindow, 0) - 1
	for _, now := range s.live() {
		if now.at <= before || now.at > s.latest || now.count == [2]int64{} {
			return false
		}
		for t := range now.count {
			if now.cents[t] < Cents(now.count[t]) || now.count[t] == 0 && now.cents[t] != 0 {
				return false
			}
		}
		before = now.at
	}
	return true
}

// A reader reads the JSON of a state from left to right. After a fault it is bad, and what it returns is of no use.
type reader struct {
	text []byte
	at   int
	bad  bool
}

func (in *reader) space() {
	for in.at < len(in.text) && (in.text[in.at] == ' ' || in.text[in.at] == '\t' || in.text[in.at] == '\n' || in.text[in.at] == '\r') {
		in.at++
	}
}

// next tells whether the next character but space is c, and if so goes past it.
func (in *reader) next(c byte) bool {
	in.space()
	if in.at == len(in.text) || in.text[in.at] != c {
		return false
	}
	in.at++
	return true
}

func (in *reader) want(c byte) {
	if !in.bad && !in.next(c) {
		in.bad = true
	}
}

func (in *reader) end() error {
	if in.space(); in.bad || in.at != len(in.text) {
		return fmt.Errorf("rules: %.100q is no state: stuck at byte %d", in.text, in.at)
	}
	return nil
}

// number reads a whole number that is not negative.
func (in *reader) number() (n int64) {
	in.space()
	start := in.at
	for ; in.at < len(in.text) && isDigit(in.text[in.at]); in.at++ {
		digit := int64(in.text[in.at] - '0')
		if n > (math.MaxInt64-digit)/10 || in.at > start && n == 0 {
			in.bad = true
			return 0
		}
		n = n*10 + digit
	}
	in.bad = in.bad || in.at == start
	return n
}

// word reads text in quotes that has no escapes.
func (in *reader) word() []byte {
	in.want('"')
	start := in.at
	for in.at < len(in.text) && in.text[in.at] != '"' {
		in.at++
	}
	word := in.text[start:in.at]
	in.want('"')
	return word
}

func (in *reader) kind() Type {
	switch string(in.word()) {
	case Deposit.String():
		return Deposit
	case Withdraw.String():
		return Withdraw
	}
	in.bad = true
	return 0
}

func (in *reader) rises() (rises [3]rise) {
	before := byte('[')
	for i := range rises {
		in.want(before)
		in.want('[')
		rises[i].length = in.number()
		in.want(',')
		rises[i].last = Cents(in.number())
		in.want(']')
		before = ','
	}
	in.want(']')
	return rises
}

func (in *reader) seconds() []second {
	in.want('[')
	if in.next(']') {
		return nil
	}
	var list []second
	for more := true; more && !in.bad; more = in.next(',') {
		var now second
		in.want('[')
		now.at = in.number()
		for t := range now.count {
			in.want(',')
			now.count[t] = in.number()
			in.want(',')
			now.cents[t] = Cents(in.number())
		}
		in.want(']')
		list = append(list, now)
	}
	in.want(']')
	return list
}
