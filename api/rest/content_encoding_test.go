package rest

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"labledger/internal/pgtest"
)

// zip compresses a text.
func zip(t *testing.T, text string) []byte {
	t.Helper()
	var all bytes.Buffer
	w := gzip.NewWriter(&all)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return all.Bytes()
}

// sendZipped sends a compressed body and returns the response and how many bytes of the body were not read.
func sendZipped(h http.Handler, mediaType string, body []byte) (w *httptest.ResponseRecorder, unread int) {
	src := bytes.NewReader(body)
	r := httptest.NewRequest(http.MethodPost, "/boxes", src)
	r.Header.Set("Content-Type", mediaType)
	r.Header.Set("Content-Encoding", "gzip")
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w, src.Len()
}

// newBoxHandler serves a route for one box or many.
func newBoxHandler(t *testing.T) http.Handler {
	t.Helper()
	count := func(_ context.Context, c *Call, rows *RowReader[box]) error {
		n := 0
		if err := rows.ReadAll(func(int64, *box) error { n++; return nil }); err != nil {
			return err
		}
		return c.respondValue(n)
	}
	return newTestHandler(pgtest.Pool(t), nil, Route{
		Method: http.MethodPost, Operation: OneOrMany(Func(echo[box], Doc{}), Batch(count)), Paths: []string{"/boxes"},
	})
}

// TestGzip_limitsCountDecodedBytes: a small body that decodes to a large one is rejected after the limit, not decoded
// to its end.
func TestGzip_limitsCountDecodedBytes(t *testing.T) {
	t.Parallel()
	h := newBoxHandler(t)
	bomb := zip(t, strings.Repeat(" ", 64*maxBody))
	for mediaType, status := range map[string]int{
		MediaTypeJSON: http.StatusRequestEntityTooLarge, MediaTypeNDJSON: http.StatusBadRequest, // a line of 64 MiB
	} {
		body := append(bomb, make([]byte, 1<<20)...)
		w, unread := sendZipped(h, mediaType, body)
		if w.Code != status {
			t.Errorf("%s: status %d, want %d: %s", mediaType, w.Code, status, w.Body)
		}
		if mediaType == MediaTypeJSON && unread < len(body)-16<<10 {
			t.Errorf("%s: %d of %d bytes were read", mediaType, len(body)-unread, len(body))
		}
	}
	rows := strings.Repeat(`{"name":"a","owner":null}`+"\n", 3)
	if w, _ := sendZipped(h, MediaTypeNDJSON, zip(t, rows)); w.Body.String() != "3\n" {
		t.Errorf("three rows: %d %s", w.Code, w.Body)
	}
}

// TestGzip_drainsWithoutDecoding: the rest of a body with an error is received, as most clients send it before they
// read the response, but not decoded: here the rest is no valid gzip.
func TestGzip_drainsWithoutDecoding(t *testing.T) {
	t.Parallel()
	body := append(zip(t, "name,size\n"), bytes.Repeat([]byte("not gzip"), 1<<17)...)
	w, unread := sendZipped(newBoxHandler(t), MediaTypeCSV, body)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "size") || unread != 0 {
		t.Errorf("status %d, %d of %d bytes unread: %s", w.Code, unread, len(body), w.Body)
	}
}

// An endlessReader repeats a text, far beyond the limits of bodies.
type endlessReader struct {
	text []byte
	read int64
}

func (r *endlessReader) Read(p []byte) (n int, err error) {
	if r.read > 16*maxBody {
		return 0, io.EOF // so that a test of a missing limit ends
	}
	for n < len(p) {
		m := copy(p[n:], r.text[r.read%int64(len(r.text)):])
		n += m
		r.read += int64(m)
	}
	return n, nil
}

// TestGzip_limitsCountReceivedBytes: a body of which each part decodes to nothing is rejected after the limit, also by
// a transfer, whose limit is another one.
func TestGzip_limitsCountReceivedBytes(t *testing.T) {
	t.Parallel()
	const transferLimit = 3 * maxBody
	transfer := Func(func(_ context.Context, c *Call, _ NoParams) (string, error) {
		_, err := io.Copy(io.Discard, c.TransferBody(transferLimit))
		return "", BodyProblem(err, transferLimit)
	}, Doc{Long: true, Form: true})
	h := newTestHandler(pgtest.Pool(t), nil,
		Route{Method: http.MethodPost, Operation: Func(echo[box], Doc{}), Paths: []string{"/boxes"}},
		Route{Method: http.MethodPost, Operation: transfer, Paths: []string{"/transfers"}},
	)
	for path, limit := range map[string]int64{"/boxes": maxBody, "/transfers": transferLimit} {
		body := &endlessReader{text: zip(t, "")}
		r := httptest.NewRequest(http.MethodPost, path, body)
		r.Header.Set("Content-Type", MediaTypeJSON)
		r.Header.Set("Content-Encoding", "gzip")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusRequestEntityTooLarge || body.read < limit || body.read > limit+1<<16 {
			t.Errorf("%s: status %d after %d bytes, want 413 after %d: %s", path, w.Code, body.read, limit, w.Body)
		}
	}
}
