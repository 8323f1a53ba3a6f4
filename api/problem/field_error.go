package problem

import (
	"fmt"
	"slices"
	"strings"
)

// FieldError describes what is wrong with one field of a request.
type FieldError struct {
	// Line of a bulk body, from 1; for a JSON array the position of the element. Absent elsewhere.
	Line int64 `json:"line,omitempty"`
	// Name of the field, parameter or header.
	Field string `json:"field"`
	// What is wrong with it.
	Message string `json:"message"`
}

// maxFieldErrors caps the errors reported per object. No row has as many fields.
const maxFieldErrors = 50

// FieldErrors collects the errors of a request, so that one response reports all of them.
type FieldErrors []FieldError

// Full reports whether Add drops further errors.
func (f *FieldErrors) Full() bool { return len(*f) > maxFieldErrors }

// Add appends an error unless message is "".
func (f *FieldErrors) Add(field, message string) {
	switch {
	case message == "" || f.Full():
	case len(*f) == maxFieldErrors:
		*f = append(*f, FieldError{Field: "…", Message: "further errors are omitted"})
	default:
		*f = append(*f, FieldError{Field: field, Message: message})
	}
}

// Has reports whether a field, or a part of it, has an error.
func (f *FieldErrors) Has(field string) bool {
	return slices.ContainsFunc(*f, func(e FieldError) bool {
		return e.Field == field || strings.HasPrefix(e.Field, field+".")
	})
}

// Err returns the errors as a *Problem, or nil without errors.
func (f *FieldErrors) Err() error {
	if len(*f) == 0 {
		return nil
	}
	return BadRequest(*f...)
}

// maxErrorsInDetail is how many errors the detail of a problem quotes. The field errors has all of them.
const maxErrorsInDetail = 10

// BadRequest returns a 400 with the errors of a request, of which there is at least one. It never returns nil: a nil
// *Problem would be an error that is not nil.
func BadRequest(errs ...FieldError) *Problem { return badRequest(ValidationFailed, errs) }

// NewConflict returns a 409 with what in a request contradicts the current state of the data.
func NewConflict(errs ...FieldError) *Problem { return badRequest(Conflict, errs) }

// BadBody returns a 400 that says why a body cannot be read as a whole.
func BadBody(message string) *Problem {
	return badRequest(MalformedBody, []FieldError{{Field: "body", Message: message}})
}

func badRequest(kind *Type, errs []FieldError) *Problem {
	parts := make([]string, 0, maxErrorsInDetail)
	for i, e := range errs {
		if i == maxErrorsInDetail {
			parts = append(parts, fmt.Sprintf("and %d more (see errors)", len(errs)-i))
			break
		}
		parts = append(parts, e.Field+": "+e.Message)
	}
	sentence := strings.Join(parts, "; ")
	if !strings.HasSuffix(sentence, "?") {
		sentence += "."
	}
	p := New(kind, "%s", sentence)
	p.Errors = errs
	return p
}
