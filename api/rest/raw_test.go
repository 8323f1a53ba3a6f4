package rest

import (
	"net/http"
	"testing"

	"labledger/internal/pgtest"
)

// TestRaw_query: an ordinary handler gets no query string, unless it accepts any.
func TestRaw_query(t *testing.T) {
	t.Parallel()
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	h := newTestHandler(pgtest.Pool(t), nil,
		Route{Method: "GET", Operation: Raw(ok), Paths: []string{"/raw"}},
		Route{Method: "GET", Operation: RawPage(ok), Paths: []string{"/page"}})
	for target, want := range map[string]int{
		"/raw": http.StatusNoContent, "/raw?a=1": http.StatusBadRequest,
		"/page": http.StatusNoContent, "/page?a=1": http.StatusNoContent,
	} {
		if w := send(h, "GET", target, ""); w.Code != want {
			t.Errorf("%s: %d %s, want %d", target, w.Code, w.Body, want)
		}
	}
}

// TestRedirectBrowsers: only a client that prefers HTML is redirected, and only if it may use the route.
func TestRedirectBrowsers(t *testing.T) {
	t.Parallel()
	const browser, program = "text/html,*/*;q=0.8", "*/*"
	pool := pgtest.Pool(t)
	operation := RedirectBrowsers("/app/", Func(echo[NoParams], Doc{}))
	table := []Route{{Method: "GET", Operation: operation, Paths: []string{"/"}}}
	for _, c := range []struct {
		check          *Check
		accept         string
		status         int
		location, vary string
	}{
		{nil, browser, http.StatusSeeOther, "/app/", "Accept"},
		{nil, program, http.StatusOK, "", "Accept"},
		{deniedCheck(), browser, http.StatusUnauthorized, "", ""},
		{deniedCheck(), program, http.StatusUnauthorized, "", ""},
	} {
		w := send(newTestHandler(pool, c.check, table...), "GET", "/", "", "Accept: "+c.accept)
		if w.Code != c.status || w.Header().Get("Location") != c.location || w.Header().Get("Vary") != c.vary {
			t.Errorf("Accept: %s: %d %v", c.accept, w.Code, w.Header())
		}
	}
}
