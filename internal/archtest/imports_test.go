package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestArrows holds who may import whom: schema + queries → db ← ledger ← api ← main, rules ← ledger, auth and media ← api, web and trace ← main.
func TestArrows(t *testing.T) {
	ours := map[string][]string{
		"labledger/internal/cli":               {"labledger/api", "labledger/internal/auth", "labledger/db", "labledger/internal/postgres", "labledger/internal/postgres/embedded", "labledger/internal/postgres/migrate", "labledger/internal/ledger", "labledger/internal/media", "labledger/internal/rules", "labledger/schema", "labledger/internal/tracing", "labledger/web"},
		"labledger/internal/auth":              nil,
		"labledger/api":                        {"labledger/internal/auth", "labledger/db", "labledger/internal/ledger", "labledger/internal/media", "labledger/internal/rules"},
		"labledger/bench":                      {"labledger/api", "labledger/internal/auth", "labledger/db", "labledger/internal/postgres", "labledger/internal/postgres/embedded", "labledger/internal/postgres/migrate", "labledger/internal/ledger", "labledger/internal/media", "labledger/internal/rules", "labledger/schema"},
		"labledger":                            nil,
		"labledger/db":                         nil,
		"labledger/internal/e2e":               nil,
		"labledger/internal/archtest":          nil,
		"labledger/internal/leaktest":          nil,
		"labledger/internal/postgres":          nil,
		"labledger/internal/postgres/migrate":  {"labledger/internal/postgres"},
		"labledger/internal/postgres/embedded": {"labledger/internal/postgres"},
		"labledger/internal/pgtest":            {"labledger/internal/postgres", "labledger/internal/postgres/embedded", "labledger/internal/postgres/migrate"},
		"labledger/deploy":                     nil,
		"labledger/examples/client":            nil,
		"labledger/internal/ledger":            {"labledger/db", "labledger/internal/rules"},
		"labledger/internal/media":             nil,
		"labledger/postman":                    nil,
		"labledger/internal/rules":             nil,
		"labledger/internal/rules/oracle":      {"labledger/internal/rules"},
		"labledger/schema":                     nil,
		"labledger/web":                        nil,
		"labledger/internal/tracing":           nil,
	}
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Deps \" \"}}", "labledger/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		names := strings.Fields(line)
		if names[0] == "labledger" { // imports cli, and so everything
			continue
		}
		allowed, known := ours[names[0]]
		if !known {
			t.Errorf("package %s is new: say here what it may import", names[0])
		}
		for _, dependency := range names[1:] {
			if strings.HasPrefix(dependency, "labledger") && !slices.Contains(allowed, dependency) {
				t.Errorf("%s must not depend on %s", names[0], dependency)
			}
		}
	}
}

var (
	statement = regexp.MustCompile(`(?s)\b(SELECT\b.+\bFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX))\b`)
	generated = regexp.MustCompile(`^// Code generated`)
)

// TestRooms holds what may stand where: SQL in queries/, schema/ and db/; the router in one file; generated code apart.
func TestRooms(t *testing.T) {
	routers := []string{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "var" || strings.HasPrefix(d.Name(), ".") && path != "../..") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		name, err := filepath.Rel("../..", path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		isGenerated := len(file.Comments) > 0 && generated.MatchString(file.Comments[0].List[0].Text)
		if isGenerated != (filepath.Dir(name) == "db") {
			t.Errorf("%s: generated code stands in db/, and nothing else does", path)
		}
		for _, i := range file.Imports {
			if i.Path.Value == `"github.com/gorilla/mux"` {
				routers = append(routers, name)
			}
		}
		test := strings.HasSuffix(path, "_test.go") || strings.HasPrefix(name, "bench/")
		if test || strings.HasPrefix(name, "db/") || strings.HasPrefix(name, "internal/postgres/") {
			return nil
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if text, err := strconv.Unquote(l.Value); err == nil && statement.MatchString(text) {
					t.Errorf("%s: SQL stands in queries/, not in Go: %.60q", path, text)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(routers) != 1 {
		t.Errorf("the router is imported in %v; one file is enough", routers)
	}
}
