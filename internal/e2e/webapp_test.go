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
	"labledger/internal/programtest"
)

// roundTrip sends a GET request with headers, "Host" included, and does not follow redirects.
func roundTrip(t *testing.T, s *programtest.Server, path string, header map[string]string) (*http.Response, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	r.Host = header["Host"]
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

var staticFileRE = regexp.MustCompile(`"/static/([0-9a-f]+)/([\w./-]+)"`)

// A browser gets from / to the app and to all files that its page loads. labledger static writes the same files.
func TestWebApp(t *testing.T) {
	t.Parallel()
	s := startServer(t, "DATABASE_URL="+pgtest.Database(t))
	browser := map[string]string{"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
	response, _ := roundTrip(t, s, "/", browser)
	assertEqual(t, "/", response.Status+" "+response.Header.Get("Location"), "303 See Other /app/")
	response, page := roundTrip(t, s, "/app/", browser)
	if response.StatusCode != http.StatusOK {
		t.Fatal(response.Status)
	}
	dir := filepath.Join(t.TempDir(), "static")
	assertEqual(t, "labledger static", mustRun(t, nil, "", "static", dir), "")
	links := staticFileRE.FindAllStringSubmatch(page, -1)
	for _, link := range links {
		identity := map[string]string{"Accept-Encoding": "identity"}
		response, body := roundTrip(t, s, "/static/"+link[1]+"/"+link[2], identity)
		written, err := os.ReadFile(filepath.Join(dir, link[1], link[2]))
		if response.StatusCode != http.StatusOK || err != nil || string(written) != body {
			t.Errorf("%s: %s, %d bytes; written: %d bytes, %v", link[0], response.Status, len(body), len(written), err)
		}
	}
	if len(links) == 0 {
		t.Errorf("no files in the page: %s", page)
	}
}

// An open server on loopback rejects the Host of other machines, which prevents DNS rebinding. Other servers accept
// any Host.
func TestDNSRebinding(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	for _, c := range []struct {
		env  []string
		want []int // status for the hosts localhost:5000 and lab.example
	}{
		{nil, []int{http.StatusOK, http.StatusForbidden}},
		{[]string{"AUTH=open"}, []int{http.StatusOK, http.StatusForbidden}},
		{[]string{"AUTH=insecure-open"}, []int{http.StatusOK, http.StatusOK}},
		{
			[]string{"AUTH=required", "JWT_SECRET=" + programtest.SampleSecret},
			[]int{http.StatusUnauthorized, http.StatusUnauthorized},
		},
	} {
		s := startServer(t, append([]string{"DATABASE_URL=" + database}, c.env...)...)
		var got []int
		for _, host := range []string{"localhost:5000", "lab.example"} {
			response, _ := roundTrip(t, s, "/sites", map[string]string{"Host": host})
			got = append(got, response.StatusCode)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.env, got, c.want)
		}
	}
}
