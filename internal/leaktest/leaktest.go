// Package leaktest counts goroutines that a test expects to have ended. It identifies them by function values instead
// of strings, so a check survives renames and moves. It must not depend on other packages of the program.
package leaktest

import (
	"reflect"
	"runtime"
	"strings"
)

// InFunc returns the number of goroutines that have f on their stack. f is a function or a method expression such as
// (*T).run.
func InFunc(f any) int { return count(name(f) + "(") }

// InType returns the number of goroutines that have any method of a type on their stack, including closures, or that
// such a method started. method is any method expression of that type.
func InType(method any) int {
	full := name(method)
	return count(full[:strings.LastIndexByte(full, '.')+1])
}

// name returns the name of f as stack traces print it, for example "labledger/internal/ledger.(*Ledger).run".
func name(f any) string { return runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name() }

// count returns the number of goroutines whose stack trace contains text. Text is literal and includes the parentheses
// and dots of a name.
func count(text string) int {
	stacks := make([]byte, 1<<16)
	for {
		n := runtime.Stack(stacks, true)
		if n < len(stacks) {
			stacks = stacks[:n]
			break
		}
		stacks = make([]byte, 2*len(stacks))
	}
	n := 0
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, text) {
			n++
		}
	}
	return n
}
