package rest

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
)

func TestAppendValue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		oid         uint32
		value, want string
	}{
		{pgtype.TextOID, "Zoë", `"Zoë"`},
		{pgtype.TextOID, "a\"\\\n", `"a\"\\\n"`},
		{pgtype.TextOID, "Zo\xeb", `"Zo` + "\ufffd" + `"`},
		{pgtype.TextOID, "", `""`},
		{pgtype.TimestamptzOID, "2026-11-21 22:00:00.5+00", `"2026-11-21T22:00:00.5Z"`},
		{pgtype.TimestamptzOID, "10000-01-01 00:00:00+00", `"10000-01-01T00:00:00Z"`},
		{pgtype.TimestamptzOID, "0044-03-15 00:00:00+00 BC", `"0044-03-15 00:00:00+00 BC"`},
		{pgtype.TimestamptzOID, "-infinity", `"-infinity"`},
		{pgtype.Int4ArrayOID, "{}", "[]"},
		{pgtype.Int4ArrayOID, "{1,NULL,-3}", "[1,null,-3]"},
		{pgtype.BoolOID, "f", "false"},
	} {
		if got := string(appendValue(nil, c.oid, []byte(c.value))); got != c.want {
			t.Errorf("%d %q: got %s, want %s", c.oid, c.value, got, c.want)
		}
	}
}

// TestNeedsNoEscape compares the text of each length, with each byte at each place, with a look at each byte.
func TestNeedsNoEscape(t *testing.T) {
	t.Parallel()
	for length := range 18 {
		for place := range length {
			for c := range 256 {
				text := bytes.Repeat([]byte("x"), length)
				text[place] = byte(c)
				if got, want := needsNoEscape(text), c >= ' ' && c != '"' && c != '\\' && c < 0x7f; got != want {
					t.Fatalf("%q: %v, want %v", text, got, want)
				}
			}
		}
	}
}

// FuzzAppendValue checks that every byte sequence becomes a JSON string.
func FuzzAppendValue(f *testing.F) {
	for _, seed := range []string{
		"", "Zo\xeb", "\xff\xfe", "10000-01-01 00:00:00+00", "infinity", "+00", " +00", "\x00\x1f\x7f", "\u2028",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		if value == nil {
			value = []byte{}
		}
		var got string
		if text := appendValue(nil, pgtype.TextOID, value); json.Unmarshal(text, &got) != nil {
			t.Errorf("%q became %q, which is not a JSON string", value, text)
		}
	})
}
