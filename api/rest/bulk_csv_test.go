package rest

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the CSV samples")

// csvSamplesFile is also read by the tests of the web app, whose preview must split records in the same way.
const csvSamplesFile = "testdata/csv_samples.json"

// A csvSample is a text with its records, without records of empty cells.
type csvSample struct {
	Text      string      `json:"text"`
	Delimiter string      `json:"delimiter"`
	Records   []csvRecord `json:"records"`
	Invalid   []int       `json:"invalid"` // lines where invalid records begin
}

type csvRecord struct {
	Line  int      `json:"line"`
	Cells []string `json:"cells"`
}

// TestCSVSamples: the samples are texts of chosen forms and random ones, with the records that the server reads.
func TestCSVSamples(t *testing.T) {
	t.Parallel()
	texts := []string{
		"", "\n\n", "\ufeff\ufeffa,b\n1,2", "a;b,c;d\n1;2", "a\tb\n1\t2", "\"a,b\";c\n1;2\n", "a,b\r1,\"2\r\"\r\r3,4",
		"a,b\r\n\"1\r\n\",2\r\n\r\n,\r\n3,4\r\n", "a,b\n\"1\"x,\"2\n3,4", "a\n\"1", "a,b\n1,\"2\n3\"x\n4,5",
	}
	random := rand.New(rand.NewPCG(1, 2))
	tokens := []string{"a", "é", `"`, `"`, ",", ",", ";", "\t", "\n", "\r", "\r\n", " ", `""`, "'=1"}
	for range 400 {
		var text strings.Builder
		for range random.IntN(24) {
			text.WriteString(tokens[random.IntN(len(tokens))])
		}
		texts = append(texts, text.String())
	}
	lines := make([]string, len(texts))
	for i, text := range texts {
		line, err := json.Marshal(readSample(t, text))
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = string(line)
	}
	got := "[\n" + strings.Join(lines, ",\n") + "\n]\n"
	if *update {
		if err := os.WriteFile(csvSamplesFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(csvSamplesFile); err != nil || got != string(want) {
		t.Errorf("%s is out of date (error %v): run go test ./api/rest -run CSVSamples -update", csvSamplesFile, err)
	}
}

func readSample(t *testing.T, text string) csvSample {
	t.Helper()
	sample := csvSample{Text: text, Records: []csvRecord{}, Invalid: []int{}}
	reader, err := newCSVReader(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	sample.Delimiter = string(reader.Comma)
	for {
		cells, err := reader.Read()
		var syntax *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return sample
		case errors.As(err, &syntax):
			sample.Invalid = append(sample.Invalid, syntax.StartLine)
		case err != nil:
			t.Fatalf("%q: %v", text, err)
		case !isEmptyRecord(cells):
			line, _ := reader.FieldPos(0)
			sample.Records = append(sample.Records, csvRecord{line, append([]string(nil), cells...)})
		}
	}
}
