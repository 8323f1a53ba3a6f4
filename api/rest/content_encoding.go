package rest

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"labledger/api/problem"
)

// This file reads request bodies as they arrive, and decodes compressed ones (RFC 9110, section 8.4).

// A receivedBody is a body as it arrives, possibly compressed. It has a limit of its own, because any number of
// compressed bytes can decode to none.
type receivedBody struct {
	io.ReadCloser
	call        *Call
	size, limit int64     // in bytes
	end         time.Time // of a transfer, whose reads extend the deadlines; zero for other requests
}

func (b *receivedBody) Read(p []byte) (n int, err error) {
	if !b.end.IsZero() {
		if time.Now().After(b.end) {
			return 0, os.ErrDeadlineExceeded
		}
		b.call.ExtendDeadlines()
	}
	n, err = b.ReadCloser.Read(p)
	if b.size += int64(n); b.size > b.limit {
		err = &http.MaxBytesError{Limit: b.limit}
	}
	return n, err
}

// decodeBody replaces the body with one that is decoded as it is read. The error is a 415 problem.
func (c *Call) decodeBody() error {
	c.received = &receivedBody{ReadCloser: c.Request.Body, call: c, limit: maxBody}
	if c.Request.ContentLength == 0 {
		return nil
	}
	c.Request.Body = c.received
	encoding := strings.Join(c.Request.Header.Values("Content-Encoding"), ",")
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return nil
	case "gzip", "x-gzip":
		c.Request.Body = &gzipBody{src: c.received}
		c.Request.ContentLength = -1
		return nil
	}
	return problem.New(problem.UnsupportedMediaType, "Content-Encoding %q is not supported; send gzip or none.",
		problem.Sanitize(encoding)).WithHeader("Accept-Encoding", "gzip")
}

// TransferBody returns the body of a transfer, of at most limit bytes, compressed or not. A client may be slow, but it
// must send something within each chunkTimeout, and everything within transferTimeout.
func (c *Call) TransferBody(limit int64) io.ReadCloser {
	c.received.limit, c.received.end = limit, time.Now().Add(transferTimeout)
	return http.MaxBytesReader(c.w, c.Request.Body, limit)
}

// A gzipBody decodes a body as it is read. An empty body stays empty.
type gzipBody struct {
	src    io.ReadCloser
	reader *gzip.Reader // nil before the first read
	err    error        // of the first read
}

func (b *gzipBody) Read(p []byte) (n int, err error) {
	if b.reader == nil && b.err == nil {
		b.reader, b.err = gzip.NewReader(b.src)
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.reader.Read(p)
}

func (b *gzipBody) Close() error { return b.src.Close() }

// isInvalidGzip reports whether a body is not the gzip format that its Content-Encoding promises.
func isInvalidGzip(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt)
}
