package rest

import (
	"bufio"
	"io"
	"strings"

	"labledger/api/problem"
)

// This file looks at the first bytes of an import.

const (
	byteOrderMark  = "\xef\xbb\xbf" // of UTF-8
	textBufferSize = 64 << 10
)

// skipByteOrderMark skips up to two byte order marks, since some programs add one to a file that has one.
func skipByteOrderMark(r *bufio.Reader) {
	for range 2 {
		if start, _ := r.Peek(len(byteOrderMark)); string(start) == byteOrderMark {
			_, _ = r.Discard(len(start)) // never fails after Peek
		}
	}
}

// trimByteOrderMarks returns text without the bytes that skipByteOrderMark skips.
func trimByteOrderMarks(text []byte) string {
	return strings.TrimPrefix(strings.TrimPrefix(string(text), byteOrderMark), byteOrderMark)
}

// foreignFormats are files that are often sent instead of text, by their first bytes.
var foreignFormats = []struct{ start, message string }{
	{"\x1f\x8b", "is a gzip file; unpack it, or send the header Content-Encoding: gzip"},
	{"PK\x03\x04", "is a spreadsheet (.xlsx, .ods) or a ZIP archive; save the sheet as CSV"},
	{"\xd0\xcf\x11\xe0", "is a spreadsheet (.xls); save the sheet as CSV"},
	{"\xff\xfe", "is UTF-16 text; save it as UTF-8"},
	{"\xfe\xff", "is UTF-16 text; save it as UTF-8"},
}

// openText skips byte order marks. The error is a 400 problem that names the format of a body that is no text.
func openText(body io.Reader) (*bufio.Reader, error) {
	r := bufio.NewReaderSize(body, textBufferSize)
	start, _ := r.Peek(4) // fewer bytes are no error
	for _, format := range foreignFormats {
		if strings.HasPrefix(string(start), format.start) {
			return nil, problem.BadBody(format.message)
		}
	}
	if strings.IndexByte(string(start[:min(2, len(start))]), 0) >= 0 { // UTF-16 without a byte order mark
		return nil, problem.BadBody("is UTF-16 text; save it as UTF-8")
	}
	skipByteOrderMark(r)
	return r, nil
}

// peekLine returns the first line that is not empty, or what fits into the buffer, without consuming it. It waits for
// no more than that line.
func peekLine(r *bufio.Reader) []byte {
	start := 0
	for i := 0; ; i++ {
		text, err := r.Peek(i + 1)
		switch {
		case err != nil:
			return text[start:]
		case text[i] != '\n' && text[i] != '\r':
		case i > start:
			return text[start:i]
		default:
			start = i + 1
		}
	}
}

// detectDelimiter returns the most frequent delimiter outside quotes in a CSV header: comma, semicolon or tab.
// Spreadsheets write semicolons in many languages.
func detectDelimiter(header []byte) byte {
	const delimiters = ",;\t"
	var counts [len(delimiters)]int
	isQuoted := false
	for _, c := range header {
		if c == '"' {
			isQuoted = !isQuoted
		}
		if i := strings.IndexByte(delimiters, c); i >= 0 && !isQuoted {
			counts[i]++
		}
	}
	best := 0
	for i := range counts {
		if counts[i] > counts[best] {
			best = i
		}
	}
	return delimiters[best]
}
