package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"labledger/internal/auth"
)

// hashNewPassword gets a password for an account, and returns its hash.
func hashNewPassword(ctx context.Context, name string) (hash string, err error) {
	var password string
	if terminal := int(os.Stdin.Fd()); term.IsTerminal(terminal) {
		password, err = promptPassword(ctx, terminal, name)
	} else {
		password, err = readWithContext(ctx, readPasswordLine)
	}
	if err != nil {
		return "", err
	}
	if fault := auth.ValidatePassword(password, name); fault != "" {
		return "", errors.New("nothing was changed: the password " + fault)
	}
	return auth.NewPasswords().Hash(ctx, password)
}

// promptPassword asks for it twice. What is typed is not seen.
func promptPassword(ctx context.Context, terminal int, name string) (string, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(terminal, before) }() // Ctrl-C comes while it is silent
	ask := func(what string) (string, error) {
		fmt.Fprint(os.Stderr, what)
		defer fmt.Fprintln(os.Stderr)
		return readWithContext(ctx, func() (string, error) {
			text, err := term.ReadPassword(terminal)
			return string(text), err
		})
	}
	first, err := ask("Password of " + quoteUnprintable(name) + ": ")
	if err != nil {
		return "", err
	}
	second, err := ask("Once more: ")
	if err == nil && second != first {
		err = errors.New("nothing was changed: the two are not the same")
	}
	return first, err
}

// maxPasswordLine bounds what is read of standard input, in bytes: more than the longest password has.
const maxPasswordLine = 4096

func readPasswordLine() (string, error) {
	line, err := bufio.NewReader(io.LimitReader(os.Stdin, maxPasswordLine)).ReadString('\n')
	if errors.Is(err, io.EOF) && line != "" {
		err = nil // the last line may lack its end
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("nothing was changed: there is no password on standard input, and no terminal to ask on")
	}
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), err
}

// readWithContext waits for what is typed, but not for longer than somebody wants it.
func readWithContext(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := read()
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return "", errors.New("stopped; nothing was changed")
	}
}
