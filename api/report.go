package api

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
)

// A report is a list of faults of any length: in a file once there is one.
type report struct {
	count  int64
	file   *os.File
	buffer *bufio.Writer
}

func (t *report) add(f FieldError) error {
	if t.file == nil {
		file, err := os.CreateTemp("", "labledger-report-")
		if err != nil {
			return err
		}
		_ = os.Remove(file.Name()) // the open file stays; its name is not needed
		t.file, t.buffer = file, bufio.NewWriter(file)
	}
	if t.count == maxReport {
		return errStop
	}
	if t.count++; t.count > 1 {
		_ = t.buffer.WriteByte(',') // a bufio.Writer keeps its first error for the flush
	}
	line, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, _ = t.buffer.Write(line)
	return nil
}

func (t *report) copyTo(w io.Writer) error {
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
