package api

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/internal/label"
)

// LabelParams choose the labels of containers.
type LabelParams struct {
	// Sheet or roll; see GET /api/v1/label-templates. Default: avery-l7651.
	Template *string `json:"template"`
	// pdf, zpl or svg. Default: pdf.
	Format *string `json:"format"`
	// Kind of code: qr or datamatrix. Default: qr. The code holds the barcode of the container, or else its UUID.
	Symbology *string `json:"symbology"`
	// Columns of containers whose values are the lines of text, up to 3, separated by commas. Values that are null take
	// no line. Default: description,barcode,project.
	Lines *string `json:"lines"`
	// Number of labels of the first sheet that are already used. Default: 0.
	Skip *int64 `json:"skip"`
	// Resolution of the label printer for ZPL, in dots per inch: 152, 203, 300 or 600. Default: 203.
	DPI *int64 `json:"dpi"`
}

// The formats of labels.
const (
	formatPDF = "pdf"
	formatZPL = "zpl"
	formatSVG = "svg"
)

// labelMediaTypes are the media types of the formats of labels.
var labelMediaTypes = map[string]string{
	formatPDF: "application/pdf", formatZPL: "application/zpl", formatSVG: "image/svg+xml",
}

// renderLabels renders one label for each matching container.
var renderLabels = rest.Renderer[LabelParams]{Columns: labelColumns, Render: RenderLabels}

const (
	defaultTemplate = "avery-l7651"
	defaultLines    = "description,barcode,project"
)

var printerResolutions = []int64{152, 203, 300, 600}

// labelColumns validates the parameters. It returns the columns of the code and of the lines.
func labelColumns(in LabelParams, errs *problem.FieldErrors) []string {
	template, found := label.FindTemplate(value(in.Template, defaultTemplate))
	if !found {
		var names []string
		for _, t := range label.Templates() {
			names = append(names, t.Name)
		}
		errs.Add("template", "must be "+problem.JoinOr(names))
	}
	if format := value(in.Format, formatPDF); labelMediaTypes[format] == "" {
		errs.Add("format", "must be pdf, zpl or svg")
	}
	if _, err := label.ParseSymbology(value(in.Symbology, string(label.QR))); err != nil {
		errs.Add("symbology", "must be qr or datamatrix")
	}
	if skip := value(in.Skip, 0); found && (skip < 0 || skip >= int64(template.PerPage())) {
		errs.Add("skip", fmt.Sprintf("must be from 0 to %d", template.PerPage()-1))
	}
	if !slices.Contains(printerResolutions, value(in.DPI, 203)) {
		errs.Add("dpi", "must be 152, 203, 300 or 600")
	}
	columns := []string{"uuid", "barcode"}
	lines := labelLines(in)
	if len(lines) > label.MaxLines {
		errs.Add("lines", fmt.Sprintf("must name at most %d columns", label.MaxLines))
	}
	for _, name := range lines {
		if !slices.Contains(columns, name) {
			columns = append(columns, name)
		}
	}
	return columns
}

// labelLines returns the columns of the lines of text.
func labelLines(in LabelParams) []string {
	lines := value(in.Lines, defaultLines)
	if lines == "" {
		return nil
	}
	return strings.Split(lines, ",")
}

// RenderLabels renders a label for each container that matches the filters, in the order of the list: a code with the
// barcode of the container, or else its UUID, and lines of text. What is printed scans back. At most 5,000 containers
// may match. Print PDF at its full size, without scaling.
func RenderLabels(in LabelParams, rows []map[string]string) (rest.File, error) {
	template, _ := label.FindTemplate(value(in.Template, defaultTemplate))
	symbology := label.Symbology(value(in.Symbology, string(label.QR)))
	format := value(in.Format, formatPDF)
	labels := make([]label.Label, len(rows))
	for i, row := range rows {
		labels[i].Code = cmp.Or(row["barcode"], row["uuid"])
		for _, column := range labelLines(in) {
			if text := row[column]; text != "" {
				labels[i].Lines = append(labels[i].Lines, text)
			}
		}
	}
	var body bytes.Buffer
	var err error
	switch skip := int(value(in.Skip, 0)); format {
	case formatPDF:
		err = label.WritePDF(&body, template, symbology, labels, skip)
	case formatSVG:
		err = label.WriteSVG(&body, template, symbology, labels, skip)
	default:
		err = label.WriteZPL(&body, template, symbology, labels, int(value(in.DPI, 203)))
	}
	var problems label.Problems
	switch {
	case errors.As(err, &problems):
		return rest.File{}, labelProblem(problems, rows)
	case err != nil:
		return rest.File{}, err
	}
	return rest.File{MediaType: labelMediaTypes[format], Name: "labels." + format, Body: body.Bytes()}, nil
}

// labelProblem converts the problems of labels.
func labelProblem(problems label.Problems, rows []map[string]string) error {
	var errs problem.FieldErrors
	for _, p := range problems {
		if errs.Full() {
			break
		}
		errs.Add("container "+rows[p.Index]["uuid"], p.Err.Error()+"; choose a larger label, or datamatrix")
	}
	return errs.Err()
}

// value returns the value of a parameter, or its default.
func value[T any](given *T, missing T) T {
	if given == nil {
		return missing
	}
	return *given
}

// LabelTemplates are the sheets and rolls of labels.
type LabelTemplates struct {
	// The templates, with their sizes in millimetres: sheets first.
	Templates []LabelTemplate `json:"templates"`
}

// LabelTemplate is a sheet of labels, or a roll, whose pages have one label. Sizes are in millimetres.
type LabelTemplate struct {
	// Name for the parameter template.
	Name string `json:"name"`
	// Title for people.
	Title string `json:"title"`
	// Width of a page.
	PageWidth float64 `json:"page_width"`
	// Height of a page.
	PageHeight float64 `json:"page_height"`
	// Width of a label.
	LabelWidth float64 `json:"label_width"`
	// Height of a label.
	LabelHeight float64 `json:"label_height"`
	// Number of labels in a row.
	Columns int `json:"columns"`
	// Number of rows on a page.
	Rows int `json:"rows"`
}

// ShowLabelTemplates returns the sheets and rolls on which labels can be printed.
func ShowLabelTemplates(context.Context, *rest.Call, rest.NoParams) (LabelTemplates, error) {
	all := LabelTemplates{Templates: []LabelTemplate{}}
	for _, t := range label.Templates() {
		all.Templates = append(all.Templates, LabelTemplate{
			t.Name, t.Title, t.PageWidth, t.PageHeight, t.LabelWidth, t.LabelHeight, t.Columns, t.Rows,
		})
	}
	return all, nil
}
