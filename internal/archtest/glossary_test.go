package archtest

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// avoidedWords returns the words in the last column of the tables in GLOSSARY.md, each with what to write instead.
func avoidedWords(t *testing.T) map[string]string {
	t.Helper()
	words := map[string]string{}
	for line := range strings.Lines(read(t, "GLOSSARY.md")) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		term := strings.TrimSpace(cells[0])
		if len(cells) < 2 || term == "Term" || term == "Write" || strings.HasPrefix(term, "---") {
			continue
		}
		for word := range strings.SplitSeq(cells[len(cells)-1], ",") {
			if word = strings.TrimSpace(word); word != "" {
				words[strings.ToLower(word)] = term
			}
		}
	}
	if len(words) < 40 {
		t.Fatalf("GLOSSARY.md lists %d words to avoid", len(words))
	}
	return words
}

// pattern matches any of the words, in any case, across line breaks, also in the plural.
func pattern(words map[string]string) *regexp.Regexp {
	var alternatives []string
	for word := range words {
		alternatives = append(alternatives, strings.ReplaceAll(regexp.QuoteMeta(word), " ", `\s+`))
	}
	return regexp.MustCompile(`(?i)\b(` + strings.Join(alternatives, "|") + `)s?\b`)
}

var (
	scriptComment = regexp.MustCompile(`(?s)/\*.*?\*/|(^|\s)//[^\n]*`)
	scriptImport  = regexp.MustCompile(`(?m)^(import|export) .* from '[^']*'$`)
)

// wholeFiles are the extensions and names of files that are read with their comments.
var wholeFiles = []string{
	".md", ".sql", ".conf", ".yml", ".yaml", ".sh", ".toml",
	"app.json", "Makefile", "Dockerfile", ".ci/run", "web/index.html",
}

// userText returns what users may read of a file, or "".
func userText(t *testing.T, name string) string {
	t.Helper()
	switch extension := path.Ext(name); {
	case name == "GLOSSARY.md", strings.HasPrefix(name, "api/docs/redoc"), strings.HasPrefix(name, "web/dist/"):
		return ""
	case slices.Contains(wholeFiles, extension), slices.Contains(wholeFiles, name), strings.HasPrefix(name, ".env"):
		return read(t, name)
	case name == "api/openapi.json", name == "deploy/grafana/labledger.json",
		strings.HasPrefix(name, "postman/") && extension == ".json":
		return descriptions(t, name)
	case strings.HasPrefix(name, "web/src/") && !strings.Contains(name, ".test."), strings.HasPrefix(name, "api/docs/"):
		return scriptImport.ReplaceAllString(scriptComment.ReplaceAllString(read(t, name), " "), " ")
	case extension == ".go" && !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "db/"):
		return strings.Join(stringLiterals(parse(t, name)), "\n.\n")
	}
	return ""
}

// descriptions returns all descriptions, summaries and titles of a JSON document.
func descriptions(t *testing.T, name string) string {
	t.Helper()
	var document any
	if err := json.Unmarshal([]byte(read(t, name)), &document); err != nil {
		t.Fatal(err)
	}
	var texts []string
	var visit func(value any)
	visit = func(value any) {
		switch value := value.(type) {
		case []any:
			for _, element := range value {
				visit(element)
			}
		case map[string]any:
			for key, member := range value {
				if text, ok := member.(string); ok && (key == "description" || key == "summary" || key == "title") {
					texts = append(texts, text)
				}
				visit(member)
			}
		}
	}
	visit(document)
	return strings.Join(texts, "\n.\n") // a full stop keeps two texts from forming a word
}

// exceptions are avoided words that a file needs with another meaning.
var exceptions = map[string]string{
	".ci/run": "nobody", // the Unix user
	"postman/labledger.postman_collection.json": "folder", // of requests, in Postman
	"api/routes.go":                         "folder", // a path variable of the contract
	"api/attachment.go":                     "folder",
	"api/openapi/operation.go":              "folder",
	"api/openapi/samples.go":                "folder",
	"internal/postgres/embedded/os_user.go": "nobody", // the Unix user
}

// TestGlossary finds the words that GLOSSARY.md avoids in what users read: the app, the API documentation, problems,
// command-line output and documents, and in the comments of SQL, configuration and scripts.
func TestGlossary(t *testing.T) {
	words := avoidedWords(t)
	avoided := pattern(words)
	checked := map[string]bool{} // extensions
	for _, name := range tracked(t) {
		text := userText(t, name)
		if text == "" {
			continue
		}
		checked[path.Ext(name)] = true
		for _, at := range avoided.FindAllStringSubmatchIndex(text, -1) {
			word := strings.ToLower(strings.Join(strings.Fields(text[at[2]:at[3]]), " "))
			if exceptions[name] == word {
				continue
			}
			context := strings.Fields(text[max(0, at[0]-40):min(len(text), at[1]+40)])
			t.Errorf("%s: write %q instead of %q: …%s…", name, words[word], word, strings.Join(context, " "))
		}
	}
	for _, extension := range []string{".md", ".sql", ".json", ".tsx", ".ts", ".go", ".conf"} {
		if !checked[extension] {
			t.Errorf("no *%s file was checked", extension)
		}
	}
}
