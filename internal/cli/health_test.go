package cli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"labledger/internal/pgtest"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	portOf := func(url string) string { return "PORT=" + url[strings.LastIndexByte(url, ':')+1:] }
	s := startServer(t, "DATABASE_URL="+pgtest.Database(t))
	for _, host := range []string{"127.0.0.1", "0.0.0.0", "", "localhost"} {
		assertContains(t, mustRun(t, []string{portOf(s.URL), "HOST=" + host}, "", "health"), `"status":"ready"`)
	}
	for _, c := range []struct {
		status  int
		body    string
		message string
	}{
		{http.StatusServiceUnavailable, `{"status":"not ready"}`, "not ready: 503"},
		{http.StatusOK, "<html>", "unexpected response"},
	} {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		assertContains(t, mustFail(t, []string{portOf(other.URL)}, "", "health"), c.message)
		other.Close()
	}
	assertContains(t, mustFail(t, []string{"PORT=1"}, "", "health"), "connection refused")
}
