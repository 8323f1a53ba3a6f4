package rest

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"labledger/api/problem"
)

// readBoxes reads a CSV body. The rows are not complete if there is an error.
func readBoxes(t *testing.T, body io.Reader) (all []boxRow, p *problem.Problem) {
	t.Helper()
	i := newTestImporter(func(rows []boxRow) (chunkResult, error) {
		all = append(all, rows...)
		return storeAll(rows)
	})
	p = asProblem(t, i.readAll(MediaTypeCSV, body))
	return all, p
}

// TestReadCSV_forms reads the same rows with each delimiter and each line end, and the same errors on the same lines.
func TestReadCSV_forms(t *testing.T) {
	t.Parallel()
	const valid = "name,owner,slots\n\"a,;\tb\",x y,1\n,,\n\n\"q\"\"\",,2,,\n,\n"
	const invalid = "name,owner,slots\na,b,x\n,,\nb,,1\n\nc\nd\"e,,1\nf,,1,g\n"
	owner := "x y"
	want := []boxRow{{Name: "a,;\tb", Owner: &owner, Slots: 1}, {Name: "q\"", Slots: 2}}
	for _, delimiter := range []string{",", ";", "\t"} {
		for _, lineEnd := range []string{"\n", "\r\n", "\r"} {
			form := func(text string) string {
				text = strings.ReplaceAll(text, "\"a,;\tb\"", "QUOTED")
				text = strings.NewReplacer(",", delimiter, "\n", lineEnd).Replace(text)
				return strings.ReplaceAll(text, "QUOTED", "\"a,;\tb\"")
			}
			for _, wrap := range []func(io.Reader) io.Reader{
				iotest.OneByteReader, func(r io.Reader) io.Reader { return r },
			} {
				got, p := readBoxes(t, wrap(strings.NewReader(form(valid))))
				if len(p.Errors) > 0 || !reflect.DeepEqual(got, want) {
					t.Errorf("%q %q: got %+v, want %+v; errors %+v", delimiter, lineEnd, got, want, p.Errors)
				}
				_, p = readBoxes(t, wrap(strings.NewReader(form(invalid))))
				var lines []int64
				for _, e := range p.Errors {
					lines = append(lines, e.Line)
				}
				if !reflect.DeepEqual(lines, []int64{2, 6, 7, 8}) {
					t.Errorf("%q %q: errors %+v, want lines 2, 6, 7 and 8", delimiter, lineEnd, p.Errors)
				}
			}
		}
	}
}

func TestDetectDelimiter(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]byte{
		"": ',', "name": ',', "a,b": ',', "a;b": ';', "a\tb": '\t', "a;b,c": ',', "a;b;c,d": ';', `"a;b;c",d`: ',',
		`"a,""b,c";d`: ';', "\"a": ',',
	} {
		if got := detectDelimiter([]byte(header)); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}

// TestReadCSV_doesNotWait: an unknown column is reported when the header has arrived, before the body goes on.
func TestReadCSV_doesNotWait(t *testing.T) {
	t.Parallel()
	body, client := io.Pipe()
	read := make(chan error, 1)
	go func() { read <- newTestImporter(storeAll).readAll(MediaTypeCSV, body) }()
	if _, err := io.WriteString(client, "name;nonsense\nx"); err != nil {
		t.Fatal(err)
	}
	p := asProblem(t, <-read) // the client has not closed its end
	if len(p.Errors) == 0 || p.Errors[0].Field != "nonsense" {
		t.Errorf("got %+v", p)
	}
	_ = client.Close()
}

// TestPeekLine: the first line that is not empty is returned and nothing is consumed.
func TestPeekLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 2*textBufferSize)
	for text, want := range map[string]string{
		"": "", "\n\r\n": "", "a": "a", "a\nb": "a", "\r\na\rb": "a", "\n\n a": " a", long: long[:textBufferSize],
	} {
		r := bufio.NewReaderSize(strings.NewReader(text), textBufferSize)
		if got := string(peekLine(r)); got != want {
			t.Errorf("%.20q: got %.20q, want %.20q", text, got, want)
		}
		if rest, err := io.ReadAll(r); err != nil || string(rest) != text {
			t.Errorf("%.20q: %d bytes are left, %v", text, len(rest), err)
		}
	}
}

// FuzzCSVRoundTrip: what an export writes, an import reads.
func FuzzCSVRoundTrip(f *testing.F) {
	for _, seed := range [][2]string{
		{"a", "b"}, {"=1", "'=1"}, {"\r\n", "\""}, {"a\rb", "\r"}, {" ", ";"}, {"'", "\t;\t"},
		{"-\r\n", "\ufeff"}, {`\.`, "é"},
	} {
		f.Add(seed[0], seed[1])
	}
	columns := []pgconn.FieldDescription{
		{Name: "name", DataTypeOID: pgtype.TextOID}, {Name: "owner", DataTypeOID: pgtype.TextOID},
		{Name: "slots", DataTypeOID: pgtype.Int8OID},
	}
	f.Fuzz(func(t *testing.T, name, owner string) {
		for _, text := range []string{name, owner} {
			if text == "" || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
				return
			}
		}
		var exported bytes.Buffer
		encoder := &csvEncoder{dst: csv.NewWriter(&exported), names: []string{"name", "owner", "slots"}}
		if err := encoder.WriteRow(columns, [][]byte{[]byte(name), []byte(owner), []byte("-7")}); err != nil {
			t.Fatal(err)
		}
		if err := encoder.flush(); err != nil {
			t.Fatal(err)
		}
		got, p := readBoxes(t, bytes.NewReader(exported.Bytes()))
		if want := []boxRow{{Name: name, Owner: &owner, Slots: -7}}; !reflect.DeepEqual(got, want) {
			t.Errorf("%q, %q: exported %q, read %+v, errors %+v", name, owner, exported.Bytes(), got, p.Errors)
		}
	})
}
