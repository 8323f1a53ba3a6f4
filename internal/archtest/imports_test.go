package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "labledger/"

// TestImports checks which packages of this module each package imports:
//
//	problem ← bind ← rest ← authn, sse ← api ← cli
//	queries + schema → db ← dbtx ← ledger ← api, rules ← ledger, db ← history ← cli
func TestImports(t *testing.T) {
	allowed := map[string][]string{
		"api": {
			"api/authn", "api/bind", "api/problem", "api/rest", "api/sse", "db", "internal/ledger", "internal/media",
			"internal/label", "internal/placement", "internal/rules", "internal/sqltype",
		},
		"api/authn":    {"api/problem", "api/rest", "db", "internal/auth"},
		"api/bind":     {"api/problem"},
		"api/openapi":  {"api", "api/authn", "api/bind", "api/problem", "api/relation", "api/rest", "db", "internal/media"},
		"api/problem":  nil,
		"api/relation": {"api/bind", "api/problem", "internal/sqltype"},
		"api/rest":     {"api/bind", "api/problem", "api/relation", "db", "internal/dbtx"},
		"api/sse":      {"api/bind", "api/problem", "api/rest", "db", "internal/dbtx", "internal/postgres"},
		"bench": {
			"api", "api/authn", "api/sse", "db", "internal/auth", "internal/dbtx", "internal/ledger", "internal/postgres",
			"internal/postgres/embedded", "internal/postgres/migrate", "internal/rules", "schema",
		},
		"db":              {"internal/sqltype"},
		"deploy":          nil,
		"docs":            nil,
		"examples/client": nil,
		"internal/apitest": {
			"api", "api/authn", "api/rest", "internal/auth", "internal/media", "internal/pgtest",
			"internal/postgres/migrate", "schema", "web",
		},
		"internal/archtest": nil,
		"internal/auth":     nil,
		"internal/label":    nil,
		"internal/cli": {
			"api", "api/authn", "api/problem", "api/rest", "db", "internal/auth", "internal/demo/load",
			"internal/durable", "internal/history", "internal/ledger", "internal/media", "internal/postgres",
			"internal/postgres/embedded", "internal/postgres/migrate", "internal/rules", "internal/tracing", "schema", "web",
		},
		"internal/dbtx":              {"db"},
		"internal/demo":              {"internal/rules"},
		"internal/demo/load":         {"db", "internal/demo", "internal/ledger"},
		"internal/durable":           nil,
		"internal/e2e":               nil,
		"internal/history":           {"db", "internal/history/merkle"},
		"internal/history/merkle":    nil,
		"internal/leaktest":          nil,
		"internal/ledger":            {"db", "internal/dbtx", "internal/rules", "internal/sqltype"},
		"internal/media":             {"internal/durable"},
		"internal/pgtest":            {"internal/postgres", "internal/postgres/embedded", "internal/postgres/migrate"},
		"internal/placement":         nil,
		"internal/postgres":          {"internal/postgres/download"},
		"internal/postgres/download": {"internal/durable"},
		"internal/postgres/embedded": {"internal/durable", "internal/postgres", "internal/postgres/download"},
		"internal/postgres/migrate":  {"internal/postgres"},
		"internal/programtest":       {"internal/pgtest", "internal/postgres/embedded"},
		"internal/rules":             nil,
		"internal/rules/oracle":      {"internal/rules"},
		"internal/sqltype":           nil,
		"internal/tracing":           nil,
		"postman":                    nil,
		"schema":                     nil,
		"web":                        nil,
	}
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		paths := strings.Fields(line)
		name, inDirectory := strings.CutPrefix(paths[0], module)
		if !inDirectory { // the root imports internal/cli
			continue
		}
		listed[name] = true
		dependencies, inTable := allowed[name]
		if !inTable {
			t.Errorf("package %s is missing in this table: add it with the packages that it may import", name)
		}
		for _, importPath := range paths[1:] {
			dependency, inModule := strings.CutPrefix(importPath, module)
			if inModule && !slices.Contains(dependencies, dependency) {
				t.Errorf("%s must not import %s", name, dependency)
			}
		}
	}
	for name := range allowed {
		if !listed[name] {
			t.Errorf("go list does not find package %s of this table", name)
		}
	}
}

var (
	sqlStatement = regexp.MustCompile(`(?s)\b(SELECT\b.+\bFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|` +
		`DELETE\s+FROM|CREATE\s+(TABLE|INDEX))\b`)
	generated = regexp.MustCompile(`^// Code generated`)
)

// parse reads a Go file.
func parse(t *testing.T, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// stringLiterals returns the values of all string literals of a file, struct tags included.
func stringLiterals(file *ast.File) (values []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		if _, isImport := n.(*ast.ImportSpec); isImport {
			return false
		}
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if value, err := strconv.Unquote(literal.Value); err == nil {
				values = append(values, value)
			}
		}
		return true
	})
	return values
}

// SQL belongs in queries/ and schema/. Exceptions are tests and their harnesses, benchmarks, generated code,
// api/relation, which wraps the statements of lists, and internal/postgres, which manages servers, roles and
// migrations.
func TestSQLPlacement(t *testing.T) {
	for _, name := range goFiles(t) {
		top, _, _ := strings.Cut(name, "/")
		if strings.HasSuffix(name, "_test.go") || top == "bench" || top == "db" ||
			strings.HasPrefix(name, "api/relation/") || strings.HasPrefix(name, "internal/postgres/") || strings.HasPrefix(name, "internal/apitest/") ||
			strings.HasPrefix(name, "internal/pgtest/") {
			continue
		}
		for _, value := range stringLiterals(parse(t, name)) {
			if sqlStatement.MatchString(value) {
				t.Errorf("%s: move this SQL to queries/: %.60q", name, value)
			}
		}
	}
}

// All Go files in db/ are generated, and no others.
func TestGeneratedCodePlacement(t *testing.T) {
	for _, name := range goFiles(t) {
		comments := parse(t, name).Comments
		isGenerated := len(comments) > 0 && generated.MatchString(comments[0].List[0].Text)
		if isGenerated != (path.Dir(name) == "db") {
			t.Errorf("%s: generated code belongs in db/, and other code does not", name)
		}
	}
}

// Only one file of the program imports the router. A test may import it to inspect the routes.
func TestRouter_isImportedByOneFile(t *testing.T) {
	var importers []string
	for _, name := range goFiles(t) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, spec := range parse(t, name).Imports {
			if spec.Path.Value == `"github.com/gorilla/mux"` {
				importers = append(importers, name)
			}
		}
	}
	if len(importers) != 1 {
		t.Errorf("files that import the router: %v, want one", importers)
	}
}
