package bind

import "strings"

// formulaStarts are the characters at which a spreadsheet begins to read a cell as a formula. Spreadsheets skip a tab
// or a carriage return in front.
const formulaStarts = "=+-@\t\r"

// isFormula reports whether text, after any number of apostrophes, begins as a formula.
func isFormula(text string) bool {
	text = strings.TrimLeft(text, "'")
	return text != "" && strings.IndexByte(formulaStarts, text[0]) >= 0
}

// EscapeFormula puts an apostrophe in front of a CSV cell that a spreadsheet would execute. An import removes it, so
// that every text survives an export and an import.
func EscapeFormula(text string) string {
	if isFormula(text) {
		return "'" + text
	}
	return text
}

// unescapeFormula undoes EscapeFormula. It leaves a formula without an apostrophe as it is.
func unescapeFormula(text string) string {
	if strings.HasPrefix(text, "'") && isFormula(text) {
		return text[1:]
	}
	return text
}
