package relation

import (
	"strconv"
	"strings"

	"labledger/api/problem"
)

// MaxFound bounds the rows of one list that a search compares and counts: those with the key, those with a name that
// begins with the text, and those with the words. Of each, it reads at most so many.
const MaxFound = 100

// maxScanned is the number of rows of one list, the newest ones, that a search for short words reads. They have no
// trigram, so no index finds them.
const maxScanned = 10_000

// How well a row matches a search.
const (
	matchesExactly = "1" // its name or its key is the text
	matchesStart   = "2" // its name, or its key, begins with the text
	matchesName    = "3" // its name has all words
	matchesRow     = "4" // its other texts, or the rows that it references, have some of the words
)

// A Search is a text that several lists are searched for.
type Search struct {
	Text     string   // without superfluous blanks
	Words    []string // of the text
	Folded   string   // the form of the text that searches compare; see search_text in the schema
	Prefix   string   // a LIKE pattern of the forms that start with the text
	Patterns []string // LIKE patterns of the forms that contain each word
}

// ParseSearch parses the text of a search. It leaves Folded, Prefix and Patterns to the caller, who asks the database.
func ParseSearch(text string, errs *problem.FieldErrors) *Search {
	s := &Search{}
	for _, w := range parseWords(text, errs) {
		s.Words = append(s.Words, w.text)
	}
	s.Text = strings.Join(s.Words, " ")
	return s
}

// Trigrams returns the number of words that an index of trigrams finds.
func (s *Search) Trigrams() (n int) {
	for _, text := range s.Words {
		if newWord(text).hasTrigram() {
			n++
		}
	}
	return n
}

// whole returns the text as one word. A UUID or a MAC address may have blanks in it.
func (s *Search) whole() word {
	w := newWord(strings.Join(s.Words, ""))
	w.text = s.Text
	return w
}

// Search returns the request for the rows that match a search, with the keys and names of the rows that they reference.
// Names must be set before Best. They are those of the rows that a row must have, such as the freezer of a container.
func (r *Relation) Search(s *Search) *Request {
	q := &Request{relation: r, search: s}
	for _, text := range s.Words {
		q.words = append(q.words, newWord(text))
	}
	for i := range r.columns {
		q.columns = append(q.columns, &r.columns[i])
	}
	return q
}

// Best returns the statement of the rows that match a search best, at most limit. It returns false if no row can match:
// a list without names is searched by its key only. After the columns for the client, a row has the length of its
// name, how well it matches, from 1 to 4, and the number of rows found.
func (q *Request) Best(limit int64) (Statement, bool) {
	b := q.builder(nil)
	found := b.found()
	if found == nil {
		return Statement{}, false
	}
	columns := q.outputs()
	const order = "ORDER BY best.match, best.length, left(best.name, 100) COLLATE natural_sort, best.key"
	sql := "SELECT " + selectList(columns) + ", best.length, best.match, best.found\n" + b.from(columns, nil) +
		"\nJOIN (\nSELECT *, count(*) OVER () AS found\nFROM (\n" +
		"SELECT DISTINCT ON (key) key, name, " +
		"coalesce(length(name), 36) AS length, " + b.match() + " AS match\n" + // 36: a UUID
		"FROM (\n" + strings.Join(found, "\nUNION ALL\n") + "\n) AS found\nCROSS JOIN search_text(name) AS folded\n" +
		"ORDER BY key, match\n) AS best\n" + order + "\nLIMIT " + b.bind(limit) +
		"\n) AS best ON best.key = " + q.relation.key[0].sql() + "\n" + order
	return Statement{SQL: q.relation.comment() + sql, Args: b.args, Columns: len(columns)}, true
}

// match returns the expression of how well a row matches, given how it was found.
func (b *builder) match() string {
	s := b.request.search
	contains := make([]string, len(s.Patterns))
	for i, pattern := range s.Patterns {
		contains[i] = "folded LIKE " + b.bind(pattern)
	}
	return "least(found.match, CASE WHEN folded = " + b.bind(s.Folded) + " THEN " + matchesExactly +
		" WHEN " + strings.Join(contains, " AND ") + " THEN " + matchesName + " ELSE " + matchesRow + " END)"
}

// found returns the statements of matching rows.
func (b *builder) found() []string {
	q, r := b.request, b.request.relation
	whole, list := q.search.whole(), b.from(nil, nil)
	if r.label == nil {
		if len(whole.digits) < 32 {
			return nil
		}
		key := "\nWHERE " + r.key[0].sql() + " = " + b.bind(padUUID(whole.digits, ""))
		return []string{b.foundIn(list, key, matchesExactly)}
	}
	var found []string
	if conditions := b.byKey(whole); conditions != nil {
		found = append(found, b.foundIn(list, "\nWHERE "+anyOf(conditions), r.keyMatch(whole)))
	}
	// Without the inner limit, Postgres misjudges the number of rows with a prefix: it would not read the index in order.
	name, text := r.label.sortSQL(), b.bind(q.search.Folded)
	starting := "FROM (\nSELECT " + sourceList + ".*\n" + list + "\nWHERE " + name + " >= " + text + " AND " +
		name + " < " + text + ` || U&'\FFFF'` + // the last character of the order
		"\nORDER BY " + name + "\nLIMIT " + strconv.Itoa(MaxFound) + "\n) AS " + sourceList
	prefix := "\nWHERE search_text(" + r.label.sql() + ") LIKE " + b.bind(q.search.Prefix)
	found = append(found, b.foundIn(starting, prefix, matchesStart))
	if q.search.Trigrams() == 0 {
		list = "FROM (\nSELECT " + sourceList + ".*\n" + list + "\nORDER BY " + r.key[0].sql() + " DESC\nLIMIT " +
			strconv.Itoa(maxScanned) + "\n) AS " + sourceList
	}
	for _, rows := range b.alternatives(list, MaxFound) {
		found = append(found, "SELECT key, name, "+matchesRow+"\nFROM (\n"+rows+"\n) AS alternative")
	}
	return found
}

// keyMatch returns how well the rows match that a word finds by their key: a part of a UUID or of a MAC address is not
// the whole one.
func (r *Relation) keyMatch(w word) string {
	for i := range r.columns {
		c := &r.columns[i]
		isPart := c.Type == UUID && len(w.digits) < 32 || c.Type == MAC && len(w.digits) < 12
		if isPart && w.digits != "" && c.join < 0 && (c.Type == MAC || c.Name == "uuid") {
			return matchesStart
		}
	}
	return matchesExactly
}

// foundIn returns the statement of the rows of a list with a condition: their keys, their names, and how they match.
func (b *builder) foundIn(list, where, match string) string {
	return "(SELECT " + b.keyAndName() + ", " + match + " AS match\n" +
		list + where + "\nLIMIT " + strconv.Itoa(MaxFound) + ")"
}

// keyAndName returns the key and the name of a row as columns.
func (b *builder) keyAndName() string {
	name := "NULL"
	if label := b.request.relation.label; label != nil {
		name = label.sql()
	}
	return b.request.relation.key[0].sql() + " AS key, " + name + " AS name"
}
