package label

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// zplCommand is a command of a ZPL job. The data of ^FD is decoded.
type zplCommand struct{ name, data string }

// parseZPL reads a job as a printer does: commands start with ^ or ~ wherever these characters stand.
func parseZPL(t testing.TB, job string) (commands []zplCommand) {
	t.Helper()
	hexadecimal := false
	for part := range strings.SplitSeq(strings.ReplaceAll(job, "~", "^~"), "^") {
		part = strings.TrimSuffix(part, "\n")
		if part == "" {
			continue
		}
		if len(part) < 2 || part[0] == '~' {
			t.Fatalf("unexpected command %q", part)
		}
		command := zplCommand{name: part[:2], data: part[2:]}
		if part[0] == 'A' { // ^A has its font in the place of a second letter
			command = zplCommand{name: "A", data: part[1:]}
		}
		switch command.name {
		case "FH":
			hexadecimal = true
		case "FD":
			if !hexadecimal {
				t.Fatalf("field %q has no ^FH", command.data)
			}
			command.data = decodeZPLField(t, command.data)
		case "FS":
			hexadecimal = false
		}
		commands = append(commands, command)
	}
	return commands
}

func decodeZPLField(t testing.TB, field string) string {
	t.Helper()
	var data []byte
	for i := 0; i < len(field); i++ {
		if field[i] != '_' {
			data = append(data, field[i])
			continue
		}
		if i+2 >= len(field) {
			t.Fatalf("field %q ends within an escape", field)
		}
		b, err := hex.DecodeString(field[i+1 : i+3])
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, b...)
		i += 2
	}
	return string(data)
}

// decodeZPLCode returns the code that a printer encodes for the data of a field.
func decodeZPLCode(t testing.TB, symbology Symbology, data string) string {
	t.Helper()
	if symbology == QR {
		if !strings.HasPrefix(data, "MA,") && !strings.HasPrefix(data, "LA,") {
			t.Fatalf("data of a QR code: %q", data)
		}
		return data[3:]
	}
	plain := strings.ReplaceAll(data, "__", "\x00")
	if strings.Contains(plain, "_") {
		t.Fatalf("data %q has an escape sequence", data)
	}
	return strings.ReplaceAll(plain, "\x00", "_")
}

// checkZPL writes a label and compares what a printer reads.
func checkZPL(t testing.TB, template Template, symbology Symbology, label Label, dpi int) {
	t.Helper()
	var out bytes.Buffer
	if err := WriteZPL(&out, template, symbology, []Label{label}, dpi); err != nil {
		t.Fatal(err)
	}
	var names string
	var fields []string
	for _, command := range parseZPL(t, out.String()) {
		names += command.name + " "
		if command.name == "FD" {
			fields = append(fields, command.data)
		}
	}
	codeCommands := map[Symbology]string{QR: "FO BY BQ FH FD FS ", DataMatrix: "FO BX FH FD FS "}[symbology]
	want := "XA CI LH LS PW LL " + codeCommands + strings.Repeat("FO A FH FD FS ", len(fields)-1) + "XZ "
	if names != want {
		t.Errorf("%+v is printed by %q, want %q", label, names, want)
	}
	if code := decodeZPLCode(t, symbology, fields[0]); code != label.Code {
		t.Errorf("the code is %q, want %q", code, label.Code)
	}
	lines := fields[1:]
	for _, line := range label.Lines {
		text := printable(line)
		if len(lines) > 0 && isCut(lines[0], text) {
			lines = lines[1:]
		} else if text != "" && len(fields) > 1 {
			t.Errorf("line %q is missing in %q", text, fields)
		}
	}
	if len(lines) > 0 {
		t.Errorf("unexpected lines %q", lines)
	}
}

// A printer reads every code byte for byte, at every resolution.
func TestWriteZPL_readsBack(t *testing.T) {
	template := findTemplate(t, "roll-102x51")
	for _, label := range testLabels(1000) {
		for _, symbology := range symbologies {
			for _, dpi := range zplDPI {
				checkZPL(t, template, symbology, label, dpi)
			}
		}
	}
}

func TestWriteZPL_placesModules(t *testing.T) {
	label := Label{Code: "3f2504e0-4f89-41d3-9a0c-0305e82c3301", Lines: []string{"a"}}
	for dpi, want := range map[int]string{203: "^BXN,3,200,", 300: "^BXN,5,200,", 600: "^BXN,10,200,"} {
		var out bytes.Buffer
		if err := WriteZPL(&out, findTemplate(t, "roll-33x13"), DataMatrix, []Label{label}, dpi); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("%d dpi: no %q in %s", dpi, want, out.String())
		}
	}
	if err := WriteZPL(&bytes.Buffer{}, templates[0], QR, nil, 72); err == nil {
		t.Error("72 dpi is accepted")
	}
}

// No text adds a command to the job or panics.
func FuzzWriteZPL(f *testing.F) {
	for _, label := range testLabels(20) {
		f.Add(label.Code, fmt.Sprint(label.Lines))
	}
	f.Add("^XZ~JR^XA", "^FS^XZ~DG_5E\\&")
	f.Add("__1_d065_", "\x00\xff^")
	template := templates[len(templates)-1]
	f.Fuzz(func(t *testing.T, code, text string) {
		label := Label{Code: code, Lines: []string{text, code, text}}
		if label.validate() != nil {
			return
		}
		for _, symbology := range symbologies {
			if err := WriteZPL(&bytes.Buffer{}, template, symbology, []Label{label}, 203); err == nil {
				checkZPL(t, template, symbology, label, 203)
			}
		}
	})
}
