package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"labledger/api/bind"
	"labledger/api/problem"
)

// boxRow has the parameters of one row of an import.
type boxRow struct {
	ID    int64   `json:"id"`
	Name  string  `json:"name"`
	Owner *string `json:"owner"`
	Slots int64   `json:"slots"`
}

// newBox has the parameters of one new box.
type newBox struct {
	Name  string  `json:"name"`
	Owner *string `json:"owner"`
	Slots int64   `json:"slots"`
}

// newTestImporter returns an importer of boxes. store gets each chunk.
func newTestImporter(store func(rows []boxRow) (chunkResult, error)) *importer {
	single := bind.New(reflect.TypeFor[newBox](), http.MethodPost, nil, bind.Options{})
	plan := bind.NewRow(reflect.TypeFor[boxRow](), single, bind.Options{})
	call := &Call{Endpoint: &Endpoint{Rows: plan}}
	i := newImporter(newRowReader(call))
	i.store = func(lines json.RawMessage) (chunkResult, error) {
		var rows []boxRow
		if err := json.Unmarshal(lines, &rows); err != nil {
			return chunkResult{}, fmt.Errorf("invalid chunk %q: %w", lines, err)
		}
		return store(rows)
	}
	return i
}

// storeAll stores all rows of a chunk without problems.
func storeAll(rows []boxRow) (chunkResult, error) {
	return chunkResult{Created: int64(len(rows)), Problems: json.RawMessage("[]")}, nil
}

// asProblem returns an error as a problem, or an empty one if the error is nil or another error.
func asProblem(t *testing.T, err error) *problem.Problem {
	t.Helper()
	p := &problem.Problem{}
	if err != nil && !errors.As(err, &p) {
		t.Errorf("the error is no problem: %v", err)
	}
	return p
}

// bulkBodies returns a body of n equal rows for each media type.
func bulkBodies(name, slots string, n int) map[string]string {
	object := fmt.Sprintf(`{"name":%q,"slots":%s}`, name, slots)
	return map[string]string{
		MediaTypeCSV:    "name,slots\n" + strings.Repeat(name+","+slots+"\n", n),
		MediaTypeNDJSON: strings.Repeat(object+"\n", n),
		MediaTypeJSON:   "[" + strings.TrimSuffix(strings.Repeat(object+",", n), ",") + "]",
	}
}

// TestReadAll_rows: the rows of all media types arrive in order, in chunks of a bounded size.
func TestReadAll_rows(t *testing.T) {
	t.Parallel()
	const n = maxChunkRows + 3
	for mediaType, body := range bulkBodies("a", "7", n) {
		var chunks []int
		i := newTestImporter(func(rows []boxRow) (chunkResult, error) {
			chunks = append(chunks, len(rows))
			for _, row := range rows {
				if row != (boxRow{Name: "a", Slots: 7}) {
					t.Fatalf("%s: row %+v", mediaType, row)
				}
			}
			return storeAll(rows)
		})
		if err := i.readAll(mediaType+"; charset=utf-8", strings.NewReader(body)); err != nil {
			t.Errorf("%s: %v", mediaType, err)
		}
		if !reflect.DeepEqual(chunks, []int{maxChunkRows, 3}) || i.total != (Stored{Created: n}) {
			t.Errorf("%s: chunks of %v rows, total %+v", mediaType, chunks, i.total)
		}
	}
}

// TestReadAll_errorLimit: a response lists the first 1,000 errors. It says so only if there are more.
func TestReadAll_errorLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		errors, listed int
		truncated      bool
		detail         string
	}{
		{1, 1, false, "Nothing was stored: 1 error, listed by line."},
		{1000, 1000, false, "Nothing was stored: 1000 errors, listed by line."},
		{1001, 1000, true, "Nothing was stored: more than 1000 errors, the first 1000, listed by line."},
		{3000, 1000, true, "Nothing was stored: more than 1000 errors, the first 1000, listed by line."},
	} {
		for mediaType, body := range bulkBodies("a", "0.5", c.errors) {
			p := asProblem(t, newTestImporter(storeAll).readAll(mediaType, strings.NewReader(body)))
			if len(p.Errors) != c.listed || p.Truncated != c.truncated || p.Detail != c.detail || p.Status != 400 {
				t.Errorf("%s, %d errors: status %d, %d listed, truncated %t: %s",
					mediaType, c.errors, p.Status, len(p.Errors), p.Truncated, p.Detail)
				continue
			}
			header := 0
			if mediaType == MediaTypeCSV {
				header = 1
			}
			want := problem.FieldError{Line: int64(c.listed + header), Field: "slots", Message: "must be an integer"}
			if last := p.Errors[c.listed-1]; last != want {
				t.Errorf("%s, %d errors: the last one is %+v, want %+v", mediaType, c.errors, last, want)
			}
		}
	}
}

// TestReadAll_stopsAtErrorLimit: after the limit the rest of the body is not read.
func TestReadAll_stopsAtErrorLimit(t *testing.T) {
	t.Parallel()
	for mediaType, text := range bulkBodies("a", "0.5", 100*maxReportedErrors) {
		body := strings.NewReader(text)
		p := asProblem(t, newTestImporter(storeAll).readAll(mediaType, body))
		if !p.Truncated || body.Len() < len(text)/2 {
			t.Errorf("%s: truncated %t, %d of %d bytes are unread", mediaType, p.Truncated, body.Len(), len(text))
		}
	}
}

// TestReadAll_databaseErrors: the errors of a chunk get the lines of the body, count for the limit, and the lowest
// status is that of the response.
func TestReadAll_databaseErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		statuses  []int
		invalid   int // rows that do not reach the database
		status    int
		truncated bool
	}{
		{[]int{412}, 0, 412, false},
		{[]int{412, 409}, 0, 409, false},
		{[]int{412}, 1, 400, false},
		{[]int{409}, maxReportedErrors - 1, 400, false},
		{[]int{409}, maxReportedErrors, 400, true},
	} {
		i := newTestImporter(func(rows []boxRow) (chunkResult, error) {
			var problems []string
			for k, status := range c.statuses {
				text := fmt.Sprintf(`{"line":%d,"field":"name","status":%d,"message":"is taken"}`, len(rows)-k, status)
				problems = append(problems, text)
			}
			return chunkResult{Problems: json.RawMessage("[" + strings.Join(problems, ",") + "]")}, nil
		})
		valid := bulkBodies("a", "7", 3)[MediaTypeNDJSON]
		body := bulkBodies("a", "0.5", c.invalid)[MediaTypeNDJSON] + "\n" + valid
		p := asProblem(t, i.readAll(MediaTypeNDJSON, strings.NewReader(body)))
		if p.Status != c.status || p.Truncated != c.truncated {
			t.Errorf("%+v: status %d, truncated %t", c, p.Status, p.Truncated)
		}
		if want := int64(c.invalid + 4); !c.truncated && (len(p.Errors) != c.invalid+len(c.statuses) ||
			p.Errors[c.invalid].Line != want) { // after an empty line
			t.Errorf("%+v: got %d errors, the first of the database is %+v, want line %d",
				c, len(p.Errors), p.Errors[c.invalid], want)
		}
	}
}

// TestReadAll_chunkError: an error of a whole chunk names its lines and ends the import.
func TestReadAll_chunkError(t *testing.T) {
	t.Parallel()
	fail := func(err error) *problem.Problem {
		i := newTestImporter(func([]boxRow) (chunkResult, error) { return chunkResult{}, err })
		body := bulkBodies("a", "7", maxChunkRows+10)[MediaTypeNDJSON]
		return asProblem(t, i.readAll(MediaTypeNDJSON, strings.NewReader(body)))
	}
	p := fail(problem.New(problem.Duplicate, "Another row already has this value."))
	want := problem.FieldError{Line: 1, Field: "line", Message: "in one of the lines 1 to 5000: " +
		"Another row already has this value. (the rest was not checked)"}
	if p.Status != http.StatusConflict || len(p.Errors) != 1 || p.Errors[0] != want {
		t.Errorf("conflict: got %+v, want %+v", p, want)
	}
	if p := fail(problem.Unavailable(problem.WriteConflict, "Try again.", nil)); p.Status != 503 || len(p.Errors) != 0 {
		t.Errorf("unavailable: got %+v", p)
	}
}

// TestReadAll_brokenBodies: a body that cannot be read to its end is an error with the place of the fault.
func TestReadAll_brokenBodies(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 2*maxLine)
	for _, c := range []struct {
		name, mediaType, body string
		line                  int64
		field, message        string // beginning of the message
	}{
		{"CSV without a header", MediaTypeCSV, "", 1, "header", "is missing"},
		{"CSV with an unknown column", MediaTypeCSV, "name,slot\n", 1, "slot", "is unknown"},
		{"CSV with an open quote", MediaTypeCSV, "name,slots\na,1\n\"b", 3, "line", "is not valid CSV at column"},
		{"CSV after quoted line breaks", MediaTypeCSV, "name,slots\n\"a\r\n\nb\",1\nc,x\n", 5, "slots", "must be an integer"},
		{"CSV with a long record", MediaTypeCSV, "name,slots\na,1\n\"" + long + "\n", 3, "line", "is longer than"},
		{"NDJSON with a long line", MediaTypeNDJSON, "\n{\"name\":\"" + long + "\"}", 2, "line", "is longer than"},
		{"NDJSON with a syntax error", MediaTypeNDJSON, "\n\n{]\n", 3, "body", "is not valid JSON at line 1"},
		{"array with a long element", MediaTypeJSON, `[{"name":"` + long + `"}]`, 1, "element", "is longer than"},
		{"array with a syntax error", MediaTypeJSON, `[{"name":"a","slots":1},]`, 2, "element", "is not valid JSON"},
		{"array with a number", MediaTypeJSON, `[1]`, 1, "body", "must be a JSON object"},
		{"array that does not end", MediaTypeJSON, `[{"name":"a","slots":1}`, 2, "element", "is not valid JSON"},
		{"array with a successor", MediaTypeJSON, `[] []`, 0, "body", "must end after the JSON array"},
	} {
		p := asProblem(t, newTestImporter(storeAll).readAll(c.mediaType, strings.NewReader(c.body)))
		if p.Status != http.StatusBadRequest || len(p.Errors) == 0 {
			t.Errorf("%s: got %v", c.name, p)
			continue
		}
		got := p.Errors[0]
		if got.Line != c.line || got.Field != c.field || !strings.HasPrefix(got.Message, c.message) {
			t.Errorf("%s: got %+v, want line %d, %s %s…", c.name, got, c.line, c.field, c.message)
		}
	}
	for mediaType, body := range bulkBodies("a", "7", 3) {
		broken := io.MultiReader(strings.NewReader(strings.TrimSuffix(body, "]")), iotest.ErrReader(io.ErrUnexpectedEOF))
		p := asProblem(t, newTestImporter(storeAll).readAll(mediaType, broken))
		if p.Status != http.StatusBadRequest {
			t.Errorf("%s that breaks off: got %v", mediaType, p)
		}
	}
}

// TestReadCSV_lineBreaks: line breaks inside quotes stay as they are, and a byte order mark is skipped.
func TestReadCSV_lineBreaks(t *testing.T) {
	t.Parallel()
	var got []string
	i := newTestImporter(func(rows []boxRow) (chunkResult, error) {
		for _, row := range rows {
			got = append(got, row.Name)
		}
		return storeAll(rows)
	})
	body := "\xef\xbb\xbfname,slots\r\n\"a\r\nb\nc\",1\r\n\"\"\"d\r\r\n\",2\r\ne,3"
	for _, reader := range []io.Reader{strings.NewReader(body), iotest.OneByteReader(strings.NewReader(body))} {
		got = nil
		if err := i.readAll(MediaTypeCSV, reader); err != nil {
			t.Fatal(err)
		}
		if want := []string{"a\r\nb\nc", "\"d\r\r\n", "e"}; !reflect.DeepEqual(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// FuzzReadAll reads bodies of all media types. Each chunk must be JSON that the import query accepts.
func FuzzReadAll(f *testing.F) {
	for _, seed := range []string{
		"id,name,owner,slots\n1,a,b,1\n", "name,owner,slots\na,,1\n", "\xef\xbb\xbfname,owner,slots\n\"a\nb\",,1\n",
		"name,owner\n", "", "name,owner,slots\n\"a,,1\n", "name,owner,slots\na,b\n", "name,name\n",
		"name,owner,slots\n\x00,,1\n", "name,owner,slots\n\xff,,1\n", "name,slots\r\n\"a\r\nb\",1\r\n",
		`{"name":"a","owner":null,"slots":1}` + "\n", `[{"name":"a","owner":null,"slots":1}]`, `[`, `[1,2]`, `[]]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, mediaType := range rowMediaTypes {
			stored := 0
			i := newTestImporter(func(rows []boxRow) (chunkResult, error) {
				for _, row := range rows {
					texts := []string{row.Name}
					if row.Owner != nil {
						texts = append(texts, *row.Owner)
					}
					for _, text := range texts {
						if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
							t.Errorf("%s %q: the text %q was accepted", mediaType, body, text)
						}
					}
				}
				stored += len(rows)
				return storeAll(rows)
			})
			err := i.readAll(mediaType, strings.NewReader(string(body)))
			if p := asProblem(t, err); err != nil && (p.Status < 400 || p.Status >= 500) {
				t.Errorf("%s %q: %v", mediaType, body, err)
			}
			if err == nil && int64(stored) != i.total.Created {
				t.Errorf("%s %q: stored %d rows, reported %d", mediaType, body, stored, i.total.Created)
			}
		}
	})
}
