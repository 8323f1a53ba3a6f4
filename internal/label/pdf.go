package label

import (
	"fmt"
	"io"
	"strconv"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/goregular"
)

const (
	fontFamily   = "Go"
	pointsPerMM  = 72 / inch
	pdfPrecision = 3 // decimals of a point
)

// WritePDF writes pages of labels as PDF. The first skip labels of the first page stay empty. The error is Problems if
// labels cannot be rendered; then nothing is written. The page must be printed at its actual size.
func WritePDF(w io.Writer, t Template, symbology Symbology, labels []Label, skip int) error {
	if err := checkSkip(t, skip); err != nil {
		return err
	}
	placed, err := sheet.place(t, symbology, labels)
	if err != nil {
		return err
	}
	size := fpdf.SizeType{Wd: t.PageWidth, Ht: t.PageHeight}
	pdf := fpdf.NewCustom(&fpdf.InitType{OrientationStr: "P", UnitStr: "mm", Size: size})
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetTitle(t.Title, true)
	pdf.AddUTF8FontFromBytes(fontFamily, "", goregular.TTF)
	pdf.SetFont(fontFamily, "", 12)
	if len(placed) == 0 {
		pdf.AddPage()
	}
	for i, p := range placed {
		index := (skip + i) % t.PerPage()
		if i == 0 || index == 0 {
			pdf.AddPageFormat("P", size)
		}
		x, y := t.position(index)
		pdf.RawWriteStr(string(p.pdfPath(x, t.PageHeight-y)))
		for _, line := range p.lines {
			pdf.SetFontSize(p.fontSize * pointsPerMM)
			pdf.Text(x+line.x, y+line.y, line.text)
		}
	}
	if err := pdf.Output(w); err != nil {
		return fmt.Errorf("write PDF: %w", err)
	}
	return nil
}

// pdfPath returns the drawing operators that fill the dark modules of a label. Its upper left corner is left, top in
// millimetres, from the lower left corner of the page. One path for all modules avoids seams between them.
func (p placedLabel) pdfPath(left, top float64) (path []byte) {
	number := func(mm float64) {
		path = strconv.AppendFloat(path, mm*pointsPerMM, 'f', pdfPrecision, 64)
		path = append(path, ' ')
	}
	p.symbol.runs(func(x, y, length int) {
		number(left + p.x + float64(x)*p.module)
		number(top - p.y - float64(y+1)*p.module)
		number(float64(length) * p.module)
		number(p.module)
		path = append(path, "re\n"...)
	})
	return append(path, "f"...)
}
