package label

import (
	"slices"
	"strings"
	"testing"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/datamatrix"
	"github.com/boombuler/barcode/qr"
	"github.com/makiuchi-d/gozxing/datamatrix/encoder"
)

// modules returns the modules of a symbol of another encoder.
func modules(code barcode.Barcode) (dark []bool) {
	size := code.Bounds().Dx()
	for i := range size * size {
		r, _, _, _ := code.At(i%size, i/size).RGBA()
		dark = append(dark, r == 0)
	}
	return dark
}

// For digits there is one encodation, so two encoders make the same Data Matrix code. The lengths cover all sizes that
// codes of up to MaxCode bytes need.
func TestEncode_dataMatrixEqualsOtherEncoder(t *testing.T) {
	for length := 2; length <= MaxCode; length += 2 {
		code := strings.Repeat("8301947265", MaxCode)[:length]
		s, err := encode(DataMatrix, code, errorCorrectionLevels(DataMatrix)[0])
		if err != nil {
			t.Fatal(err)
		}
		other, err := datamatrix.Encode(code)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.dark, modules(other)) {
			t.Errorf("%d digits: the symbol differs from that of the other encoder", length)
		}
	}
}

// The decoder of the tests also reads the QR codes of another encoder.
func TestScanModules_readsOtherEncoder(t *testing.T) {
	for _, label := range testLabels(60) {
		other, err := qr.Encode(label.Code, qr.M, qr.Auto)
		if err != nil {
			t.Fatal(err)
		}
		s, err := encode(QR, label.Code, errorCorrectionLevels(QR)[0])
		if err != nil {
			t.Fatal(err)
		}
		if s.size != other.Bounds().Dx() {
			t.Errorf("%q has %d modules, want %d", label.Code, s.size, other.Bounds().Dx())
		}
		s.size, s.dark = other.Bounds().Dx(), modules(other)
		if code, err := scanModules(s, QR); err != nil || code != label.Code {
			t.Errorf("scanned %q, %v; want %q", code, err, label.Code)
		}
	}
}

// A printer never needs a larger Data Matrix code than the layout reserves.
func TestPrinterDataMatrixSize_isUpperBound(t *testing.T) {
	for _, label := range testLabels(300) {
		s, err := encode(DataMatrix, label.Code, errorCorrectionLevels(DataMatrix)[0])
		if err != nil {
			t.Fatal(err)
		}
		if size := printerDataMatrixSize(label.Code); size < s.size {
			t.Errorf("%q: %d modules, the encoder needs %d", label.Code, size, s.size)
		}
	}
	if _, err := encoder.SymbolInfo_Lookup(2*MaxCode, squareSymbol, nil, nil, true); err != nil {
		t.Errorf("no symbol holds the longest code: %v", err)
	}
}

// Any code that is valid scans back from its symbol.
func FuzzEncode(f *testing.F) {
	for _, label := range testLabels(30) {
		f.Add(label.Code)
	}
	f.Add(strings.Repeat("ü", MaxCode/2))
	f.Add(strings.Repeat("ü", 125))
	f.Add(strings.Repeat("a", MaxCode))
	f.Add("\"%0AA`^{z|Z^a}^|0Z1> 5cHNGZE1QJz}00}|")
	f.Fuzz(func(t *testing.T, code string) {
		if (Label{Code: code}).validate() != nil {
			return
		}
		for _, symbology := range symbologies {
			for _, level := range errorCorrectionLevels(symbology) {
				s, err := encode(symbology, code, level)
				if err != nil {
					t.Fatalf("%s: %v", symbology, err)
				}
				if scanned, err := scanModules(s, symbology); err != nil || scanned != code {
					t.Errorf("%s: scanned %q, %v; want %q", symbology, scanned, err, code)
				}
			}
		}
	})
}
