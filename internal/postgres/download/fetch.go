//go:build unix

package download

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// maxArchive bounds the size of an archive in bytes, so that a wrong server does not fill the disk.
const maxArchive = 512 << 20

var (
	errChecksum = errors.New("the checksum of the file is wrong")
	errStalled  = errors.New("the server stopped sending")
)

// A statusError is a response with an unexpected status.
type statusError int

func (s statusError) Error() string {
	return fmt.Sprintf("status %d %s", int(s), http.StatusText(int(s)))
}

// fetch downloads url to path and verifies the checksum. It continues what an earlier run left at path, and retries
// after errors that may be temporary.
func (d *downloader) fetch(ctx context.Context, url, path string, sum []byte) error {
	if verify(path, sum) == nil { // complete, but not extracted
		return nil
	}
	for attempt := 0; ; attempt++ {
		resumed, err := d.receive(ctx, url, path)
		if err == nil {
			err = verify(path, sum)
		}
		if err == nil {
			return nil
		}
		if errors.Is(err, errChecksum) {
			if removeErr := os.Remove(path); removeErr != nil || !resumed {
				return errors.Join(err, removeErr)
			}
		}
		if ctx.Err() != nil || !isTemporary(err) || attempt == len(d.retryDelays) {
			return err
		}
		d.progress.printf("The download was interrupted (%v); trying again in %s\n", err, d.retryDelays[attempt])
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(d.retryDelays[attempt]):
		}
	}
}

// isTemporary reports whether a repeated request may succeed.
func isTemporary(err error) bool {
	var status statusError
	return !errors.As(err, &status) || status >= 500 || status == http.StatusTooManyRequests ||
		status == http.StatusRequestedRangeNotSatisfiable
}

// receive sends one request for the part of url that path does not contain yet, and appends the response. It reports
// whether it continued an earlier part.
func (d *downloader) receive(ctx context.Context, url, path string) (resumed bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(d.stallTimeout, func() { cancel(errStalled) })
	defer stall.Stop()
	defer func() {
		if errors.Is(context.Cause(ctx), errStalled) {
			err = errStalled
		}
	}()

	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return false, err
	}
	defer f.Close()
	offset, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return false, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	if offset > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	response, err := d.client.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusPartialContent: // the checksum detects another range than the requested one
	case http.StatusOK:
		offset = 0 // the server ignores ranges
	case http.StatusRequestedRangeNotSatisfiable:
		return false, errors.Join(statusError(response.StatusCode), f.Truncate(0))
	default:
		return false, statusError(response.StatusCode)
	}
	if err := f.Truncate(offset); err != nil {
		return false, err
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return false, err
	}
	d.progress.begin(offset, response.ContentLength)
	_, err = io.Copy(f, io.LimitReader(receivingReader{response.Body, func(n int) {
		stall.Reset(d.stallTimeout)
		d.progress.add(n)
	}}, maxArchive-offset))
	return offset > 0, errors.Join(err, f.Close())
}

// A receivingReader calls received after each read.
type receivingReader struct {
	io.Reader
	received func(n int)
}

func (r receivingReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.received(n)
	return n, err
}

// verify returns errChecksum unless the file at path has the SHA-256.
func verify(path string, sum []byte) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return err
	}
	if !bytes.Equal(hash.Sum(nil), sum) {
		return errChecksum
	}
	return nil
}
