// Package leaktest finds goroutines that a test expects to have ended. It takes names from functions rather than from strings, so that a check
// survives the renaming or the moving of what it looks for. It must not know any other package of the program.
package leaktest

import (
	"reflect"
	"runtime"
	"strings"
)

// InFunc returns how many goroutines have f on their stack. f is a function or a method expression such as (*T).run.
func InFunc(f any) int { return count(name(f) + "(") }

// InType returns how many goroutines have a method of one type on their stack, closures included. method is any method expression of that type.
func InType(method any) int {
	full := name(method)
	return count(full[:strings.LastIndexByte(full, '.')+1])
}

// name returns the name of f as stack traces print it, such as "labledger/internal/ledger.(*Ledger).run".
func name(f any) string { return runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name() }

// count returns how many goroutines have text on their stack. Parentheses and dots of a name are part of the text.
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
