package label

import "slices"

// Template describes how labels are arranged on a page. All sizes are in millimetres. A roll has pages of one label.
type Template struct {
	Name  string
	Title string

	PageWidth   float64
	PageHeight  float64
	LabelWidth  float64
	LabelHeight float64
	Columns     int
	Rows        int
	Left        float64 // margin left of the first column
	Top         float64 // margin above the first row
	GapX        float64 // between two columns
	GapY        float64 // between two rows
}

// PerPage returns the number of labels on a page.
func (t Template) PerPage() int { return t.Columns * t.Rows }

// position returns the upper left corner of a label on its page. Labels fill a page row by row.
func (t Template) position(index int) (x, y float64) {
	return t.Left + float64(index%t.Columns)*(t.LabelWidth+t.GapX), t.Top + float64(index/t.Columns)*(t.LabelHeight+t.GapY)
}

const (
	inch         = 25.4
	a4Width      = 210
	a4Height     = 297
	letterWidth  = 8.5 * inch
	letterHeight = 11 * inch
)

// templates is the closed list of templates: sheets, then rolls, each from small to large labels.
var templates = []Template{
	{
		Name: "avery-l4731", Title: "Avery L4731: 189 labels of 25.4 × 10 mm on A4",
		PageWidth: a4Width, PageHeight: a4Height, LabelWidth: 25.4, LabelHeight: 10, Columns: 7, Rows: 27,
		Left: 8.6, Top: 13.5, GapX: 2.5,
	},
	{
		Name: "avery-l7651", Title: "Avery L7651: 65 labels of 38.1 × 21.2 mm on A4",
		PageWidth: a4Width, PageHeight: a4Height, LabelWidth: 38.1, LabelHeight: 21.2, Columns: 5, Rows: 13,
		Left: 4.75, Top: 10.7, GapX: 2.5,
	},
	{
		Name: "avery-l7159", Title: "Avery L7159: 24 labels of 63.5 × 33.9 mm on A4",
		PageWidth: a4Width, PageHeight: a4Height, LabelWidth: 63.5, LabelHeight: 33.9, Columns: 3, Rows: 8,
		Left: 7.2, Top: 12.9, GapX: 2.5,
	},
	{
		Name: "avery-5167", Title: "Avery 5167: 80 labels of 1¾ × ½ inch on Letter",
		PageWidth: letterWidth, PageHeight: letterHeight, LabelWidth: 1.75 * inch, LabelHeight: 0.5 * inch,
		Columns: 4, Rows: 20, Left: 0.28125 * inch, Top: 0.5 * inch, GapX: 0.3125 * inch,
	},
	{
		Name: "avery-5160", Title: "Avery 5160: 30 labels of 2⅝ × 1 inch on Letter",
		PageWidth: letterWidth, PageHeight: letterHeight, LabelWidth: 2.625 * inch, LabelHeight: 1 * inch,
		Columns: 3, Rows: 10, Left: 0.1875 * inch, Top: 0.5 * inch, GapX: 0.125 * inch,
	},
	roll("roll-24x12", "Roll for small cryo tubes: 24 × 12 mm", 24, 12),
	roll("roll-33x13", "Roll for cryo tubes: 33 × 13 mm", 33, 13),
	roll("roll-50x25", "Roll for boxes: 50 × 25 mm", 50, 25),
	roll("roll-102x51", "Roll for freezer doors: 102 × 51 mm", 102, 51),
}

// roll returns the template of a roll.
func roll(name, title string, width, height float64) Template {
	return Template{
		Name: name, Title: title, PageWidth: width, PageHeight: height, LabelWidth: width, LabelHeight: height,
		Columns: 1, Rows: 1,
	}
}

// Templates returns all templates.
func Templates() []Template { return slices.Clone(templates) }

// FindTemplate returns the template of a name.
func FindTemplate(name string) (Template, bool) {
	i := slices.IndexFunc(templates, func(t Template) bool { return t.Name == name })
	if i < 0 {
		return Template{}, false
	}
	return templates[i], true
}
