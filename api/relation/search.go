package relation

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"labledger/api/problem"
)

// A word is a word of ?q=. It must occur in the row's texts, in the name of a referenced row, or in a key.
type word struct {
	text   string
	digits string            // hexadecimal digits, which may be a part of a MAC address or of a UUID; "" for other words
	named  map[string]string // keys of the referenced rows with the word in their names, by reference; nil if unknown
}

var (
	separatorsRE = regexp.MustCompile(`^urn:uuid:|[-:.{}]`)
	digitsRE     = regexp.MustCompile(`^[0-9a-f]{4,32}$`)
	integerRE    = regexp.MustCompile(`^[0-9]{1,18}$`)
	ignoredRE    = regexp.MustCompile(`^[\x{0300}-\x{036F}\x{00AD}\x{200B}-\x{200F}]+$`) // as in search_text
	trigramRE    = regexp.MustCompile(`[\pL\pN]{3}|[^\pL\pN][\pL\pN]|[\pL\pN]{2}[^\pL\pN]`)
)

// parseWords parses ?q=.
func parseWords(text string, errs *problem.FieldErrors) []word {
	if reason := checkQueryText(text); reason != "" {
		errs.Add(queryParam, reason)
		return nil
	}
	fields := slices.DeleteFunc(strings.Fields(text), ignoredRE.MatchString)
	switch {
	case len(fields) == 0:
		errs.Add(queryParam, "must not be blank")
	case len(fields) > maxWords:
		errs.Add(queryParam, fmt.Sprintf("must have at most %d words", maxWords))
	}
	words := make([]word, len(fields))
	for i, field := range fields {
		words[i] = newWord(field)
	}
	return words
}

func newWord(text string) word {
	w := word{text: text}
	if digits := separatorsRE.ReplaceAllString(strings.ToLower(text), ""); digitsRE.MatchString(digits) {
		w.digits = digits
	}
	return w
}

// hasTrigram reports whether an index of trigrams finds the word as a part of a text. Trigrams have only letters and
// digits, and blanks for the other characters around these.
func (w word) hasTrigram() bool { return trigramRE.MatchString(w.text) }

// occurs returns the condition that a word occurs in a place of a row. i is its index.
func (b *builder) occurs(i int, p place) string {
	w := b.request.words[i]
	if p == inName { // the keys of these rows are known; see alternatives
		return anyOf(b.namedBy(w, ""))
	}
	var pattern string
	if s := b.request.search; s != nil {
		pattern = b.bind(s.Patterns[i]) // known before the plan, which takes Postgres less time
	} else {
		pattern = "contains_pattern(" + b.bind(w.text) + ")"
	}
	conditions := append([]string{b.searchSQL(w) + " LIKE " + pattern}, b.byKey(w)...)
	if p != inRow {
		conditions = append(conditions, b.namedBy(w, pattern)...)
	}
	return anyOf(conditions)
}

// A place is where a word occurs.
type place int

const (
	anywhere place = iota
	inRow          // in the row's own texts and keys
	inName         // in the name of a referenced row
)

// maxSplit is the number of words that alternatives splits at most. Each one doubles the number of statements.
const maxSplit = 2

// alternatives returns statements of the keys and names of the rows that match a search, at most limit rows each.
// Together, and without the limit, they find every row that matches.
//
// A word may occur in a row, or in the name of a row that it references. With both in one condition, Postgres compares
// the text of every row that has the other words. As statements of their own, each of the two uses indexes. Without
// MATERIALIZED, Postgres would plan with the limit: it would expect to find so many rows soon, and use one index only.
func (b *builder) alternatives(list string, limit int64) (statements []string) {
	combinations := b.request.split()
	for _, places := range combinations {
		rows := "SELECT " + b.keyAndName() + "\n" + list + b.where(part{places: places})
		if len(combinations) > 1 {
			rows = "WITH matching AS MATERIALIZED (\n" + rows + "\n)\nSELECT * FROM matching"
		}
		statements = append(statements, rows+"\nLIMIT "+strconv.FormatInt(limit, 10))
	}
	return statements
}

// split returns the combinations of places in which the words of a search may occur, by the index of a word. A missing
// word may occur anywhere.
func (q *Request) split() []map[int]place {
	combinations := []map[int]place{{}}
	if q.search.Trigrams() < 2 {
		return combinations
	}
	for i, w := range q.words {
		if !w.hasTrigram() || !w.isNamed() || len(combinations) == 1<<maxSplit {
			continue
		}
		for _, places := range slices.Clone(combinations) {
			other := maps.Clone(places)
			places[i], other[i] = inRow, inName
			combinations = append(combinations, other)
		}
	}
	return combinations
}

// isNamed reports whether the referenced rows with the word in their names are known, and there are some.
func (w word) isNamed() bool {
	isNamed := false
	for _, keys := range w.named {
		if strings.Count(keys, ",") >= maxNames {
			return false
		}
		isNamed = isNamed || keys != "{}"
	}
	return isNamed
}

// byKey returns the conditions that a word is the key of a row, a part of its MAC address, or the beginning of a UUID.
func (b *builder) byKey(w word) (conditions []string) {
	r := b.request.relation
	for i := range r.columns {
		c := &r.columns[i]
		switch {
		case c.join >= 0, c.Type == UUID && b.request.search != nil && c.Name != "uuid": // a reference, without an index
		case c.Type == UUID && w.digits != "":
			conditions = append(conditions, fmt.Sprintf("%s BETWEEN %s AND %s", c.sql(),
				b.bind(padUUID(w.digits, "0")), b.bind(padUUID(w.digits, "f"))))
		case c.Type == MAC && w.digits != "":
			digits := "replace(" + c.sql() + "::text, ':', '')"
			if r.search {
				digits = sourceList + ".search" // has the digits, and an index
			}
			conditions = append(conditions, digits+" LIKE contains_pattern("+b.bind(w.digits)+")")
		case len(b.request.words) > 1 || len(r.key) > 1 || c.Name != r.key[0].Name:
		case c.Type == Integer && isInRange(c, w.text): // an ID, and not a number in a text
			conditions = append(conditions, c.sql()+" = "+b.bind(w.text))
		}
	}
	return conditions
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

// searchSQL returns the text of a row that a search compares. For a word without a trigram, the empty suffix keeps
// Postgres from reading the whole index.
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
	case !w.hasTrigram():
		return "(" + sourceList + ".search || '')"
	}
	return sourceList + ".search"
}

// namedBy returns the conditions that a referenced row has the word in its name.
func (b *builder) namedBy(w word, pattern string) []string {
	var conditions []string
	for i, j := range b.request.relation.joins {
		if !b.request.follows(j) {
			continue
		}
		keys, isKnown := w.named[j.alias]
		switch {
		case !isKnown:
			conditions = append(conditions, j.on.sql()+" = ANY (ARRAY("+b.request.relation.named(i, pattern)+"))")
		case strings.Count(keys, ",") >= maxNames:
			conditions = append(conditions, "EXISTS ("+b.request.relation.named(i, pattern)+
				" AND "+j.alias+"."+j.key.origin+" = "+j.on.sql()+")")
		case keys != "{}":
			conditions = append(conditions, j.on.sql()+" = ANY ("+b.bind(keys)+")")
		}
	}
	return conditions
}

// follows reports whether the words of a request are compared with the names of the rows that a join adds. The
// conditions of joins that build on another one are parts of its condition.
func (q *Request) follows(j join) bool {
	return j.on.join < 0 && (q.search == nil || !j.on.Nullable)
}

// named returns the statement of the keys of the rows that have a word in their names, or that reference such rows. i
// is the index of their join.
func (r *Relation) named(i int, pattern string) string {
	j := r.joins[i]
	label := *j.target.label
	label.source = j.alias
	conditions := []string{label.matchesSQL(pattern)}
	for next := range r.joins {
		if on := r.joins[next].on; on.join == i {
			conditions = append(conditions, on.sql()+" = ANY (ARRAY("+r.named(next, pattern)+"))")
		}
	}
	return fmt.Sprintf("SELECT %s.%s FROM (\n%s\n) AS %s WHERE %s",
		j.alias, j.key.origin, j.target.statement, j.alias, anyOf(conditions))
}

// maxNames is the largest number of referenced rows that are found before the page. With more, Postgres reads the row
// that each row references.
const maxNames = 1000

// Names returns the statement that finds the referenced rows with the words of ?q= in their names, or false if there
// are none to find. Its only row is for SetNames. Postgres plans the page well only if it knows how many there are.
func (q *Request) Names() (Statement, bool) {
	b := q.builder(nil)
	var columns []string
	limit := ""
	for _, w := range q.words {
		pattern := "contains_pattern(" + b.bind(w.text) + ")"
		if limit == "" {
			limit = b.bind(int64(maxNames + 1))
		}
		for i, j := range q.relation.joins {
			if q.follows(j) {
				columns = append(columns, "ARRAY("+q.relation.named(i, pattern)+" LIMIT "+limit+")::text")
			}
		}
	}
	if columns == nil {
		return Statement{}, false
	}
	return Statement{
		SQL:  q.relation.comment() + b.inPast("SELECT "+strings.Join(columns, ",\n"), anyState),
		Args: b.args, Columns: len(columns),
	}, true
}

// SetNames sets the result of Names.
func (q *Request) SetNames(keys []string) {
	for i := range q.words {
		q.words[i].named = map[string]string{}
		for _, j := range q.relation.joins {
			if q.follows(j) {
				q.words[i].named[j.alias], keys = keys[0], keys[1:]
			}
		}
	}
}
