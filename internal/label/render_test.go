package label

import (
	"bytes"
	"image"
	"image/draw"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
)

var symbologies = []Symbology{QR, DataMatrix}

func findTemplate(t testing.TB, name string) Template {
	t.Helper()
	template, ok := FindTemplate(name)
	if !ok {
		t.Fatalf("no template %s", name)
	}
	return template
}

// scanLabels decodes the labels of a page, and calls f with the position of each on the page.
func scanLabels(
	page image.Image, t Template, symbology Symbology, first, last int, f func(index int, code string, err error),
) {
	scale := float64(page.Bounds().Dx()) / t.PageWidth
	var workers sync.WaitGroup
	var mutex sync.Mutex
	for worker := range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := first + worker; i < last; i += runtime.GOMAXPROCS(0) {
				x, y := t.position(i)
				box := image.Rect(int(math.Round(x*scale)), int(math.Round(y*scale)),
					int(math.Round((x+t.LabelWidth)*scale)), int(math.Round((y+t.LabelHeight)*scale)))
				cell := image.NewGray(box.Sub(box.Min))
				draw.Draw(cell, cell.Bounds(), page, box.Min, draw.Src)
				code, err := scan(cell, symbology)
				mutex.Lock()
				f(i, code, err)
				mutex.Unlock()
			}
		})
	}
	workers.Wait()
}

// testLabels returns labels with codes of many kinds, and lines of text around them.
func testLabels(count int) []Label {
	random := rand.New(rand.NewChaCha8([32]byte{1}))
	awkward := []rune(`"'^~\<>& ;,_%{}|=*+-()[]/?!@#$:.` + "`")
	unicodeText := []rune("äöüßéñčžłøαβγДЖя漢字冷凍試料🧪🧊—€")
	labels := make([]Label, count)
	for i := range labels {
		var code string
		pick := func(runes []rune, length int) {
			for range length {
				code += string(runes[random.IntN(len(runes))])
			}
		}
		switch i % 6 {
		case 0:
			var id uuid.UUID
			for j := range id {
				id[j] = byte(random.Uint32())
			}
			code = id.String()
		case 1:
			pick([]rune("0123456789"), 1+random.IntN(13))
		case 2:
			pick([]rune("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"), 1+random.IntN(20))
		case 3:
			pick(awkward, 1+random.IntN(30))
		case 4:
			pick(unicodeText, 1+random.IntN(14))
		case 5:
			pick(awkward, random.IntN(10))
			pick([]rune("abcXYZ019 "), random.IntN(20))
			pick(unicodeText, 1+random.IntN(6))
		}
		labels[i] = Label{Code: code, Lines: []string{"Plasma <EDTA> & \\(^)~", "Żółć 漢字 " + code, code}[:i%4]}
	}
	return labels
}

// pdfFile is a PDF opened by PDFium, which shares no code with the writer.
type pdfFile struct {
	instance pdfium.Pdfium
	document references.FPDF_DOCUMENT
	pages    int
}

var pdfiumInstance = sync.OnceValues(func() (pdfium.Pdfium, error) {
	pool, err := webassembly.Init(webassembly.Config{MinIdle: 1, MaxIdle: 1, MaxTotal: 1})
	if err != nil {
		return nil, err
	}
	return pool.GetInstance(time.Minute)
})

func openPDF(t *testing.T, content []byte) *pdfFile {
	t.Helper()
	instance, err := pdfiumInstance()
	if err != nil {
		t.Fatal(err)
	}
	opened, err := instance.OpenDocument(&requests.OpenDocument{File: &content})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := instance.FPDF_CloseDocument(&requests.FPDF_CloseDocument{Document: opened.Document}); err != nil {
			t.Error(err)
		}
	})
	count, err := instance.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: opened.Document})
	if err != nil {
		t.Fatal(err)
	}
	return &pdfFile{instance: instance, document: opened.Document, pages: count.PageCount}
}

func (f *pdfFile) page(index int) requests.Page {
	return requests.Page{ByIndex: &requests.PageByIndex{Document: f.document, Index: index}}
}

// render calls use with the picture of a page, which is valid until use returns.
func (f *pdfFile) render(t *testing.T, index, dpi int, use func(image.Image)) {
	t.Helper()
	rendered, err := f.instance.RenderPageInDPI(&requests.RenderPageInDPI{
		Page: f.page(index), DPI: dpi, ImageFormat: requests.RenderImageFormatGrayscale,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer rendered.Cleanup()
	use(rendered.Result.RenderedImage)
}

func (f *pdfFile) text(t *testing.T, index int) string {
	t.Helper()
	text, err := f.instance.GetPageText(&requests.GetPageText{Page: f.page(index)})
	if err != nil {
		t.Fatal(err)
	}
	return text.Text
}

func writePDF(t *testing.T, template Template, symbology Symbology, labels []Label, skip int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := WritePDF(&out, template, symbology, labels, skip); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Rendered by PDFium, all codes of a PDF scan back.
func TestWritePDF_scansBack(t *testing.T) {
	const skip, dpi = 7, 150
	template := findTemplate(t, "avery-l7651")
	labels := testLabels(1000)
	for _, symbology := range symbologies {
		t.Run(string(symbology), func(t *testing.T) {
			pdf := openPDF(t, writePDF(t, template, symbology, labels, skip))
			if want := (len(labels) + skip + 64) / 65; pdf.pages != want {
				t.Fatalf("%d pages, want %d", pdf.pages, want)
			}
			scanned := 0
			for page := range pdf.pages {
				start := page*template.PerPage() - skip
				first, last := max(0, -start), min(template.PerPage(), len(labels)-start)
				pdf.render(t, page, dpi, func(picture image.Image) {
					scanLabels(picture, template, symbology, first, last, func(index int, code string, err error) {
						if want := labels[start+index].Code; err != nil || code != want {
							t.Errorf("label %d: scanned %q, %v; want %q", start+index, code, err, want)
							return
						}
						scanned++
					})
				})
			}
			if scanned != len(labels) {
				t.Errorf("%d of %d codes scan back", scanned, len(labels))
			}
		})
	}
}

// On every template, a UUID scans back beside three lines of text, at 300 dpi.
func TestWritePDF_scansBackOnEveryTemplate(t *testing.T) {
	for _, template := range Templates() {
		for _, symbology := range symbologies {
			label := Label{Code: uuid.NewString(), Lines: []string{"Box 7", "Rack 3", "2026-01-31"}}
			labels := []Label{label, label}
			pdf := openPDF(t, writePDF(t, template, symbology, labels, 0))
			pdf.render(t, pdf.pages-1, 300, func(picture image.Image) {
				last := (len(labels)-1)%template.PerPage() + 1
				scanLabels(picture, template, symbology, 0, last, func(index int, code string, err error) {
					if err != nil || code != label.Code {
						t.Errorf("%s, %s: scanned %q, %v; want %q", template.Name, symbology, code, err, label.Code)
					}
				})
			})
		}
	}
}
