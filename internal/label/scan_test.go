package label

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"testing"

	"github.com/makiuchi-d/gozxing"
	dmdecoder "github.com/makiuchi-d/gozxing/datamatrix/decoder"
	dmdetector "github.com/makiuchi-d/gozxing/datamatrix/detector"
	qrdecoder "github.com/makiuchi-d/gozxing/qrcode/decoder"
	qrdetector "github.com/makiuchi-d/gozxing/qrcode/detector"
)

// scan returns the code that a picture shows. Like a hand-held scanner, it looks at the picture from several sides,
// because the detector of the library misses some undamaged codes from one side.
func scan(picture image.Image, symbology Symbology) (code string, err error) {
	if symbology == DataMatrix {
		picture = cropToSymbol(picture)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		return "", err
	}
	matrix, err := bitmap.GetBlackMatrix()
	if err != nil {
		return "", err
	}
	for range 4 {
		if code, err = scanSide(matrix, symbology); err == nil {
			return code, nil
		}
		matrix.Rotate90()
	}
	return "", err
}

// scanSide returns the code that a picture shows from one side.
func scanSide(matrix *gozxing.BitMatrix, symbology Symbology) (string, error) {
	if symbology == QR {
		found, err := qrdetector.NewDetector(matrix).Detect(map[gozxing.DecodeHintType]any{
			gozxing.DecodeHintType_TRY_HARDER: true,
		})
		if err != nil {
			return "", err
		}
		return decode(found.GetBits(), symbology)
	}
	detector, err := dmdetector.NewDetector(matrix)
	if err != nil {
		return "", err
	}
	found, err := detector.Detect()
	if err != nil {
		return "", err
	}
	return decode(found.GetBits(), symbology)
}

// decode returns the code of the modules that a detector found.
func decode(matrix *gozxing.BitMatrix, symbology Symbology) (string, error) {
	if symbology == QR {
		result, err := qrdecoder.NewDecoder().Decode(matrix, nil)
		if err != nil {
			return "", err
		}
		if bytes := result.GetByteSegments(); len(bytes) > 0 { // the decoder guesses the charset of its text
			return string(bytes[0]), nil
		}
		return result.GetText(), nil
	}
	result, err := dmdecoder.NewDecoder().Decode(matrix)
	if err != nil {
		return "", err
	}
	return utf8Text(result.GetText())
}

// scanModules returns the code of a symbol without looking for it in a picture.
func scanModules(s symbol, symbology Symbology) (string, error) {
	matrix, err := gozxing.NewSquareBitMatrix(s.size)
	if err != nil {
		return "", err
	}
	for i, dark := range s.dark {
		if dark {
			matrix.Set(i%s.size, i/s.size)
		}
	}
	return decode(matrix, symbology)
}

// cropToSymbol returns the Data Matrix code that is the first object from the left, because the detector expects the
// code in the middle of the picture. All columns of a code have dark modules.
func cropToSymbol(picture image.Image) image.Image {
	bounds := picture.Bounds()
	isDark := func(x int) bool {
		for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
			if color.GrayModel.Convert(picture.At(x, y)).(color.Gray).Y < 128 {
				return true
			}
		}
		return false
	}
	start := bounds.Min.X
	for start < bounds.Max.X && !isDark(start) {
		start++
	}
	end := start
	for end < bounds.Max.X && isDark(end) {
		end++
	}
	const border = 3
	cropped := image.NewGray(image.Rect(0, 0, end-start+2*border, bounds.Dy()))
	draw.Draw(cropped, cropped.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(cropped, image.Rect(border, 0, border+end-start, bounds.Dy()), picture, image.Pt(start, bounds.Min.Y),
		draw.Src)
	return cropped
}

// utf8Text returns the text whose bytes the decoder took for Latin-1.
func utf8Text(latin1 string) (string, error) {
	var text []byte
	for _, r := range latin1 {
		if r > 0xFF {
			return "", fmt.Errorf("character %U is not Latin-1", r)
		}
		text = append(text, byte(r))
	}
	return string(text), nil
}

// A few changed modules are corrected. If many are changed, scanning fails.
func TestScan_noticesDamage(t *testing.T) {
	for _, symbology := range symbologies {
		s, err := encode(symbology, "3f2504e0-4f89-41d3-9a0c-0305e82c3301", errorCorrectionLevels(symbology)[0])
		if err != nil {
			t.Fatal(err)
		}
		center := s.size/2*s.size + s.size/2
		s.dark[center] = !s.dark[center]
		if code, err := scan(draw4(s), symbology); err != nil || code != "3f2504e0-4f89-41d3-9a0c-0305e82c3301" {
			t.Errorf("%s: one changed module: scanned %q, %v", symbology, code, err)
		}
		finder := map[Symbology]int{QR: 9, DataMatrix: 2}[symbology]
		for y := finder; y < s.size-finder; y++ {
			for x := finder; x < s.size-2; x++ {
				s.dark[y*s.size+x] = (x*y+x)%3 == 0
			}
		}
		if code, err := scan(draw4(s), symbology); err == nil {
			t.Errorf("%s: damaged: scanned %q, want an error", symbology, code)
		}
	}
}

// draw4 draws a symbol with modules of 4 × 4 pixels.
func draw4(s symbol) image.Image {
	picture := image.NewGray(image.Rect(0, 0, 4*s.full(), 4*s.full()))
	draw.Draw(picture, picture.Bounds(), image.White, image.Point{}, draw.Src)
	s.runs(func(x, y, length int) {
		dark := image.Rect(x, y, x+length, y+1).Add(image.Pt(s.quiet, s.quiet))
		draw.Draw(picture, image.Rect(4*dark.Min.X, 4*dark.Min.Y, 4*dark.Max.X, 4*dark.Max.Y),
			image.NewUniform(color.Black), image.Point{}, draw.Src)
	})
	return picture
}
