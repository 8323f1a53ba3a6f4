package label

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"io"
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

// svgLabel is a label as it stands in an SVG document.
type svgLabel struct {
	Transform string `xml:"transform,attr"`
	Path      struct {
		Transform string `xml:"transform,attr"`
		D         string `xml:"d,attr"`
	} `xml:"path"`
	Text []struct {
		X          float64 `xml:"x,attr"`
		TextLength float64 `xml:"textLength,attr"`
		Content    string  `xml:",chardata"`
	} `xml:"text"`
}

// position returns where the label and, within it, the code begin, and the side of a module.
func (l svgLabel) position(t testing.TB) (x, y, codeX, codeY, module float64) {
	t.Helper()
	if _, err := fmt.Sscanf(l.Transform, "translate(%g %g)", &x, &y); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(l.Path.Transform, "translate(%g %g) scale(%g)", &codeX, &codeY, &module); err != nil {
		t.Fatal(err)
	}
	return x, y, codeX, codeY, module
}

// draw draws the code of a label on a picture of the label.
func (l svgLabel) draw(t testing.TB, template Template, dpi float64) image.Image {
	t.Helper()
	scale := dpi / inch
	picture := image.NewGray(image.Rect(0, 0, int(template.LabelWidth*scale), int(template.LabelHeight*scale)))
	draw.Draw(picture, picture.Bounds(), image.White, image.Point{}, draw.Src)
	_, _, left, top, module := l.position(t)
	pixel := func(origin float64, modules int) int {
		return int(math.Round((origin + float64(modules)*module) * scale))
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(l.Path.D, "z"), "z") {
		var x, y, width, back int
		if _, err := fmt.Sscanf(part, "M%d %dh%dv1h-%d", &x, &y, &width, &back); err != nil || width != back {
			t.Fatalf("path %q: %v", part, err)
		}
		run := image.Rect(pixel(left, x), pixel(top, y), pixel(left, x+width), pixel(top, y+1))
		if !run.In(picture.Bounds()) {
			t.Fatalf("%v is outside of the label %v", run, picture.Bounds())
		}
		draw.Draw(picture, run, image.NewUniform(color.Black), image.Point{}, draw.Src)
	}
	return picture
}

// parseSVG returns the labels of a document. It fails if the document is malformed or refers to something.
func parseSVG(t testing.TB, content []byte) []svgLabel {
	t.Helper()
	var document struct {
		XMLName xml.Name
		Labels  []svgLabel `xml:"g"`
	}
	if err := xml.Unmarshal(content, &document); err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(bytes.NewReader(content))
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if name := token.Name.Local; name != "svg" && name != "rect" && name != "g" && name != "path" && name != "text" {
				t.Fatalf("unexpected element %s", name)
			}
			for _, attribute := range token.Attr {
				if strings.Contains(attribute.Name.Local, "href") || strings.HasPrefix(attribute.Name.Local, "on") {
					t.Fatalf("unexpected attribute %s", attribute.Name.Local)
				}
			}
		case xml.ProcInst, xml.Directive, xml.Comment:
			t.Fatalf("unexpected token %v", token)
		}
	}
	return document.Labels
}

func writeSVG(t testing.TB, template Template, symbology Symbology, labels []Label, skip int) []svgLabel {
	t.Helper()
	var out bytes.Buffer
	if err := WriteSVG(&out, template, symbology, labels, skip); err != nil {
		t.Fatal(err)
	}
	return parseSVG(t, out.Bytes())
}

// All codes of an SVG document scan back, from the place that the template gives.
func TestWriteSVG_scansBack(t *testing.T) {
	const skip = 3
	template := findTemplate(t, "avery-5160")
	labels := testLabels(200)
	for _, symbology := range symbologies {
		drawn := writeSVG(t, template, symbology, labels, skip)
		if len(drawn) != len(labels) {
			t.Fatalf("%d labels, want %d", len(drawn), len(labels))
		}
		for i, l := range drawn {
			x, y, _, _, _ := l.position(t)
			page, index := (skip+i)/template.PerPage(), (skip+i)%template.PerPage()
			wantX, wantY := template.position(index)
			wantY += float64(page) * template.PageHeight
			if math.Abs(x-wantX) > 0.001 || math.Abs(y-wantY) > 0.001 {
				t.Errorf("label %d is at %.3f, %.3f; want %.3f, %.3f", i, x, y, wantX, wantY)
			}
			if code, err := scan(l.draw(t, template, 203), symbology); err != nil || code != labels[i].Code {
				t.Errorf("label %d, %s: scanned %q, %v; want %q", i, symbology, code, err, labels[i].Code)
			}
		}
	}
}

// No text breaks the document, leaves its label or panics.
func FuzzWriteSVG(f *testing.F) {
	for _, label := range testLabels(20) {
		f.Add(label.Code, strings.Join(label.Lines, " "))
	}
	f.Add("a", "]]></text><script>alert(1)</script>")
	f.Add("a", "\x00\xff\u0301\u202e\ufffe\U0010ffff")
	template := templates[0]
	f.Fuzz(func(t *testing.T, code, text string) {
		label := Label{Code: code, Lines: []string{text, code}}
		if err := sheetError(template, label); err != nil {
			return
		}
		drawn := writeSVG(t, template, DataMatrix, []Label{label}, 0)
		for _, line := range drawn[0].Text {
			if !utf8.ValidString(line.Content) || line.X+line.TextLength > template.LabelWidth {
				t.Errorf("%q: %q from %g, %g wide", text, line.Content, line.X, line.TextLength)
			}
		}
		if got, want := drawn[0].Text, printable(text); len(got) > 0 && !isCut(got[0].Content, want) && want != "" {
			t.Errorf("%q is drawn as %q, want a beginning of %q", text, got[0].Content, want)
		}
	})
}

// sheetError returns the error of laying out one label with a Data Matrix code.
func sheetError(template Template, label Label) error {
	_, err := sheet.place(template, DataMatrix, []Label{label})
	return err
}

// isCut reports whether a text is all of another one, or a beginning of it with an ellipsis.
func isCut(text, whole string) bool {
	beginning, cut := strings.CutSuffix(text, ellipsis)
	return text == whole || cut && strings.HasPrefix(whole, beginning)
}
