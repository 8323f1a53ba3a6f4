package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
)

// maxSpoolMemory is the number of bytes that an errorSpool holds in memory before it writes to a file.
const maxSpoolMemory = 1 << 20

// An errorSpool collects up to maxReportedErrors errors as JSON, in memory and then in a temporary file.
type errorSpool struct {
	count  int64
	memory bytes.Buffer
	file   *os.File // nil while memory suffices
	buffer *bufio.Writer
}

// add appends an error. It returns errStopReading when the spool is full.
func (s *errorSpool) add(e FieldError) error {
	if s.count == maxReportedErrors {
		return errStopReading
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if s.count++; s.count > 1 {
		line = append([]byte{','}, line...)
	}
	if s.memory.Len()+len(line) <= maxSpoolMemory && s.file == nil {
		_, _ = s.memory.Write(line) // never fails
		return nil
	}
	if s.file == nil {
		file, err := os.CreateTemp("", "labledger-report-")
		if err != nil {
			s.count--
			return errStopReading // no disk space: report the errors collected so far
		}
		_ = os.Remove(file.Name()) // the open file stays usable
		s.file, s.buffer = file, bufio.NewWriter(file)
	}
	_, _ = s.buffer.Write(line) // writeTo reports the error when it flushes
	return nil
}

// writeTo writes the errors as the elements of a JSON array.
func (s *errorSpool) writeTo(w io.Writer) error {
	if _, err := w.Write(s.memory.Bytes()); err != nil || s.file == nil {
		return err
	}
	if err := s.buffer.Flush(); err != nil {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(w, s.file)
	return err
}

func (s *errorSpool) close() {
	if s.file != nil {
		_ = s.file.Close() // frees the removed file
	}
}
