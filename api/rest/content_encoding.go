package rest

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"

	"labledger/api/problem"
)

// This file decodes compressed request bodies (RFC 9110, section 8.4). All limits count decoded bytes.

// decodeBody replaces a compressed body with its decoded content. The error is a 415 problem.
func (c *Call) decodeBody() error {
	c.received = c.Request.Body
	if c.Request.ContentLength == 0 {
		return nil
	}
	encoding := strings.Join(c.Request.Header.Values("Content-Encoding"), ",")
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return nil
	case "gzip", "x-gzip":
		// Any number of bytes can decode to none, so the received bytes have a limit as well.
		c.Request.Body = &gzipBody{src: http.MaxBytesReader(c.w, c.received, maxBulk)}
		c.Request.ContentLength = -1
		return nil
	}
	return problem.New(http.StatusUnsupportedMediaType, "Content-Encoding %q is not supported; send gzip or none.",
		problem.Sanitize(encoding)).WithHeader("Accept-Encoding", "gzip")
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
