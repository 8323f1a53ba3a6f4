package api_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"labledger/api"
	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/media"
)

// Limits of an upload in bytes.
const (
	maxUpload = 20 << 20 // of the file
	maxForm   = 64 << 10 // of the form without the file
)

// sampleFormHeader is the header line of a request with sampleForm.
const sampleFormHeader = "Content-Type: multipart/form-data; boundary=X"

// newUploadServer returns a server that keeps files in dir, and the token of an operator.
func newUploadServer(t *testing.T, store *media.Store) (ts *apitest.Server, token string) {
	t.Helper()
	ts = apitest.New(t, func(o *api.Options) { o.Media = store })
	return ts, ts.SignIn("oscar", rest.Operator)
}

// checkFiles checks the number of files in a directory tree.
func checkFiles(t *testing.T, dir string, want int) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if n != want || err != nil {
		t.Errorf("%d files are stored, want %d: %v", n, want, err)
	}
}

// upload sends a file of random bytes after the fields of a form, over TCP. It returns the status.
func upload(base, token string, size int64, fields map[string]string) (status int, err error) {
	body, writer := io.Pipe()
	form := multipart.NewWriter(writer)
	go func() {
		for name, value := range fields {
			_ = form.WriteField(name, value) // fails if the server stops reading
		}
		part, _ := form.CreateFormFile("file", "large.bin")
		_, err := io.CopyN(part, rand.Reader, size)
		_ = form.Close()
		writer.CloseWithError(err)
	}()
	r, err := http.NewRequest(http.MethodPost, base+"/upload", body)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// TestUpload_memory: the memory for an upload does not grow with the file. The test is not parallel, because it
// measures what the whole process allocates.
func TestUpload_memory(t *testing.T) {
	dir := t.TempDir()
	ts, token := newUploadServer(t, media.NewStore(dir))
	base := ts.Listen().URL
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if status, err := upload(base, token, maxUpload, map[string]string{"site_id": "1"}); status != http.StatusCreated {
		t.Errorf("upload of the maximum size: status %d, %v", status, err)
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > maxUpload/2 {
		t.Errorf("a file of %d bytes allocated %d bytes", maxUpload, allocated)
	}
	checkFiles(t, dir, 1)
}

// TestUpload_limits: rejected uploads leave no files behind.
func TestUpload_limits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ts, token := newUploadServer(t, media.NewStore(dir))
	base := ts.Listen().URL
	for name, c := range map[string]struct {
		size   int64
		fields map[string]string
		status int
	}{
		"one byte too many": {maxUpload + 1, nil, http.StatusRequestEntityTooLarge},
		"much too large":    {3 * maxUpload, nil, http.StatusRequestEntityTooLarge},
		"long form field":   {1, map[string]string{"site_id": strings.Repeat("1", 2*maxForm)}, http.StatusBadRequest},
		"unknown site":      {1, map[string]string{"site_id": "99"}, http.StatusBadRequest},
		"unknown field":     {1, map[string]string{"sight": "1"}, http.StatusBadRequest},
		"empty file":        {0, nil, http.StatusBadRequest},
	} {
		if status, err := upload(base, token, c.size, c.fields); status != c.status {
			t.Errorf("%s: status %d, %v; want %d", name, status, err, c.status)
		}
	}
	checkFiles(t, dir, 0)
}

// TestUpload_storageUnavailable uploads to servers without a usable media directory.
func TestUpload_storageUnavailable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "not a directory")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, store := range []*media.Store{nil, media.NewStore(path)} {
		ts, token := newUploadServer(t, store)
		w := ts.Send(token, "POST", "/upload", sampleForm, sampleFormHeader)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" ||
			strings.Contains(w.Body.String(), path) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

// TestDeleteAttachment: deleting an attachment deletes its file, but a dry run does not.
func TestDeleteAttachment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ts, token := newUploadServer(t, media.NewStore(dir))
	attachment := ts.MustSend(token, "POST", "/upload", sampleForm, sampleFormHeader)
	target := fmt.Sprintf("/api/v1/attachments/%v", attachment["id"])
	ts.MustSend(token, "DELETE", target+"?dry_run=true", "")
	checkFiles(t, dir, 1)
	ts.MustSend(token, "DELETE", target, "")
	checkFiles(t, dir, 0)
}

// TestDeleteAttachment_storageUnavailable: if the file cannot be marked as pending first, the row stays.
func TestDeleteAttachment_storageUnavailable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "not a directory")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	ts, token := newUploadServer(t, media.NewStore(path))
	url := "/media/aa/" + strings.Repeat("a", 26) + ".txt"
	id := apitest.Value[int64](ts, `INSERT INTO attachment (name, url, type, size, sha256)
		VALUES ('a', $1, 'text/plain', 1, repeat('0', 64)) RETURNING id`, url)
	w := ts.Send(token, "DELETE", fmt.Sprint("/api/v1/attachments/", id), "")
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if !apitest.Value[bool](ts, "SELECT EXISTS (SELECT FROM attachment WHERE id = $1)", id) {
		t.Error("the row was deleted although its file could not be marked as pending")
	}
}

// TestAttachments_quotaPerRow: a site has at most 1000 attachments.
func TestAttachments_quotaPerRow(t *testing.T) {
	t.Parallel()
	ts, token := newUploadServer(t, media.NewStore(t.TempDir()))
	ts.Exec(`INSERT INTO attachment (name, url, type, size, sha256, site_id)
		SELECT 'a', format('/media/aa/aa%s.txt', lpad(n::text, 24, '0')), 'text/plain', 1, repeat('0', 64), 1
		FROM generate_series(1, 999) AS n`)
	send := func(site int) int {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		_ = form.WriteField("site_id", fmt.Sprint(site)) // writes to a buffer never fail
		part, _ := form.CreateFormFile("file", "a.txt")
		_, _ = part.Write([]byte("a"))
		_ = form.Close()
		return ts.Send(token, "POST", "/upload", body.String(), "Content-Type: "+form.FormDataContentType()).Code
	}
	for i, c := range []struct{ site, status int }{{1, 201}, {1, 400}, {2, 201}} {
		if status := send(c.site); status != c.status {
			t.Errorf("upload %d: status %d, want %d", i, status, c.status)
		}
	}
}
