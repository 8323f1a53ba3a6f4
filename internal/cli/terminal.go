package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable replaces control characters and bidirectional marks by escapes such as \x1b. Text from a file or a database
// could otherwise move the cursor, change the title of the terminal or hide a part of a line.
func printable(text string) string {
	if strings.IndexFunc(text, isUnprintable) < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case !isUnprintable(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func isUnprintable(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r)
}

// printableOn returns a writer of file that makes text printable if file is a terminal. Other files get all bytes
// unchanged.
func printableOn(file *os.File) io.Writer {
	if !isTerminal(file) {
		return file
	}
	return &terminalWriter{dst: file}
}

// A terminalWriter writes printable text.
type terminalWriter struct {
	dst        io.Writer
	incomplete []byte // the first bytes of a character that the next write completes
}

func (w *terminalWriter) Write(p []byte) (int, error) {
	text := append(w.incomplete, p...)
	end := len(text)
	for i := max(0, len(text)-utf8.UTFMax+1); i < len(text); i++ {
		if utf8.RuneStart(text[i]) && !utf8.FullRune(text[i:]) {
			end = i
		}
	}
	w.incomplete = append([]byte(nil), text[end:]...)
	if _, err := io.WriteString(w.dst, printable(string(text[:end]))); err != nil {
		return 0, err
	}
	return len(p), nil
}
