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

// countFiles returns the number of files in a directory tree.
func countFiles(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestUpload_limits streams a file of the maximum size and larger ones. Rejected uploads leave no files behind.
func TestUpload_limits(t *testing.T) {
	dir := t.TempDir()
	ts := apitest.New(t, func(o *api.Options) { o.Media = media.NewStore(dir) })
	base := ts.Listen().URL
	token := ts.CreateSession(ts.CreateAccount("oscar", rest.Operator)).Access
	send := func(size int64, fields map[string]string) *http.Response {
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
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", form.FormDataContentType())
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if resp := send(maxUpload, map[string]string{"site_id": "1"}); resp.StatusCode != http.StatusCreated {
		t.Errorf("upload of the maximum size: %s", resp.Status)
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > maxUpload/2 {
		t.Errorf("a file of %d bytes allocated %d bytes", maxUpload, allocated)
	}
	if n := countFiles(t, dir); n != 1 {
		t.Errorf("%d files are stored, want 1", n)
	}
	for name, resp := range map[string]*http.Response{
		"one byte too many": send(maxUpload+1, nil),
		"much too large":    send(3*maxUpload, nil),
		"long form field":   send(1, map[string]string{"site_id": strings.Repeat("1", 2*maxForm)}),
		"unknown site":      send(1, map[string]string{"site_id": "99"}),
		"unknown field":     send(1, map[string]string{"sight": "1"}),
		"empty file":        send(0, nil),
	} {
		if resp.StatusCode != http.StatusRequestEntityTooLarge && resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
	if n := countFiles(t, dir); n != 1 {
		t.Errorf("%d files after the rejected uploads, want 1", n)
	}
}

// TestUpload_storageUnavailable uploads to servers without a usable media directory.
func TestUpload_storageUnavailable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "not a directory")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, files := range []*media.Store{nil, media.NewStore(path)} {
		ts := apitest.New(t, func(o *api.Options) { o.Media = files })
		token := ts.CreateSession(ts.CreateAccount("oscar", rest.Operator)).Access
		w := ts.Send(token, "POST", "/upload", sampleForm, "Content-Type: multipart/form-data; boundary=X")
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" ||
			strings.Contains(w.Body.String(), path) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

// TestDeleteAttachment: deleting an attachment deletes its file. If the file cannot be marked as pending first, the row
// stays.
func TestDeleteAttachment(t *testing.T) {
	dir := t.TempDir()
	ts := apitest.New(t, func(o *api.Options) { o.Media = media.NewStore(dir) })
	token := ts.CreateSession(ts.CreateAccount("oscar", rest.Operator)).Access
	attachment := ts.MustSend(token, "POST", "/upload", sampleForm, "Content-Type: multipart/form-data; boundary=X")
	ts.MustSend(token, "DELETE", fmt.Sprintf("/api/v1/attachments/%v", attachment["id"]), "")
	if n := countFiles(t, dir); n != 0 {
		t.Errorf("%d files are left, want none", n)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o644); err != nil { // replaces the directory by a file
		t.Fatal(err)
	}
	url := "/media/aa/" + strings.Repeat("a", 26) + ".txt"
	id := apitest.Value[int64](ts, `INSERT INTO attachment (name, url, type, size, sha256)
		VALUES ('a', $1, 'text/plain', 1, repeat('0', 64)) RETURNING id`, url)
	if w := ts.Send(token, "DELETE", fmt.Sprint("/api/v1/attachments/", id), ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if !apitest.Value[bool](ts, "SELECT EXISTS (SELECT FROM attachment WHERE id = $1)", id) {
		t.Error("the row was deleted although its file could not be marked as pending")
	}
}

// TestAttachments_quotaPerRow: a site has at most 1000 attachments.
func TestAttachments_quotaPerRow(t *testing.T) {
	ts := apitest.New(t)
	token := ts.CreateSession(ts.CreateAccount("oscar", rest.Operator)).Access
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
