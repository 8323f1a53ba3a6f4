package label

import (
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

const (
	ellipsis    = "…"
	placeholder = '□' // stands for a character that the font lacks

	ascent  = 0.78 // height of Latin letters with accents above the baseline, in em
	descent = 0.22
)

// fontAdvances returns the width in em of each character of the font.
var fontAdvances = sync.OnceValue(func() map[rune]float64 {
	parsed, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		panic("label: parse the embedded font: " + err.Error())
	}
	const em = 2048
	advances := map[rune]float64{}
	var buffer sfnt.Buffer
	for r := rune(' '); r <= 0xFFFF; r++ {
		glyph, err := parsed.GlyphIndex(&buffer, r)
		if err != nil || glyph == 0 || unicode.IsControl(r) {
			continue
		}
		width, err := parsed.GlyphAdvance(&buffer, glyph, fixed.I(em), font.HintingNone)
		if err == nil {
			advances[r] = float64(width) / float64(fixed.I(em))
		}
	}
	return advances
})

// textWidth returns the width of a text in em. The text must be printable.
func textWidth(text string) (width float64) {
	advances := fontAdvances()
	for _, r := range text {
		width += advances[r]
	}
	return width
}

// printable returns the text as the font can show it. White space and control characters become spaces. Invisible and
// combining characters disappear. Any other character that the font lacks becomes a placeholder.
func printable(text string) string {
	advances := fontAdvances()
	text = norm.NFC.String(strings.ToValidUTF8(text, string(unicode.ReplacementChar)))
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch _, known := advances[r]; {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		case unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me):
			return -1
		case !known:
			return placeholder
		}
		return r
	}, text))
}

// cutText returns the longest beginning of a printable text that fits the width in em, with an ellipsis if it is cut.
func cutText(text string, width float64) string {
	if textWidth(text) <= width {
		return text
	}
	advances := fontAdvances()
	rest := width - textWidth(ellipsis)
	if rest < 0 {
		return ""
	}
	for i, r := range text {
		if rest -= advances[r]; rest < 0 {
			return strings.TrimRight(text[:i], " ") + ellipsis
		}
	}
	return text
}
