package relation

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"labledger/api/problem"
)

// A word is a word of ?q=. It must occur in the row's texts, in the name of a referenced row, or in a key.
type word struct {
	text   string
	digits string // hexadecimal digits, which may be a part of a MAC address or of a UUID; "" for other words
}

// minTrigrams is the length of a word from which an index of trigrams finds it.
const minTrigrams = 3

var (
	separatorsRE = regexp.MustCompile(`^urn:uuid:|[-:.{}]`)
	digitsRE     = regexp.MustCompile(`^[0-9a-f]{4,32}$`)
	integerRE    = regexp.MustCompile(`^[0-9]{1,18}$`)
)

// parseWords parses ?q=.
func parseWords(text string, errs *problem.FieldErrors) []word {
	if reason := checkQueryText(text); reason != "" {
		errs.Add(queryParam, reason)
		return nil
	}
	fields := strings.Fields(text)
	switch {
	case len(fields) == 0:
		errs.Add(queryParam, "must not be blank")
	case len(fields) > maxWords:
		errs.Add(queryParam, fmt.Sprintf("must have at most %d words", maxWords))
	}
	var words []word
	for _, field := range fields {
		w := word{text: field}
		if digits := separatorsRE.ReplaceAllString(strings.ToLower(field), ""); digitsRE.MatchString(digits) {
			w.digits = digits
		}
		words = append(words, w)
	}
	return words
}

// occurs returns the condition that a word occurs in a row.
func (b *builder) occurs(w word) string {
	r := b.request.relation
	param := b.bind(w.text)
	conditions := []string{b.searchSQL(w) + " LIKE contains_pattern(" + param + ")"}
	for i := range r.columns {
		c := &r.columns[i]
		switch {
		case c.join >= 0:
		case c.Type == UUID && w.digits != "":
			conditions = append(conditions, fmt.Sprintf("%s BETWEEN %s AND %s", c.sql(),
				b.bind(padUUID(w.digits, "0")), b.bind(padUUID(w.digits, "f"))))
		case c.Type == MAC && w.digits != "":
			conditions = append(conditions, fmt.Sprintf("replace(%s::text, ':', '') LIKE contains_pattern(%s)",
				c.sql(), b.bind(w.digits)))
		case c.Type == Integer && len(r.key) == 1 && c.Name == r.key[0].Name && integerRE.MatchString(w.text):
			conditions = append(conditions, c.sql()+" = "+b.bind(w.text))
		}
	}
	return anyOf(append(conditions, r.namedBy(-1, param)...))
}

// padUUID returns the first or the last UUID that begins with digits.
func padUUID(digits, padding string) string {
	d := digits + strings.Repeat(padding, 32-len(digits))
	return strings.Join([]string{d[:8], d[8:12], d[12:16], d[16:20], d[20:]}, "-")
}

// searchSQL returns the text of a row that a search compares. A short word has no trigram; the empty suffix keeps
// Postgres from reading the whole index of trigrams for it.
func (b *builder) searchSQL(w word) string {
	r := b.request.relation
	switch {
	case !r.search:
		var texts []string
		for i := range r.columns {
			if c := &r.columns[i]; c.Type == Text && c.join < 0 {
				texts = append(texts, c.sql())
			}
		}
		return "search_text(concat_ws(E'\\n', '', " + strings.Join(texts, ", ") + "))"
	case utf8.RuneCountInString(w.text) < minTrigrams:
		return "(" + sourceList + ".search || '')"
	}
	return sourceList + ".search"
}

// namedBy returns the conditions that a referenced row has a word in its name. parent is the join of the references, or
// -1 for those of the list itself.
func (r *Relation) namedBy(parent int, param string) []string {
	var conditions []string
	for i, j := range r.joins {
		if j.on.join != parent || j.target.label == nil {
			continue
		}
		named := append(
			[]string{fmt.Sprintf("search_text(%s.%s) LIKE contains_pattern(%s)", j.alias, j.target.label.origin, param)},
			r.namedBy(i, param)...)
		conditions = append(conditions, fmt.Sprintf("%s = ANY (ARRAY(SELECT %s.%s FROM (\n%s\n) AS %s WHERE %s))",
			j.on.sql(), j.alias, j.key.origin, j.target.statement, j.alias, anyOf(named)))
	}
	return conditions
}
