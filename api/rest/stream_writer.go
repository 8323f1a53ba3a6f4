package rest

import (
	"net/http"
	"time"

	"labledger/api/problem"
)

// streamWriteTimeout is how long the client may take to accept one chunk of a stream.
const streamWriteTimeout = 30 * time.Second

// A StreamWriter writes a response in chunks. It extends the write deadline with each chunk, and sends the headers with
// the first one, so that an earlier error is still reported as a problem.
type StreamWriter struct {
	c         *Call
	control   *http.ResponseController
	mediaType string
	started   bool
}

// StreamWriter returns a writer for the response.
func (c *Call) StreamWriter(mediaType string) *StreamWriter {
	return &StreamWriter{c: c, control: http.NewResponseController(c.w), mediaType: mediaType}
}

func (s *StreamWriter) start() {
	if !s.started {
		s.started = true
		s.c.requireAuthorized()
		s.c.Header.Set("Content-Type", s.mediaType)
		s.c.w.WriteHeader(http.StatusOK)
	}
}

func (s *StreamWriter) Write(chunk []byte) (int, error) {
	s.start()
	_ = s.control.SetWriteDeadline(time.Now().Add(streamWriteTimeout)) // a recorder in tests has no deadlines
	return s.c.w.Write(chunk)
}

// Finish ends the response. It returns err if nothing has been sent yet. Otherwise it aborts the connection on an
// error, so that no client mistakes a part for the whole.
func (s *StreamWriter) Finish(err error) error {
	switch {
	case err == nil:
		s.start()
	case s.started:
		s.c.Problem = problem.From(err, s.c.Method, nil)
		panic(http.ErrAbortHandler)
	}
	return err
}
