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

// hashNewPassword reads a password for an account from the terminal or from standard input, and returns its hash.
func hashNewPassword(ctx context.Context, name string) (hash string, err error) {
	var password string
	if isTerminal(os.Stdin) {
		password, err = promptPassword(ctx, int(os.Stdin.Fd()), name)
	} else {
		password, err = readWithContext(ctx, readPasswordLine)
	}
	if err != nil {
		return "", err
	}
	if reason := auth.ValidatePassword(password, name); reason != "" {
		return "", errors.New("nothing was changed: the password " + reason)
	}
	return auth.NewPasswords().Hash(ctx, password)
}

// promptPassword prompts for a password twice, without echo.
func promptPassword(ctx context.Context, fd int, name string) (string, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(fd, before) }() // Ctrl-C arrives while echo is off
	prompt := func(text string) (string, error) {
		fmt.Fprint(os.Stderr, text)
		defer fmt.Fprintln(os.Stderr)
		return readWithContext(ctx, func() (string, error) {
			password, err := term.ReadPassword(fd)
			return string(password), err
		})
	}
	first, err := prompt("Password for " + quoteUnprintable(name) + ": ")
	if err != nil {
		return "", err
	}
	second, err := prompt("Repeat the password: ")
	if err == nil && second != first {
		err = errors.New("nothing was changed: the passwords differ")
	}
	return first, err
}

// maxPasswordLine is the number of bytes read from standard input, which is more than the longest valid password has.
const maxPasswordLine = 4096

// readPasswordLine reads the first line of standard input, without its line ending.
func readPasswordLine() (string, error) {
	line, err := bufio.NewReader(io.LimitReader(os.Stdin, maxPasswordLine)).ReadString('\n')
	if errors.Is(err, io.EOF) && line != "" {
		err = nil // the last line may have no line ending
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("nothing was changed: no password on standard input, which is not a terminal")
	}
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), err
}

// readWithContext returns the result of read, or an error when ctx is done. A blocked read continues in its goroutine.
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
		return "", errors.New("interrupted; nothing was changed")
	}
}
