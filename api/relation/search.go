package relation

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"labledger/api/problem"
)

// A word is a word of ?q=. It must occur in the row's texts, in the name of a referenced row, or in a key.
type word struct {
	text   string
	digits string            // hexadecimal digits, which may be a part of a MAC address or of a UUID; "" for other words
	named  map[string]string // keys of the referenced rows with the word in their names, by reference; nil if unknown
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
		case len(b.request.words) > 1 || len(r.key) > 1 || c.Name != r.key[0].Name:
		case c.Type == Integer && isInRange(c, w.text): // an ID, and not a number in a text
			conditions = append(conditions, c.sql()+" = "+b.bind(w.text))
		}
	}
	return anyOf(append(conditions, b.namedBy(w, param)...))
}

// isInRange reports whether a text is an integer that the column can have.
func isInRange(c *Column, text string) bool {
	_, err := strconv.ParseInt(text, 10, c.goType.Bits())
	return err == nil && integerRE.MatchString(text)
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

// namedBy returns the conditions that a referenced row has the word in its name.
func (b *builder) namedBy(w word, param string) []string {
	var conditions []string
	for i, j := range b.request.relation.joins {
		if j.on.join >= 0 {
			continue // part of the condition of another reference
		}
		keys, isKnown := w.named[j.alias]
		switch {
		case !isKnown:
			conditions = append(conditions, j.on.sql()+" = ANY (ARRAY("+b.request.relation.named(i, param)+"))")
		case keys != "{}":
			conditions = append(conditions, j.on.sql()+" = ANY ("+b.bind(keys)+")")
		}
	}
	return conditions
}

// named returns the statement of the keys of the rows that have a word in their names, or that reference such rows. i is
// the index of their join.
func (r *Relation) named(i int, param string) string {
	j := r.joins[i]
	conditions := []string{
		fmt.Sprintf("search_text(%s.%s) LIKE contains_pattern(%s)", j.alias, j.target.label.origin, param),
	}
	for next := range r.joins {
		if on := r.joins[next].on; on.join == i {
			conditions = append(conditions, on.sql()+" = ANY (ARRAY("+r.named(next, param)+"))")
		}
	}
	return fmt.Sprintf("SELECT %s.%s FROM (\n%s\n) AS %s WHERE %s",
		j.alias, j.key.origin, j.target.statement, j.alias, anyOf(conditions))
}

// Names returns the statement that finds the referenced rows with the words of ?q= in their names, or false if there
// are none to find. Its only row is for SetNames. Postgres plans the page well only if it knows how many there are.
func (q *Request) Names() (Statement, bool) {
	b := q.builder(nil)
	var columns []string
	for _, w := range q.words {
		param := b.bind(w.text)
		for i, j := range q.relation.joins {
			if j.on.join < 0 {
				columns = append(columns, "ARRAY("+q.relation.named(i, param)+")::text")
			}
		}
	}
	if columns == nil {
		return Statement{}, false
	}
	return Statement{
		SQL:  q.relation.comment() + "SELECT " + strings.Join(columns, ",\n"),
		Args: b.args, Columns: len(columns),
	}, true
}

// SetNames sets the result of Names.
func (q *Request) SetNames(keys []string) {
	for i := range q.words {
		q.words[i].named = map[string]string{}
		for _, j := range q.relation.joins {
			if j.on.join < 0 {
				q.words[i].named[j.alias], keys = keys[0], keys[1:]
			}
		}
	}
}
