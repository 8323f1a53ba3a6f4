package api_test

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"

	"labledger/api"
	"labledger/internal/apitest"
)

// TestAppPage_freshNonce: each response has a new nonce, which is the same in the header and in the page.
func TestAppPage_freshNonce(t *testing.T) {
	t.Parallel()
	ts := apitest.New(t)
	seen := map[string]bool{}
	for range 20 {
		w := ts.Send("", "GET", "/app/sites/1", "", "Accept: text/html")
		policy := w.Header().Get("Content-Security-Policy")
		policyNonce := regexp.MustCompile(`'nonce-([\w-]+)'`).FindStringSubmatch(policy)
		pageNonces := regexp.MustCompile(`nonce="([\w-]+)"`).FindAllStringSubmatch(w.Body.String(), -1)
		if len(policyNonce) == 0 || len(pageNonces) == 0 || seen[policyNonce[1]] {
			t.Fatalf("%v %v", w.Header(), pageNonces)
		}
		seen[policyNonce[1]] = true
		for _, pageNonce := range pageNonces {
			if pageNonce[1] != policyNonce[1] {
				t.Errorf("nonce %s in the page, %s in the policy", pageNonce[1], policyNonce[1])
			}
		}
	}
	withoutApp := api.New(api.Options{Pool: ts.ServerPool, Log: ts.Options.Log})
	for _, target := range []string{"/app", fmt.Sprintf("/static/%s/app.js", staticDigest())} {
		if w := apitest.Do(withoutApp, "GET", target, ""); w.Code != http.StatusNotFound {
			t.Errorf("%s without an app: status %d, want 404", target, w.Code)
		}
	}
}
