package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
)

// reportMemory is how much of a report is held in memory, in bytes; what is longer goes to a file.
const reportMemory = 1 << 20

// A report is a list of faults, as JSON, of any length up to maxReport.
type report struct {
	count  int64
	memory bytes.Buffer
	file   *os.File // nil while the memory is enough
	buffer *bufio.Writer
}

func (t *report) add(f FieldError) error {
	if t.count == maxReport {
		return errStop
	}
	line, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if t.count++; t.count > 1 {
		line = append([]byte{','}, line...)
	}
	if t.memory.Len()+len(line) <= reportMemory && t.file == nil {
		_, _ = t.memory.Write(line) // memory takes everything
		return nil
	}
	if t.file == nil {
		file, err := os.CreateTemp("", "labledger-report-")
		if err != nil {
			t.count--
			return errStop // there is no room for more; what is told so far is enough to go on with
		}
		_ = os.Remove(file.Name()) // the open file stays; its name is not needed
		t.file, t.buffer = file, bufio.NewWriter(file)
	}
	_, _ = t.buffer.Write(line) // a bufio.Writer keeps its first error for the flush
	return nil
}

func (t *report) copyTo(w io.Writer) error {
	if _, err := w.Write(t.memory.Bytes()); err != nil || t.file == nil {
		return err
	}
	if err := t.buffer.Flush(); err != nil {
		return err
	}
	if _, err := t.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(w, t.file)
	return err
}

func (t *report) close() {
	if t.file != nil {
		_ = t.file.Close() // and with it goes the file
	}
}
