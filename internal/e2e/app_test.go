package e2e

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"labledger/internal/pgtest"
)

// ask sends a request with headers, "Host" among them, and follows no redirect.
func (s *server) ask(path string, header map[string]string) (*http.Response, string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	r.Host = header["Host"]
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err := response.Body.Close(); err != nil {
		s.t.Fatal(err)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return response, string(body)
}

var pageFile = regexp.MustCompile(`"/static/([0-9a-f]+)/([\w./-]+)"`)

// TestApp follows a browser from the bare address to all that the page loads, and finds the same files written for a web server.
func TestApp(t *testing.T) {
	t.Parallel()
	s := start(t, "DATABASE_URL="+pgtest.Database(t))
	browser := map[string]string{"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
	answer, _ := s.ask("/", browser)
	want(t, "/", answer.Status+" "+answer.Header.Get("Location"), "303 See Other /app/")
	answer, page := s.ask("/app/", browser)
	if answer.StatusCode != http.StatusOK {
		t.Fatal(answer.Status)
	}
	dir := filepath.Join(t.TempDir(), "static")
	want(t, "labledger static", succeed(t, nil, "", "static", dir), "")
	links := pageFile.FindAllStringSubmatch(page, -1)
	for _, link := range links {
		answer, body := s.ask("/static/"+link[1]+"/"+link[2], map[string]string{"Accept-Encoding": "identity"})
		written, err := os.ReadFile(filepath.Join(dir, link[1], link[2]))
		if answer.StatusCode != http.StatusOK || err != nil || string(written) != body {
			t.Errorf("%s: %s; written: %d bytes, %v", link[0], answer.Status, len(written), err)
		}
	}
	if len(links) == 0 {
		t.Errorf("the page loads nothing: %s", page)
	}
}

// TestHostNames: a server that is open on loopback goes by this machine's names; others go by any.
func TestHostNames(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	for _, c := range []struct {
		env  []string
		want []int // at this machine's name, at another
	}{
		{nil, []int{http.StatusOK, http.StatusForbidden}},
		{[]string{"AUTH=open"}, []int{http.StatusOK, http.StatusForbidden}},
		{[]string{"AUTH=insecure-open"}, []int{http.StatusOK, http.StatusOK}},
		{[]string{"AUTH=required", "JWT_SECRET=" + secret}, []int{http.StatusUnauthorized, http.StatusUnauthorized}},
	} {
		s := start(t, append([]string{"DATABASE_URL=" + database}, c.env...)...)
		var got []int
		for _, host := range []string{"localhost:5000", "lab.example"} {
			answer, _ := s.ask("/sites", map[string]string{"Host": host})
			got = append(got, answer.StatusCode)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, not %v", c.env, got, c.want)
		}
	}
}
