package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
)

// maxSpoolMemory is how much of a report is held in memory, in bytes; what is longer goes to a file.
const maxSpoolMemory = 1 << 20

// A errorSpool is a list of faults, as JSON, of any length up to maxReportedErrors.
type errorSpool struct {
	count  int64
	memory bytes.Buffer
	file   *os.File // nil while the memory is enough
	buffer *bufio.Writer
}

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
		_, _ = s.memory.Write(line) // memory takes everything
		return nil
	}
	if s.file == nil {
		file, err := os.CreateTemp("", "labledger-report-")
		if err != nil {
			s.count--
			return errStopReading // there is no room for more; what is told so far is enough to go on with
		}
		_ = os.Remove(file.Name()) // the open file stays; its name is not needed
		s.file, s.buffer = file, bufio.NewWriter(file)
	}
	_, _ = s.buffer.Write(line) // a bufio.Writer keeps its first error for the flush
	return nil
}

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
		_ = s.file.Close() // and with it goes the file
	}
}
