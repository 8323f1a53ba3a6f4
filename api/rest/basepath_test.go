package rest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestStripBasePath(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"/lab":                  "/",
		"/lab/":                 "/",
		"/lab/site/1?a=/lab":    "/site/1?a=/lab",
		"/lab/todo/a%2Fb":       "/todo/a%2Fb",
		"/lab//x":               "//x",
		"/lab/lab/x":            "/lab/x",
		"/site/1":               "/site/1", // the proxy has stripped it
		"/":                     "/",
		"/laboratory":           "/laboratory",
		"/LAB/site/1":           "/LAB/site/1",
		"/l%61b/a%2Fb":          "/l%61b/a%2Fb",
		"/lab%2Fsite/1":         "/lab%2Fsite/1",
		"/other/lab/site":       "/other/lab/site",
		"/lab/..%2f..%2fapi.go": "/..%2f..%2fapi.go",
	} {
		r := httptest.NewRequest("GET", target, nil)
		var got string
		StripBasePath("/lab", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got = r.URL.String()
		})).ServeHTTP(httptest.NewRecorder(), r)
		if got != want {
			t.Errorf("%s: served as %s, want %s", target, got, want)
		}
		if r.URL.String() != target {
			t.Errorf("%s: the request was changed to %s", target, r.URL)
		}
	}
}

func TestParseBasePath(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "/": "", "/lab": "/lab", "/lab/": "/lab", "/a/b-c_d.e~1": "/a/b-c_d.e~1", "/...": "/...", "/.a": "/.a",
	} {
		if got, err := ParseBasePath(text); err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{
		"lab", "//", "//lab", "/lab//", "/a//b", "/./a", "/a/..", "/a/../b", "/a b", "/%61", "/a?b", "/a#b", "/ä", "/a\n",
		"http://host/lab", "/a;b", `/a"b`, "/<a>",
	} {
		if got, err := ParseBasePath(text); err == nil || !strings.Contains(err.Error(), "such as /lab") {
			t.Errorf("%q: got %q, %v; want an error with an example", text, got, err)
		}
	}
}

func TestCheckBasePath(t *testing.T) {
	t.Parallel()
	endpoints := []*Endpoint{{Path: "/"}, {Path: "/site/{id}"}, {Path: "/api/v1/sites"}}
	for base, ok := range map[string]bool{
		"": true, "/lab": true, "/sites": true, "/lab/site": true, "/site": false, "/site/lab": false, "/api": false,
	} {
		if err := CheckBasePath(base, endpoints); (err == nil) != ok {
			t.Errorf("%q: got %v", base, err)
		}
	}
}

func FuzzParseBasePath(f *testing.F) {
	for _, seed := range []string{"", "/", "/lab", "/lab/", "/a/../b", "//", "/%2e", "/a\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		base, err := ParseBasePath(text)
		if err != nil || base == "" {
			return
		}
		if again, err := ParseBasePath(base); err != nil || again != base {
			t.Errorf("%q is not stable: %q, %v", base, again, err)
		}
		u, err := url.Parse("http://host" + base + "/site/1")
		if err != nil || u.EscapedPath() != base+"/site/1" || u.JoinPath(".").Path != u.Path {
			t.Errorf("%q: a URL with it is parsed as %v, %v", base, u, err)
		}
	})
}
