package rest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"

	"labledger/api/problem"
)

// This file receives the bodies of transfers. A bulk body is received completely before its rows are stored, so that a
// slow client holds neither a transfer slot nor a transaction.

const (
	maxSpooledInMemory = 256 << 10 // bytes of a body that needs no file
	spoolStep          = 1 << 20   // bytes between two checks of the disk
)

// A Spooler creates the files that bulk bodies are received in.
type Spooler interface {
	// TempFile returns an empty file that is deleted when it is closed.
	TempFile() (*os.File, error)
	// CheckWritable returns why a file cannot grow, or nil.
	CheckWritable() error
}

// spool receives a whole body. The caller must call discard at the end. The error is a problem.
func (c *Call) spool(body io.Reader) (received io.Reader, discard func(), err error) {
	if c.server.spooler == nil {
		return body, func() {}, nil
	}
	var head bytes.Buffer
	switch _, err := io.CopyN(&head, body, maxSpooledInMemory+1); {
	case errors.Is(err, io.EOF):
		return &head, func() {}, nil
	case err != nil:
		return nil, nil, BodyProblem(err, maxBulk)
	}
	file, err := c.server.spooler.TempFile()
	if err != nil {
		return nil, nil, spoolProblem(err)
	}
	discard = func() { _ = file.Close() }
	if err := c.copyToFile(file, io.MultiReader(&head, body)); err != nil {
		discard()
		return nil, nil, err
	}
	return file, discard, nil
}

// copyToFile copies a body to a file and rewinds the file. It stops before the disk is full. The error is a problem.
func (c *Call) copyToFile(file *os.File, body io.Reader) error {
	for {
		if err := c.server.spooler.CheckWritable(); err != nil {
			return spoolProblem(err)
		}
		_, err := io.CopyN(file, body, spoolStep)
		var pathErr *fs.PathError // of the file
		switch {
		case errors.As(err, &pathErr):
			return spoolProblem(err)
		case err != nil && !errors.Is(err, io.EOF):
			return BodyProblem(err, maxBulk)
		case err != nil:
			if _, err := file.Seek(0, io.SeekStart); err != nil {
				return spoolProblem(err)
			}
			return nil
		}
	}
}

func spoolProblem(cause error) *problem.Problem {
	return problem.Unavailable(problem.StorageUnavailable,
		"The server has no disk space for the body at the moment. Try again later.", cause)
}
