package label

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
)

// WriteSVG writes pages of labels as one SVG document, one page below the other. The first skip labels of the first
// page stay empty. The document refers to no other resource. Lines of text have their width as textLength, so they fit
// whichever font a viewer uses. The error is Problems if labels cannot be rendered; then nothing is written.
func WriteSVG(w io.Writer, t Template, symbology Symbology, labels []Label, skip int) error {
	if err := checkSkip(t, skip); err != nil {
		return err
	}
	placed, err := sheet.place(t, symbology, labels)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	pages := max(1, (skip+len(labels)+t.PerPage()-1)/t.PerPage())
	width, height := millimetres(t.PageWidth), millimetres(t.PageHeight*float64(pages))
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" width="%smm" height="%smm" viewBox="0 0 %s %s">`+"\n",
		width, height, width, height)
	fmt.Fprintf(out, `<rect width="%s" height="%s" fill="#fff"/>`+"\n", width, height)
	for i, p := range placed {
		x, y := t.position((skip + i) % t.PerPage())
		y += float64((skip+i)/t.PerPage()) * t.PageHeight
		p.writeSVG(out, x, y)
	}
	out.WriteString("</svg>\n")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write SVG: %w", err)
	}
	return nil
}

// writeSVG writes one label. Errors remain in the writer until it is flushed.
func (p placedLabel) writeSVG(out *bufio.Writer, x, y float64) {
	fmt.Fprintf(out, `<g transform="translate(%s %s)">`+"\n", millimetres(x), millimetres(y))
	fmt.Fprintf(out, `<path transform="translate(%s %s) scale(%s)" d="`, millimetres(p.x), millimetres(p.y),
		strconv.FormatFloat(p.module, 'f', 6, 64))
	p.symbol.runs(func(x, y, length int) {
		fmt.Fprintf(out, "M%d %dh%dv1h-%dz", x, y, length, length)
	})
	out.WriteString(`"/>` + "\n")
	for _, line := range p.lines {
		fmt.Fprintf(out, `<text x="%s" y="%s" font-family="Go, sans-serif" font-size="%s" textLength="%s" `+
			`lengthAdjust="spacingAndGlyphs">`, millimetres(line.x), millimetres(line.y), millimetres(p.fontSize),
			millimetres(line.width))
		_ = xml.EscapeText(out, []byte(line.text))
		out.WriteString("</text>\n")
	}
	out.WriteString("</g>\n")
}

// millimetres formats a length with the precision of a micrometre.
func millimetres(length float64) string {
	return strconv.FormatFloat(length, 'f', 3, 64)
}
