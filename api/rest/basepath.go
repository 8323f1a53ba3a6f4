package rest

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"labledger/internal/dbtx"
)

// The base path is the path below which a proxy publishes the server, such as /lab. URLs in responses begin with it.
// Requests may come with it or without it, because some proxies strip it and some do not.

var basePathRE = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// ParseBasePath returns a base path without a slash at its end: "/lab", or "" for "/" and "".
func ParseBasePath(text string) (string, error) {
	base := strings.TrimSuffix(text, "/")
	if base == "" {
		return "", nil
	}
	if !basePathRE.MatchString(base) || strings.Contains(base+"/", "/./") || strings.Contains(base+"/", "/../") {
		return "", fmt.Errorf("%q is not a path: it must begin with a slash and contain only letters, digits and -._~, "+
			"such as /lab", text)
	}
	return base, nil
}

// CheckBasePath returns an error if a path of the API begins with base, so that requests would be ambiguous.
func CheckBasePath(base string, endpoints []*Endpoint) error {
	if base == "" {
		return nil
	}
	first, _, _ := strings.Cut(base[1:], "/")
	for _, e := range endpoints {
		if segment, _, _ := strings.Cut(e.Path[1:], "/"); segment == first {
			return fmt.Errorf("%q begins like the path %s of the API: choose another one, such as /lab", base, e.Path)
		}
	}
	return nil
}

// StripBasePath serves a request below base as if it had come without base. It serves other requests as they are.
func StripBasePath(base string, next http.Handler) http.Handler {
	if base == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, below := cutBasePath(base, r.URL.Path)
		rawPath, rawBelow := cutBasePath(base, r.URL.RawPath)
		if !below || r.URL.RawPath != "" && !rawBelow { // /l%61b is another path
			next.ServeHTTP(w, r)
			return
		}
		stripped, target := *r, *r.URL
		target.Path, target.RawPath = path, rawPath
		stripped.URL = &target
		next.ServeHTTP(w, &stripped)
	})
}

// cutBasePath returns path without base, and whether it is base or below it.
func cutBasePath(base, path string) (rest string, below bool) {
	rest, below = strings.CutPrefix(path, base)
	switch {
	case !below || rest != "" && rest[0] != '/':
		return path, false
	case rest == "":
		return "/", true
	}
	return rest, true
}

// URL returns the path in URLs of this server that a path of the API has.
func (i *Info) URL(path string) string { return i.BasePath + path }

const locationHeader = "Location"

// SetLocation sets the header Location to a path of the API.
func (c *Call) SetLocation(path string) { c.Header.Set(locationHeader, c.URL(path)) }

// addLink adds a path of the API to the header Link (RFC 8288).
func (c *Call) addLink(path string, query url.Values, relation string) {
	link := fmt.Sprintf(`<%s?%s>; rel="%s"`, c.URL(path), query.Encode(), relation)
	if before := c.Header.Get("Link"); before != "" {
		link = before + ", " + link
	}
	c.Header.Set("Link", link)
}

// URLColumn returns a route whose rows have a path of the API in a column.
func (r Route) URLColumn(name string) Route {
	r.urlColumn = name
	return r
}

// withBasePath returns a writer that prepends the base path to the route's URL column and passes rows on to dst.
func (c *Call) withBasePath(dst dbtx.RowWriter) dbtx.RowWriter {
	if c.urlColumn == "" || c.BasePath == "" {
		return dst
	}
	return basePathWriter{dst, c.urlColumn, c.BasePath}
}

type basePathWriter struct {
	next         dbtx.RowWriter
	column, base string
}

func (w basePathWriter) WriteRow(columns []pgconn.FieldDescription, values [][]byte) error {
	for i := range columns {
		if columns[i].Name == w.column && values[i] != nil {
			values[i] = append([]byte(w.base), values[i]...)
		}
	}
	return w.next.WriteRow(columns, values)
}
