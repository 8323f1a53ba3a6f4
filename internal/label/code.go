package label

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/makiuchi-d/gozxing/datamatrix/encoder"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	qrencoder "github.com/makiuchi-d/gozxing/qrcode/encoder"
)

// symbol is a square of modules.
type symbol struct {
	size  int    // modules on a side
	quiet int    // width of the white border on each side, in modules
	dark  []bool // row by row
	level string // error correction level of a QR code
}

const (
	// quietQR is the border that ISO/IEC 18004 requires.
	quietQR = 4
	// quietDataMatrix is twice the border that ISO/IEC 16022 requires.
	quietDataMatrix = 2
)

// full returns the side of the symbol with its border, in modules.
func (s symbol) full() int { return s.size + 2*s.quiet }

// errorCorrectionLevels returns the levels of a symbology from the most to the least robust.
func errorCorrectionLevels(symbology Symbology) []decoder.ErrorCorrectionLevel {
	if symbology == QR {
		return []decoder.ErrorCorrectionLevel{decoder.ErrorCorrectionLevel_M, decoder.ErrorCorrectionLevel_L}
	}
	return make([]decoder.ErrorCorrectionLevel, 1) // Data Matrix has one level
}

// encode returns the symbol of a code.
func encode(symbology Symbology, code string, level decoder.ErrorCorrectionLevel) (symbol, error) {
	switch symbology {
	case QR:
		return encodeQR(code, level)
	case DataMatrix:
		return encodeDataMatrix(code)
	}
	return symbol{}, fmt.Errorf("unknown symbology %q", symbology)
}

// encodeQR returns a QR code.
func encodeQR(code string, level decoder.ErrorCorrectionLevel) (symbol, error) {
	qr, err := qrencoder.Encoder_encode(code, level, nil)
	if err != nil {
		return symbol{}, fmt.Errorf("encode QR code: %w", err)
	}
	size := qr.GetMatrix().GetWidth()
	s := symbol{size: size, quiet: quietQR, dark: make([]bool, size*size), level: level.String()}
	for i := range s.dark {
		s.dark[i] = qr.GetMatrix().Get(i%size, i/size) == 1
	}
	return s, nil
}

// encodeDataMatrix returns a square Data Matrix code of ECC 200.
func encodeDataMatrix(code string) (symbol, error) {
	codewords, info, err := dataMatrixCodewords(code)
	if err != nil {
		return symbol{}, fmt.Errorf("encode Data Matrix code: %w", err)
	}
	if codewords, err = encoder.ErrorCorrection_EncodeECC200(codewords, info); err != nil {
		return symbol{}, fmt.Errorf("encode Data Matrix code: %w", err)
	}
	placement := encoder.NewDefaultPlacement(codewords, info.GetSymbolDataWidth(), info.GetSymbolDataHeight())
	placement.Place()
	size, data := info.GetSymbolWidth(), info.GetMatrixWidth()
	s := symbol{size: size, quiet: quietDataMatrix, dark: make([]bool, size*size)}
	region := data + 2 // a symbol has one or more regions, each with a border of one module
	for i := range s.dark {
		x, y := i%size, i/size
		switch rx, ry := x%region, y%region; {
		case rx == 0 || ry == region-1: // solid left and bottom border
			s.dark[i] = true
		case ry == 0: // alternating top border
			s.dark[i] = rx%2 == 0
		case rx == region-1: // alternating right border
			s.dark[i] = ry%2 == 1
		default:
			s.dark[i] = placement.GetBit(x/region*data+rx-1, y/region*data+ry-1)
		}
	}
	return s, nil
}

// dataMatrixCodewords returns the data codewords of a code and the smallest symbol that holds them. It does not use the
// library's compression, which never returns for some codes and makes wrong symbols of others.
func dataMatrixCodewords(code string) ([]byte, *encoder.SymbolInfo, error) {
	if strings.ContainsFunc(code, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return padCodewords(base256Codewords(code))
	}
	return padCodewords(asciiCodewords(code))
}

const squareSymbol = encoder.SymbolShapeHint_FORCE_SQUARE

// asciiCodewords encodes a code in the ASCII encodation: pairs of digits in one codeword, other ASCII in one each, and
// other bytes in two.
func asciiCodewords(code string) (codewords []byte) {
	const upperShift = 235
	for i := 0; i < len(code); i++ {
		switch c := code[i]; {
		case c >= utf8.RuneSelf:
			codewords = append(codewords, upperShift, c-127)
		case i+1 < len(code) && isDigit(c) && isDigit(code[i+1]):
			codewords = append(codewords, 130+10*(c-'0')+code[i+1]-'0')
			i++
		default:
			codewords = append(codewords, c+1)
		}
	}
	return codewords
}

// base256Codewords encodes a code in the Base 256 encodation, which scrambles codewords by their positions.
func base256Codewords(code string) []byte {
	const latch = 231
	codewords := []byte{latch}
	add := func(c byte) {
		codewords = append(codewords, c+byte(149*(len(codewords)+1)%255+1))
	}
	if len(code) >= 250 {
		add(byte(len(code)/250 + 249))
	}
	add(byte(len(code) % 250))
	for i := range len(code) {
		add(code[i])
	}
	return codewords
}

// padCodewords fills the smallest symbol that holds the codewords.
func padCodewords(codewords []byte) ([]byte, *encoder.SymbolInfo, error) {
	const pad, modulus = 129, 254
	info, err := encoder.SymbolInfo_Lookup(len(codewords), squareSymbol, nil, nil, true)
	if err != nil {
		return nil, nil, err
	}
	for first := true; len(codewords) < info.GetDataCapacity(); first = false {
		c := pad
		if !first {
			if c += 149*(len(codewords)+1)%253 + 1; c > modulus {
				c -= modulus
			}
		}
		codewords = append(codewords, byte(c))
	}
	return codewords, info, nil
}

// printerDataMatrixSize returns the largest side that a printer may choose for a Data Matrix code, in modules. Printers
// differ in how well they compress, but none needs more than the ASCII encodation.
func printerDataMatrixSize(code string) int {
	info, err := encoder.SymbolInfo_Lookup(len(asciiCodewords(code)), squareSymbol, nil, nil, true)
	if err != nil { // cannot happen: MaxCode bytes need at most 2*MaxCode codewords
		return 144
	}
	return info.GetSymbolWidth()
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// runs calls f for each horizontal run of dark modules.
func (s symbol) runs(f func(x, y, length int)) {
	for y := range s.size {
		row := s.dark[y*s.size : (y+1)*s.size]
		for x := 0; x < s.size; x++ {
			start := x
			for x < s.size && row[x] {
				x++
			}
			if x > start {
				f(start, y, x-start)
			}
		}
	}
}
