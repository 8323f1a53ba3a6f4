package api

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

	"labledger/internal/media"
)

// countFiles counts the files of a folder.
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

// TestUpload_limits sends files of the size that may just be, and one byte more, as they come; what is refused leaves nothing behind.
func TestUpload_limits(t *testing.T) {
	dir := t.TempDir()
	ts := newTestServer(t, func(o *Options) { o.Media = media.NewStore(dir) })
	base := ts.listen()
	token := ts.createSession(ts.createAccount("oscar", operator)).access
	send := func(size int64, fields map[string]string) *http.Response {
		body, in := io.Pipe()
		form := multipart.NewWriter(in)
		go func() {
			for name, value := range fields {
				_ = form.WriteField(name, value) // the pipe is closed when nobody reads
			}
			part, _ := form.CreateFormFile("file", "large.bin")
			_, err := io.CopyN(part, rand.Reader, size)
			_ = form.Close()
			in.CloseWithError(err)
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
		_ = resp.Body.Close() // its status says it
		return resp
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if a := send(maxUpload, map[string]string{"site_id": "1"}); a.StatusCode != http.StatusCreated {
		t.Errorf("%s", a.Status)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > maxUpload/2 {
		t.Errorf("a file of %d bytes took %d of memory", maxUpload, used)
	}
	if n := countFiles(t, dir); n != 1 {
		t.Errorf("%d files", n)
	}
	for name, a := range map[string]*http.Response{
		"a byte too many":       send(maxUpload+1, nil),
		"far too many":          send(3*maxUpload, nil),
		"fields without end":    send(1, map[string]string{"site_id": strings.Repeat("1", 2*maxForm)}),
		"a site that is not":    send(1, map[string]string{"site_id": "99"}),
		"a field nobody knows":  send(1, map[string]string{"sight": "1"}),
		"a dry run, of nothing": send(0, nil),
	} {
		if a.StatusCode != http.StatusRequestEntityTooLarge && a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", name, a.Status)
		}
	}
	if n := countFiles(t, dir); n != 1 {
		t.Errorf("%d files: what was refused left some", n)
	}
}

// TestUpload_storageUnavailable sends a file to a server that cannot store any.
func TestUpload_storageUnavailable(t *testing.T) {
	at := filepath.Join(t.TempDir(), "no folder")
	if err := os.WriteFile(at, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, files := range []*media.Store{nil, media.NewStore(at)} {
		ts := newTestServer(t, func(o *Options) { o.Media = files })
		token := ts.createSession(ts.createAccount("oscar", operator)).access
		const form = "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\na\r\n--X--\r\n"
		w := ts.send(token, "POST", "/upload", form, "Content-Type: multipart/form-data; boundary=X")
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), at) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

// TestDeleteAttachment deletes attachments: the file goes with its row and leaves nothing behind, and where the doubt about it cannot be written down
// beforehand, the row stays.
func TestDeleteAttachment(t *testing.T) {
	dir := t.TempDir()
	ts := newTestServer(t, func(o *Options) { o.Media = media.NewStore(dir) })
	token := ts.createSession(ts.createAccount("oscar", operator)).access
	const form = "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\na\r\n--X--\r\n"
	attachment := ts.mustSend(token, "POST", "/upload", form, "Content-Type: multipart/form-data; boundary=X")
	ts.mustSend(token, "DELETE", fmt.Sprintf("/api/v1/attachments/%v", attachment["id"]), "")
	if n := countFiles(t, dir); n != 0 {
		t.Errorf("%d files are left", n)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o644); err != nil { // no folder any more
		t.Fatal(err)
	}
	id := scan[int64](ts, "INSERT INTO attachment (name, url, type, size, sha256) VALUES ('a', '/media/aa/"+strings.Repeat("a", 26)+".txt', 'text/plain', 1, repeat('0', 64)) RETURNING id")
	if w := ts.send(token, "DELETE", fmt.Sprint("/api/v1/attachments/", id), ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if !scan[bool](ts, "SELECT EXISTS (SELECT FROM attachment WHERE id = $1)", id) {
		t.Error("the row has gone, and nobody would look for the file")
	}
}

// TestAttachments_quotaPerRow come to an end.
func TestAttachments_quotaPerRow(t *testing.T) {
	ts := newTestServer(t)
	token := ts.createSession(ts.createAccount("oscar", operator)).access
	ts.exec(`INSERT INTO attachment (name, url, type, size, sha256, site_id)
		SELECT 'a', format('/media/aa/aa%s.txt', lpad(n::text, 24, '0')), 'text/plain', 1, repeat('0', 64), 1 FROM generate_series(1, 999) AS n`)
	send := func(site int) int {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		_ = form.WriteField("site_id", fmt.Sprint(site)) // a buffer takes everything
		part, _ := form.CreateFormFile("file", "a.txt")
		_, _ = part.Write([]byte("a"))
		_ = form.Close()
		return ts.send(token, "POST", "/upload", body.String(), "Content-Type: "+form.FormDataContentType()).Code
	}
	for i, c := range []struct{ site, status int }{{1, 201}, {1, 400}, {2, 201}} {
		if status := send(c.site); status != c.status {
			t.Errorf("%d: %d, not %d", i, status, c.status)
		}
	}
}
