package archtest

import (
	"go/ast"
	"net/textproto"
	"slices"
	"strings"
	"testing"
)

// urlHeaders are the headers whose values contain a URL or a path, and the only file that sets each of them: it
// prepends the base path.
var urlHeaders = map[string]string{
	"Content-Location": "",
	"Link":             "api/rest/basepath.go",
	"Location":         "api/rest/basepath.go",
	"Refresh":          "",
	"Set-Cookie":       "api/authn/cookie.go",
}

// urlFunctions are functions of net/http that set these headers without the base path.
var urlFunctions = []string{
	"FileServer", "FileServerFS", "NewServeMux", "Redirect", "RedirectHandler", "ServeFile", "ServeFileFS", "SetCookie",
}

// Only the functions that know the base path set headers with URLs, so that they are right below a path of a proxy.
// Exceptions are tests, other programs, and the document that describes the headers.
func TestURLHeaders_containBasePath(t *testing.T) {
	setters := map[string]string{}
	for _, name := range goFiles(t) {
		top, _, _ := strings.Cut(name, "/")
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "api/openapi/") ||
			slices.Contains([]string{"bench", "examples", "tools"}, top) {
			continue
		}
		file := parse(t, name)
		for _, value := range stringLiterals(file) {
			header := textproto.CanonicalMIMEHeaderKey(value)
			only, isURL := urlHeaders[header]
			if isURL && name != only {
				t.Errorf("%s names the header %s: use SetLocation, addLink or setCookie", name, header)
			}
			if isURL {
				setters[header] = name
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok {
				pkg, ok := selector.X.(*ast.Ident)
				if ok && pkg.Name == "http" && slices.Contains(urlFunctions, selector.Sel.Name) {
					t.Errorf("%s uses http.%s, which does not know the base path", name, selector.Sel.Name)
				}
			}
			return true
		})
	}
	for header, file := range urlHeaders {
		if setters[header] != file {
			t.Errorf("%s is set in %q, want %q", header, setters[header], file)
		}
	}
}
