package rest_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"labledger/api/problem"
)

// TestErrorSpool: the spool moves from memory to a file and returns all errors in order.
func TestErrorSpool(t *testing.T) {
	for _, count := range []int64{1, 3, 40_000} {
		spool := &errorSpool{}
		for i := range count {
			if err := spool.add(problem.FieldError{Line: i + 1, Field: "name", Message: strings.Repeat("x", 50)}); err != nil {
				t.Fatal(err)
			}
		}
		if inFile := spool.file != nil; inFile != (count == 40_000) {
			t.Errorf("%d errors in a file: %t", count, inFile)
		}
		var all []FieldError
		text := bytes.NewBufferString("[")
		if err := spool.writeTo(text); err != nil {
			t.Fatal(err)
		}
		text.WriteString("]")
		if err := json.Unmarshal(text.Bytes(), &all); err != nil || int64(len(all)) != count ||
			all[count-1].Line != count {
			t.Errorf("wrote %d errors, read %d: %v", count, len(all), err)
		}
		spool.close()
	}
}
