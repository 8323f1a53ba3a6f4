package label

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
)

// zplDPI lists the resolutions of ZPL printers.
var zplDPI = []int{152, 203, 300, 600}

// maxZPLModule is the maximum side of a module that ^BQ accepts, in dots.
const maxZPLModule = 10

// WriteZPL writes labels as ZPL II for a printer of a resolution, which must be 152, 203, 300 or 600 dpi. Each label of
// the template is a label of its own. The printer draws codes and text itself. The text is measured with Go Regular, as
// the printer's font is narrower. The error is Problems if labels cannot be rendered; then nothing is written.
func WriteZPL(w io.Writer, t Template, symbology Symbology, labels []Label, dpi int) error {
	if !slices.Contains(zplDPI, dpi) {
		return fmt.Errorf("dpi must be one of %v, got %d", zplDPI, dpi)
	}
	printer := device{dpi: dpi, maxDots: maxZPLModule, ownCode: true}
	placed, err := printer.place(t, symbology, labels)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	dots := func(mm float64) int { return int(math.Round(mm / inch * float64(dpi))) }
	for _, p := range placed {
		// ^CI28 selects UTF-8. ^LH and ^LS reset offsets that an earlier job may have set.
		fmt.Fprintf(out, "^XA\n^CI28\n^LH0,0\n^LS0\n^PW%d\n^LL%d\n", dots(t.LabelWidth), dots(t.LabelHeight))
		fmt.Fprintf(out, "^FO%d,%d", dots(p.x), dots(p.y))
		p.writeZPLCode(out, symbology)
		for _, line := range p.lines {
			fmt.Fprintf(out, "^FO%d,%d^A0N,%d^FH_^FD%s^FS\n", dots(line.x), dots(line.y-ascent*p.fontSize),
				dots(p.fontSize), zplField(line.text))
		}
		out.WriteString("^XZ\n")
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write ZPL: %w", err)
	}
	return nil
}

// zplEscape is the escape character within the data of a Data Matrix code. Its default differs between printers.
const zplEscape = '_'

// writeZPLCode writes the command and the field of a code.
func (p placedLabel) writeZPLCode(out *bufio.Writer, symbology Symbology) {
	if symbology == QR {
		// ^BQ moves the code down by the height of ^BY. The data starts with the error correction level, A for
		// automatic input and a comma.
		fmt.Fprintf(out, "^BY2,2,1^BQN,2,%d^FH_^FD%sA,%s^FS\n", p.dots, p.symbol.level, zplField(p.code))
		return
	}
	var data []byte
	for i := range len(p.code) {
		if data = append(data, p.code[i]); p.code[i] == zplEscape {
			data = append(data, zplEscape)
		}
	}
	fmt.Fprintf(out, "^BXN,%d,200,0,0,,%c,1^FH_^FD%s^FS\n", p.dots, zplEscape, zplField(string(data)))
}

// zplField returns the text as data of a field after ^FH_. All but letters, digits, spaces and - . / are bytes in
// hexadecimal, so the text can contain no command.
func zplField(text string) []byte {
	const hex = "0123456789ABCDEF"
	field := make([]byte, 0, len(text))
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', isDigit(c), c == ' ', c == '-', c == '.', c == '/':
			field = append(field, c)
		default:
			field = append(field, '_', hex[c>>4], hex[c&15])
		}
	}
	return field
}
