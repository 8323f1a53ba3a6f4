package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"labledger/api/bind"
	"labledger/api/problem"
)

// nestedOptions are those of the plans of objects within a body.
var nestedOptions = bind.Options{Rules: fieldRules, KeysOnly: true}

// A bodyArray is a field of a body that holds an array of objects.
type bodyArray struct {
	field  string
	maxLen int
	plan   *bind.Plan // of the objects
}

// bindArray binds the objects of an array and calls accept with each. Errors of the n-th object are reported under
// field[n]. accept may add errors to those of its object.
func bindArray[T any](
	a bodyArray, text []byte, errs *problem.FieldErrors, accept func(n int, element T, elementErrs *problem.FieldErrors),
) {
	decoder := jsontext.NewDecoder(bytes.NewReader(text))
	if decoder.PeekKind() != '[' {
		errs.Add(a.field, "must be an array of objects")
		return
	}
	_, _ = decoder.ReadToken() // "[", as peeked
	for n := 0; decoder.PeekKind() != ']'; n++ {
		if n == a.maxLen {
			errs.Add(a.field, fmt.Sprintf("must have at most %d %s", a.maxLen, a.field))
			return
		}
		value, err := decoder.ReadValue()
		if err != nil && !errors.Is(err, io.EOF) {
			errs.Add(a.field, "is not valid JSON")
			return
		}
		var element T
		elementErrs := bindObject(a.plan, &element, value)
		accept(n, element, &elementErrs)
		addNested(errs, fmt.Sprintf("%s[%d]", a.field, n), elementErrs)
	}
}

// bindObject binds a JSON object within a body.
func bindObject(plan *bind.Plan, params any, text []byte) (errs problem.FieldErrors) {
	if _, err := plan.Body(params, slices.Clone(text), &errs); err != nil { // the plans know keys only
		errs = append(errs, problem.From(err, http.MethodPost, nil).Errors...)
	}
	return errs
}

// addNested adds the errors of an object within a body.
func addNested(errs *problem.FieldErrors, prefix string, nested problem.FieldErrors) {
	for _, fieldErr := range nested {
		if fieldErr.Field == "body" {
			errs.Add(prefix, fieldErr.Message)
		} else {
			errs.Add(prefix+"."+fieldErr.Field, fieldErr.Message)
		}
	}
}
