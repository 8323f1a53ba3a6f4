package archtest

import (
	"go/ast"
	"strings"
	"testing"
)

// Only internal/durable renames and links files, because it also syncs them. Exceptions are tests, and the files of the
// app, which `labledger static` can write again.
func TestRenames_areDurable(t *testing.T) {
	for _, name := range goFiles(t) {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "internal/durable/") || name == "web/embed.go" {
			continue
		}
		ast.Inspect(parse(t, name), func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := selector.X.(*ast.Ident)
			if ok && pkg.Name == "os" && (selector.Sel.Name == "Rename" || selector.Sel.Name == "Link") {
				t.Errorf("%s calls os.%s: use package durable", name, selector.Sel.Name)
			}
			return true
		})
	}
}
