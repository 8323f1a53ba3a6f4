// Package label renders labels as PDF sheets, ZPL for label printers, and SVG. A label has a QR or Data Matrix code and
// up to three lines of text.
//
// Codes hold their text as UTF-8 without an ECI header, because most readers cannot handle one. The text of PDF and SVG
// is set in Go Regular, which covers Latin, Greek and Cyrillic.
package label

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxCode is the maximum length of a code in bytes.
	MaxCode = 256
	// MaxLines is the maximum number of lines of text on a label.
	MaxLines = 3
)

// Label is the content of one label.
type Label struct {
	Code  string   // what a scanner reads: UTF-8 text of at most MaxCode bytes without control characters
	Lines []string // at most MaxLines lines of text, cut to the space that the code leaves
}

// Symbology is the kind of a code.
type Symbology string

// The symbologies.
const (
	QR         Symbology = "qr"
	DataMatrix Symbology = "datamatrix"
)

// ParseSymbology returns the symbology of a name.
func ParseSymbology(name string) (Symbology, error) {
	switch s := Symbology(name); s {
	case QR, DataMatrix:
		return s, nil
	}
	return "", fmt.Errorf("symbology must be %s or %s, got %q", QR, DataMatrix, name)
}

// The reasons why a label cannot be rendered. A Problem wraps one of them.
var (
	ErrNoCode       = errors.New("code is empty")
	ErrCodeText     = errors.New("code is not UTF-8 text without control characters")
	ErrCodeTooLong  = errors.New("code is too long for the label")
	ErrTooManyLines = fmt.Errorf("label has more than %d lines", MaxLines)
)

// Problem says why one label cannot be rendered.
type Problem struct {
	Index int    // the position in the list of labels, from 0
	Code  string // the code of the label
	Err   error
}

// Error returns the position, the code and the reason.
func (p Problem) Error() string {
	return fmt.Sprintf("label %d (%.40q): %v", p.Index, p.Code, p.Err)
}

// Unwrap returns the reason.
func (p Problem) Unwrap() error { return p.Err }

// Problems is the error of labels that cannot be rendered. It names all of them.
type Problems []Problem

// Error returns the first three problems and the number of the others.
func (p Problems) Error() string {
	const shown = 3
	var b strings.Builder
	for i, problem := range p {
		if i == shown {
			fmt.Fprintf(&b, "; and %d more", len(p)-shown)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(problem.Error())
	}
	return b.String()
}

// Unwrap returns all problems, for errors.Is and errors.As.
func (p Problems) Unwrap() []error {
	errs := make([]error, len(p))
	for i, problem := range p {
		errs[i] = problem
	}
	return errs
}

// validate reports whether the label can be rendered on some template.
func (l Label) validate() error {
	switch {
	case l.Code == "":
		return ErrNoCode
	case len(l.Code) > MaxCode:
		return fmt.Errorf("%w: it has %d bytes, and at most %d are allowed", ErrCodeTooLong, len(l.Code), MaxCode)
	case !utf8.ValidString(l.Code) || strings.ContainsFunc(l.Code, unicode.IsControl):
		return ErrCodeText
	case len(l.Lines) > MaxLines:
		return ErrTooManyLines
	}
	return nil
}
