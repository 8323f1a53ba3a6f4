package label

import (
	"bytes"
	"errors"
	"image"
	"math"
	"strings"
	"testing"
)

// The labels of each template lie on the page and do not overlap.
func TestTemplates_fitPage(t *testing.T) {
	perPage := map[string]int{"avery-l4731": 189, "avery-l7651": 65, "avery-l7159": 24, "avery-5160": 30, "avery-5167": 80}
	names := map[string]bool{}
	for _, template := range Templates() {
		if names[template.Name] {
			t.Errorf("two templates are named %s", template.Name)
		}
		names[template.Name] = true
		if want := max(1, perPage[template.Name]); template.PerPage() != want {
			t.Errorf("%s has %d labels, want %d", template.Name, template.PerPage(), want)
		}
		const micrometres = 1000
		round := func(mm float64) int { return int(math.Round(mm * micrometres)) }
		page := image.Rect(0, 0, round(template.PageWidth), round(template.PageHeight))
		var boxes []image.Rectangle
		for i := range template.PerPage() {
			x, y := template.position(i)
			box := image.Rect(round(x), round(y), round(x+template.LabelWidth), round(y+template.LabelHeight))
			if box.Empty() || !box.In(page) {
				t.Errorf("%s: label %d at %v is outside of the page", template.Name, i, box)
			}
			for j, other := range boxes {
				if box.Overlaps(other) {
					t.Errorf("%s: labels %d and %d overlap", template.Name, j, i)
				}
			}
			boxes = append(boxes, box)
		}
		// Sheets have equal margins on both sides, within the rounding of the published sizes.
		if right := template.PageWidth - template.Left - float64(template.Columns)*(template.LabelWidth+template.GapX) +
			template.GapX; math.Abs(right-template.Left) > 0.2 {
			t.Errorf("%s: %.2f mm at the left, %.2f mm at the right", template.Name, template.Left, right)
		}
		if found, ok := FindTemplate(template.Name); !ok || found != template {
			t.Errorf("FindTemplate(%q) = %v, %t", template.Name, found, ok)
		}
	}
	for name := range perPage {
		if !names[name] {
			t.Errorf("no template %s", name)
		}
	}
	if _, ok := FindTemplate("none"); ok {
		t.Error("FindTemplate finds a template that does not exist")
	}
}

func TestParseSymbology(t *testing.T) {
	for _, symbology := range symbologies {
		if parsed, err := ParseSymbology(string(symbology)); err != nil || parsed != symbology {
			t.Errorf("%s: %s, %v", symbology, parsed, err)
		}
	}
	if _, err := ParseSymbology("code128"); err == nil {
		t.Error("code128 is accepted")
	}
}

// One error names all labels that cannot be rendered, and nothing is written.
func TestWrite_reportsAllProblems(t *testing.T) {
	labels := []Label{
		{Code: "fits"}, {Code: ""}, {Code: strings.Repeat("x", 200)}, {Code: "a\nb"}, {Code: "a\xff"},
		{Code: "x", Lines: make([]string, 4)}, {Code: strings.Repeat("x", MaxCode+1)}, {Code: "fits too"},
	}
	want := map[int]error{
		1: ErrNoCode, 2: ErrCodeTooLong, 3: ErrCodeText, 4: ErrCodeText, 5: ErrTooManyLines, 6: ErrCodeTooLong,
	}
	template := findTemplate(t, "avery-l4731")
	for _, symbology := range symbologies {
		var pdf, svg, zpl bytes.Buffer
		for format, err := range map[string]error{
			"pdf": WritePDF(&pdf, template, symbology, labels, 0),
			"svg": WriteSVG(&svg, template, symbology, labels, 0),
			"zpl": WriteZPL(&zpl, template, symbology, labels, 203),
		} {
			var problems Problems
			if !errors.As(err, &problems) || len(problems) != len(want) {
				t.Fatalf("%s: %v, want %d problems", format, err, len(want))
			}
			for _, problem := range problems {
				if !errors.Is(problem, want[problem.Index]) || problem.Code != labels[problem.Index].Code {
					t.Errorf("%s: %v, want %v", format, problem, want[problem.Index])
				}
			}
			if !errors.Is(err, ErrCodeTooLong) || !strings.HasSuffix(err.Error(), "; and 3 more") {
				t.Errorf("%s: %v", format, err)
			}
		}
		if pdf.Len()+svg.Len()+zpl.Len() > 0 {
			t.Error("output is written despite the error")
		}
	}
}

func TestWrite_rejectsSkip(t *testing.T) {
	for _, skip := range []int{-1, 189} {
		if err := WritePDF(&bytes.Buffer{}, templates[0], QR, nil, skip); err == nil {
			t.Errorf("PDF: skip %d is accepted", skip)
		}
		if err := WriteSVG(&bytes.Buffer{}, templates[0], QR, nil, skip); err == nil {
			t.Errorf("SVG: skip %d is accepted", skip)
		}
	}
}

// A QR code that fits only with less error correction is printed so.
func TestPlaceLabel_lowersErrorCorrection(t *testing.T) {
	template := findTemplate(t, "avery-l4731")
	placed, err := sheet.placeLabel(template, QR, Label{Code: strings.Repeat("a", 50)})
	if err != nil || placed.symbol.level != "L" {
		t.Errorf("level %q, %v; want L", placed.symbol.level, err)
	}
	if placed, err = sheet.placeLabel(template, QR, Label{Code: "a"}); err != nil || placed.symbol.level != "M" {
		t.Errorf("level %q, %v; want M", placed.symbol.level, err)
	}
}

// Modules keep their minimum size, and code, border and text stay on the label.
func TestPlaceLabel_staysOnLabel(t *testing.T) {
	for _, template := range Templates() {
		for _, label := range testLabels(200) {
			for _, symbology := range symbologies {
				p, err := sheet.placeLabel(template, symbology, label)
				if errors.Is(err, ErrCodeTooLong) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				border, side := float64(p.symbol.quiet)*p.module, float64(p.symbol.size)*p.module
				const rounding = 1e-6
				if p.module < minModule || p.x < border-rounding || p.y < border-rounding ||
					p.x+side+border > template.LabelWidth+rounding || p.y+side+border > template.LabelHeight+rounding {
					t.Errorf("%s: the code %q leaves the label", template.Name, label.Code)
				}
				for _, line := range p.lines {
					if line.x < p.x+side+border-rounding || line.x+line.width > template.LabelWidth ||
						line.y-ascent*p.fontSize < 0 || line.y+descent*p.fontSize > template.LabelHeight {
						t.Errorf("%s: %q leaves the label", template.Name, line.text)
					}
				}
			}
		}
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"Plasma 3 µl":         "Plasma 3 µl",
		"e\u0301":             "é",
		"漢字":                  "□□",
		"🧊 ice":               "□ ice",
		" a\tb\nc\x00d ":      "a b c d",
		"a\u202eb\u200bc":     "abc",
		"x\u0301":             "x",
		"\xff":                "\uFFFD",
		"Żółć αβγ Даша ≥ ½ €": "Żółć αβγ Даша ≥ ½ €",
		"\u0301\u200d":        "",
	} {
		if got := printable(text); got != want {
			t.Errorf("printable(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCutText(t *testing.T) {
	for _, text := range []string{"", "i", "Plasma of donor 17", "□□□□□", "ÄÖÜ WWW iii"} {
		for width := 0.0; width < 12; width += 0.05 {
			cut := cutText(text, width)
			if !isCut(cut, text) && cut != "" {
				t.Fatalf("cutText(%q, %.2f) = %q", text, width, cut)
			}
			if textWidth(cut) > width {
				t.Errorf("cutText(%q, %.2f) is %.2f wide", text, width, textWidth(cut))
			}
			if cut != text && textWidth(text) <= width {
				t.Errorf("cutText(%q, %.2f) = %q, but the text fits", text, width, cut)
			}
		}
	}
	if got := cutText("WWWWWW", 3); got != "WW…" {
		t.Errorf("cutText = %q", got)
	}
}

// The text of a PDF can be selected, and is the text of the label.
func TestWritePDF_hasText(t *testing.T) {
	labels := []Label{{Code: "1", Lines: []string{`Żółć (\) αβγ`, "漢 ≥", strings.Repeat("long ", 40)}}}
	pdf := openPDF(t, writePDF(t, findTemplate(t, "roll-50x25"), QR, labels, 0))
	text := pdf.text(t, 0)
	for _, want := range []string{`Żółć (\) αβγ`, "□ ≥", "long long", "…"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text %q does not contain %q", text, want)
		}
	}
}

// No text panics the renderer or makes an error of the PDF library.
func FuzzWritePDF(f *testing.F) {
	for _, label := range testLabels(10) {
		f.Add(label.Code, strings.Join(label.Lines, " "))
	}
	f.Add("(", ")\\\x00\xff\ufffe\U0010ffff")
	f.Fuzz(func(t *testing.T, code, text string) {
		labels := []Label{{Code: code, Lines: []string{text, code}}}
		var problems Problems
		if err := WritePDF(&bytes.Buffer{}, templates[1], DataMatrix, labels, 0); err != nil && !errors.As(err, &problems) {
			t.Error(err)
		}
	})
}

func BenchmarkWritePDF(b *testing.B) {
	labels := testLabels(1000)
	for _, symbology := range symbologies {
		b.Run(string(symbology), func(b *testing.B) {
			for b.Loop() {
				if err := WritePDF(&bytes.Buffer{}, templates[1], symbology, labels, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
