package rest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api/bind"
	"labledger/api/problem"
	"labledger/db"
	"labledger/internal/media"
	"labledger/internal/pgtest"
)

// A testSpooler keeps the files that it has created, and can fail.
type testSpooler struct {
	*media.Store
	diskErr error

	mu    sync.Mutex
	files []*os.File
}

func newTestSpooler(t *testing.T) *testSpooler {
	return &testSpooler{Store: media.NewStore(t.TempDir())}
}

func (s *testSpooler) TempFile() (*os.File, error) {
	f, err := s.Store.TempFile()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files = append(s.files, f)
	return f, err
}

func (s *testSpooler) CheckWritable() error { return s.diskErr }

// count returns the number of created files.
func (s *testSpooler) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.files)
}

// wantClosed reports a test error unless all files are closed, and so deleted.
func (s *testSpooler) wantClosed(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		if _, err := f.Stat(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("a file is still open: %v", err)
		}
	}
}

// TestSpool: a received body has the bytes that were sent. Only a large one needs a file.
func TestSpool(t *testing.T) {
	t.Parallel()
	for _, size := range []int{
		0, 1, maxSpooledInMemory, maxSpooledInMemory + 1, spoolStep, spoolStep + 1, 3*spoolStep - 1, 3 * spoolStep,
	} {
		spooler := newTestSpooler(t)
		c := &Call{Endpoint: &Endpoint{server: &Server{spooler: spooler}}}
		sent := bytes.Repeat([]byte("0123456"), size/7+1)[:size]
		body, discard, err := c.spool(iotest.HalfReader(bytes.NewReader(sent)))
		if err != nil {
			t.Fatal(size, err)
		}
		received, err := io.ReadAll(body)
		if err != nil || !bytes.Equal(received, sent) {
			t.Errorf("received %d bytes of %d: %v", len(received), size, err)
		}
		discard()
		spooler.wantClosed(t)
		if hasFile := spooler.count() > 0; hasFile != (size > maxSpooledInMemory) {
			t.Errorf("%d bytes: a file was created: %t", size, hasFile)
		}
	}
}

// TestSpool_errors: the error of a body is a problem of the client, that of the disk is one of the server. Nothing stays
// open.
func TestSpool_errors(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	for name, c := range map[string]struct {
		size      int64
		bodyErr   error
		diskErr   error
		wantCode  int
		wantFiles int
	}{
		"short body breaks":   {1, io.ErrUnexpectedEOF, nil, http.StatusBadRequest, 0},
		"long body breaks":    {2 * spoolStep, io.ErrUnexpectedEOF, nil, http.StatusBadRequest, 1},
		"long body is slow":   {2 * spoolStep, os.ErrDeadlineExceeded, nil, http.StatusRequestTimeout, 1},
		"too large":           {2 * spoolStep, &http.MaxBytesError{}, nil, http.StatusRequestEntityTooLarge, 1},
		"disk is full":        {2 * spoolStep, nil, full, http.StatusServiceUnavailable, 1},
		"short, disk is full": {1, nil, full, http.StatusOK, 0},
	} {
		spooler := newTestSpooler(t)
		spooler.diskErr = c.diskErr
		call := &Call{Endpoint: &Endpoint{server: &Server{spooler: spooler}}}
		body := io.LimitReader(neverEnding('x'), c.size)
		if c.bodyErr != nil {
			body = io.MultiReader(body, iotest.ErrReader(c.bodyErr))
		}
		_, _, err := call.spool(body)
		code := http.StatusOK
		var p *problem.Problem
		if errors.As(err, &p) {
			code = p.Status
		}
		if code != c.wantCode || spooler.count() != c.wantFiles {
			t.Errorf("%s: %d %v, %d files; want %d, %d", name, code, err, spooler.count(), c.wantCode, c.wantFiles)
		}
		if c.diskErr != nil && err != nil && !errors.Is(p.Cause(), c.diskErr) {
			t.Errorf("%s: the cause is %v", name, p.Cause())
		}
		spooler.wantClosed(t)
	}
}

// neverEnding is a reader of one byte for ever.
type neverEnding byte

func (b neverEnding) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

// A transferServer serves imports and exports of sites.
type transferServer struct {
	*Server
	http.Handler
	pool    *pgxpool.Pool
	spooler *testSpooler
}

func newTransferServer(t *testing.T) *transferServer {
	t.Helper()
	type q = *db.Queries
	s := &transferServer{pool: pgtest.Pool(t), spooler: newTestSpooler(t)}
	s.Server = NewServer(fakeAuthorizer{}, s.pool, nil, s.spooler)
	s.Handler = withInfo(s.Server.Handler(NewEndpoints([]Route{
		{Method: "GET", Operation: List(q.ListSites), Paths: []string{"/sites"}},
		{Method: "GET", Operation: One(q.GetSite), Paths: []string{"/sites/{id}"}},
		{Method: "POST", Paths: []string{"/sites"},
			Operation: Create(q.CreateSite, ImportRows[db.UpsertSiteParams](q.ImportSites))},
		{Method: "POST", Operation: Func(echo[NoParams], Doc{Long: true}), Paths: []string{"/replay"}},
	}, bind.Rules{})))
	return s
}

const slowRow = `{"name":"slow","contact":null,"address":null,"state_or_region":null,"country":null,` +
	`"postcode_or_zip":null}` + "\n"

// wantStatus reports a test error unless a request has a status.
func (s *transferServer) wantStatus(t *testing.T, method, target, body string, want int) {
	t.Helper()
	accept := MediaTypeJSON
	if method == "GET" {
		accept = MediaTypeCSV
	}
	w := send(s.Handler, method, target, body, "Content-Type: "+MediaTypeNDJSON, "Accept: "+accept)
	if w.Code != want {
		t.Errorf("%s %s: %d %s, want %d", method, target, w.Code, w.Body, want)
	}
}

// TestSlowImports_holdNothing: more slow imports than there are slots hold neither a slot nor a connection. All are
// stored when their bodies end.
func TestSlowImports_holdNothing(t *testing.T) {
	t.Parallel()
	s := newTransferServer(t)
	server := httptest.NewServer(s.Handler)
	defer server.Close()
	n := cap(s.transfers) + 2
	rows := 2*maxSpooledInMemory/len(slowRow) + maxChunkRows
	var wg sync.WaitGroup
	var bodies []*io.PipeWriter
	for range n {
		reader, body := io.Pipe()
		defer func() { _ = body.Close() }() // or server.Close would wait forever after a failure
		bodies = append(bodies, body)
		wg.Go(func() {
			response, err := server.Client().Post(server.URL+"/sites", MediaTypeNDJSON, reader)
			if err == nil {
				err = response.Body.Close()
			}
			if err != nil || response.StatusCode != http.StatusOK {
				t.Errorf("slow import: %v, %v", response, err)
			}
		})
	}
	for _, body := range bodies {
		if _, err := io.WriteString(body, strings.Repeat(slowRow, rows)); err != nil {
			t.Fatal(err)
		}
	}
	pgtest.WaitFor(t, "each import to need a file", func() bool { return s.spooler.count() == n })
	if acquired := s.pool.Stat().AcquiredConns(); acquired != 0 {
		t.Errorf("imports that have not arrived hold %d connections", acquired)
	}
	s.wantStatus(t, "POST", "/sites", slowRow, http.StatusOK)
	s.wantStatus(t, "GET", "/sites", "", http.StatusOK)
	s.wantStatus(t, "POST", "/replay", "", http.StatusOK)
	for _, body := range bodies {
		_ = body.Close() // never fails
	}
	wg.Wait()
	s.spooler.wantClosed(t)
	stored := pgtest.QueryValue[int](t, s.pool, "SELECT count(*) FROM site WHERE name = 'slow'")
	if want := n*rows + 1; stored != want {
		t.Errorf("%d rows are stored, want %d", stored, want)
	}
}

// TestTransferLimit: an import that has arrived waits for a slot, for a limited time. Replays and exports do not wait.
// Exports, which are as slow as their clients, have slots of their own.
func TestTransferLimit(t *testing.T) {
	t.Parallel()
	s := newTransferServer(t)
	for range cap(s.transfers) {
		s.transfers <- struct{}{}
	}
	s.slotTimeout = time.Millisecond
	s.wantStatus(t, "POST", "/sites", slowRow, http.StatusServiceUnavailable)
	s.wantStatus(t, "POST", "/replay", "", http.StatusServiceUnavailable)
	s.wantStatus(t, "GET", "/sites", "", http.StatusOK)
	s.slotTimeout = pgtest.WaitTimeout
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.wantStatus(t, "POST", "/sites", slowRow, http.StatusOK)
	}()
	<-s.transfers
	<-done
	for range cap(s.exports) {
		s.exports <- struct{}{}
	}
	s.wantStatus(t, "GET", "/sites", "", http.StatusServiceUnavailable)
	s.wantStatus(t, "POST", "/sites", slowRow, http.StatusOK)
	s.wantStatus(t, "POST", "/replay", "", http.StatusOK)
}

// TestImport_uploadLimit: a client whose body is rejected because too many arrive gets the response at once.
func TestImport_uploadLimit(t *testing.T) {
	t.Parallel()
	s := newTransferServer(t)
	s.uploads = NewQuota("uploads", 0, 1)
	s.wantStatus(t, "POST", "/sites", slowRow, http.StatusServiceUnavailable)
	if n := pgtest.QueryValue[int](t, s.pool, "SELECT count(*) FROM site WHERE name = 'slow'"); n != 0 {
		t.Errorf("%d rows are stored", n)
	}
}

// TestTransferBody_deadlines: a client may be slow for up to half an hour if it sends something each minute. What counts
// is what it sends, compressed or not: this compressed body decodes to nothing before it ends.
func TestTransferBody_deadlines(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pause time.Duration // between two chunks
		total time.Duration
		want  int
	}{
		"slow but steady":   {time.Second, 5 * time.Minute, http.StatusOK},
		"often nearly idle": {59 * time.Second, 29 * time.Minute, http.StatusOK},
		"idle":              {61 * time.Second, 3 * time.Minute, http.StatusRequestTimeout},
		"too long":          {30 * time.Second, 31 * time.Minute, http.StatusRequestTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, encoding := range []string{"identity", "gzip"} {
					if got := sendSlowly(t, encoding, c.pause, c.total); got != c.want {
						t.Errorf("%s: status %d, want %d", encoding, got, c.want)
					}
				}
			})
		})
	}
}

// sendSlowly sends a bulk body in chunks to a server in memory, and returns the status.
func sendSlowly(t *testing.T, encoding string, pause, total time.Duration) (status int) {
	t.Helper()
	server := &Server{
		authorizer: fakeAuthorizer{}, uploads: NewQuota("uploads", 1, 1), transfers: make(limiter, 1), slotTimeout: slotTimeout,
	}
	bulk := Bulk{reflect.TypeFor[NoParams](), nil, func(_ context.Context, c *Call, body io.Reader) error {
		if _, err := io.Copy(io.Discard, body); err != nil {
			return BodyProblem(err, maxBulk)
		}
		return c.respondValue("ok")
	}}
	h := withInfo(server.Handler(NewEndpoints([]Route{
		{Method: "POST", Operation: OneOrMany(Func(echo[NoParams], Doc{}), bulk), Paths: []string{"/rows"}},
	}, bind.Rules{})))
	const timeout = 15 * time.Second // shorter than the transfer
	httpServer := &http.Server{Handler: h, ReadTimeout: timeout, WriteTimeout: timeout}
	client, conn := net.Pipe()
	listener := &oneListener{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
	listener.conn <- conn
	var running sync.WaitGroup
	running.Go(func() { _ = httpServer.Serve(listener) })
	defer func() {
		_ = client.Close()
		_ = httpServer.Close()
		running.Wait()
	}()
	chunks := int(total / pause)
	body := make([]byte, chunks)
	rand.NewChaCha8([32]byte{}).Read(body) // cannot be compressed
	if encoding == "gzip" {
		body = zip(t, string(body))
	}
	running.Go(func() {
		_, _ = fmt.Fprintf(client, "POST /rows HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\n"+
			"Content-Encoding: %s\r\nTransfer-Encoding: chunked\r\n\r\n", MediaTypeNDJSON, encoding)
		for i := range chunks {
			chunk := body[i*len(body)/chunks : (i+1)*len(body)/chunks]
			if _, err := fmt.Fprintf(client, "%x\r\n%s\r\n", len(chunk), chunk); err != nil {
				return
			}
			time.Sleep(pause)
		}
		_, _ = io.WriteString(client, "0\r\n\r\n")
	})
	response, err := http.ReadResponse(bufio.NewReader(client), nil)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

// A oneListener is a net.Listener of one connection.
type oneListener struct {
	conn   chan net.Conn
	closed chan struct{}
}

func (l *oneListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conn:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *oneListener) Close() error {
	close(l.closed)
	return nil
}

func (l *oneListener) Addr() net.Addr { return &net.UnixAddr{} }
