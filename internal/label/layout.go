package label

import (
	"fmt"
	"math"
)

const (
	// minModule is the smallest side of a module in millimetres: what a printer of 203 dpi draws with two dots, and
	// what common handheld scanners read.
	minModule = 0.25
	// maxModule limits codes on large labels.
	maxModule = 1.0
	// sheetDPI is the resolution on which PDF and SVG align modules, so that printers of 300, 600 and 1200 dpi draw
	// all modules alike.
	sheetDPI = 300

	maxFontSize  = 6.0  // millimetres
	minFontSize  = 1.75 // millimetres, about 5 points
	maxShrink    = 0.6  // of the font size, before lines are cut
	minTextWidth = 4.0  // millimetres; in a narrower space text is omitted
	lineSpacing  = 1.15 // font sizes between two baselines
	margin       = 0.75 // millimetres around the text
)

// placedLabel is a label with its code and text placed. All sizes are in millimetres from its upper left corner.
type placedLabel struct {
	code   string
	symbol symbol
	module float64 // side of a module
	dots   int     // side of a module in dots of the printer
	x, y   float64 // of the symbol without its border

	fontSize float64
	lines    []placedLine
}

// placedLine is a line of text. Its baseline starts at x, y.
type placedLine struct {
	text        string
	x, y, width float64
}

// device is what draws the codes.
type device struct {
	dpi     int  // modules are whole dots of this resolution
	maxDots int  // maximum side of a module in dots
	ownCode bool // the device encodes codes itself
}

// sheet is the device of PDF and SVG.
var sheet = device{dpi: sheetDPI, maxDots: math.MaxInt}

// dot returns the side of a dot in millimetres.
func (d device) dot() float64 { return inch / float64(d.dpi) }

// place lays out all labels, or returns Problems.
func (d device) place(t Template, symbology Symbology, labels []Label) ([]placedLabel, error) {
	placed := make([]placedLabel, len(labels))
	var problems Problems
	for i, label := range labels {
		var err error
		if placed[i], err = d.placeLabel(t, symbology, label); err != nil {
			problems = append(problems, Problem{Index: i, Code: label.Code, Err: err})
		}
	}
	if problems != nil {
		return nil, problems
	}
	return placed, nil
}

// placeLabel lays out one label: the code at the left and the text beside it, or a code alone in the middle.
func (d device) placeLabel(t Template, symbology Symbology, label Label) (placedLabel, error) {
	if err := label.validate(); err != nil {
		return placedLabel{}, err
	}
	var side float64
	for _, level := range errorCorrectionLevels(symbology) {
		s, err := encode(symbology, label.Code, level)
		if err != nil {
			return placedLabel{}, err
		}
		if d.ownCode && symbology == DataMatrix {
			s.size = printerDataMatrixSize(label.Code)
		}
		p := placedLabel{code: label.Code, symbol: s}
		if p.dots, side = d.moduleDots(t, s.full(), len(label.Lines) > 0); p.dots == 0 {
			continue
		}
		p.module = float64(p.dots) * d.dot()
		full := p.module * float64(s.full())
		border := p.module * float64(s.quiet)
		p.x, p.y = border, (t.LabelHeight-full)/2+border
		p.placeText(t, label.Lines, full)
		if len(p.lines) == 0 {
			p.x = (t.LabelWidth-full)/2 + border
		}
		return p, nil
	}
	return placedLabel{}, fmt.Errorf("%w: it needs a square of %.1f mm, and the label is %.4g × %.4g mm", ErrCodeTooLong,
		side, t.LabelWidth, t.LabelHeight)
}

// moduleDots returns the side of a module in dots for a symbol of a number of modules, border included, or 0 and the
// side that the symbol needs if the label is too small. Text claims half of the label's width, unless the code needs
// more.
func (d device) moduleDots(t Template, modules int, hasText bool) (dots int, side float64) {
	minDots := int(math.Ceil(minModule/d.dot() - 0.01))
	side = float64(modules*minDots) * d.dot()
	available := min(t.LabelWidth, t.LabelHeight)
	if side > available {
		return 0, side
	}
	if hasText {
		available = min(available, t.LabelWidth/2)
	}
	dots = int(min(available/float64(modules), maxModule)/d.dot() + 1e-6)
	return min(max(dots, minDots), d.maxDots), side
}

// placeText places the lines in the space right of the code. Lines that are too long are set smaller, then cut.
func (p *placedLabel) placeText(t Template, lines []string, left float64) {
	width, height := t.LabelWidth-left-margin, t.LabelHeight-2*margin
	if len(lines) == 0 || width < minTextWidth {
		return
	}
	texts := make([]string, len(lines))
	widest := 0.0
	for i, line := range lines {
		texts[i] = printable(line)
		widest = max(widest, textWidth(texts[i]))
	}
	p.fontSize = min(maxFontSize, t.LabelHeight/5, height/(float64(len(lines)-1)*lineSpacing+ascent+descent))
	p.fontSize = max(min(p.fontSize, width/max(widest, 1e-6)), p.fontSize*maxShrink, minFontSize)
	block := (float64(len(lines)-1)*lineSpacing + ascent + descent) * p.fontSize
	baseline := (t.LabelHeight-block)/2 + ascent*p.fontSize
	for _, text := range texts {
		// The tolerance is for the rounding of a font size that was chosen to fit.
		if text = cutText(text, width/p.fontSize+1e-9); text != "" {
			p.lines = append(p.lines, placedLine{text: text, x: left, y: baseline, width: textWidth(text) * p.fontSize})
		}
		baseline += lineSpacing * p.fontSize
	}
}

// checkSkip validates the number of labels that are already used on the first page.
func checkSkip(t Template, skip int) error {
	if skip < 0 || skip >= t.PerPage() {
		return fmt.Errorf("skip must be between 0 and %d, got %d", t.PerPage()-1, skip)
	}
	return nil
}
