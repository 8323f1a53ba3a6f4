package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"labledger/api"
	"labledger/api/authn"
	"labledger/api/problem"
	"labledger/api/rest"
	"labledger/internal/durable"
	"labledger/internal/media"
)

type exportCmd struct {
	Table  string `arg:"" help:"sites, freezers, computers, containers, checkouts, instruments, events, alerts, rules, users, todos, views, attachments or changes."`
	Format string `help:"csv or ndjson." enum:"csv,ndjson" default:"csv"`
	Output string `short:"o" help:"File to write. Default: standard output." placeholder:"FILE"`
}

// Run writes the response of the API, called in this process, so that a file has the same bytes as a response.
// It writes a file completely, or leaves an existing one unchanged.
func (e exportCmd) Run(ctx context.Context, c *config) error {
	info, err := os.Stat(e.Output)
	if e.Output == "" || err == nil && !info.Mode().IsRegular() {
		return e.exportToStream(ctx, c)
	}
	tmp, err := os.CreateTemp(filepath.Dir(e.Output), filepath.Base(e.Output)+".part-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	if err := e.write(ctx, c, tmp); err != nil {
		_ = tmp.Close()
		return err
	}
	mode := os.FileMode(0o644)
	if info != nil {
		mode = info.Mode().Perm()
	}
	if err := tmp.Chmod(mode); err != nil {
		_ = tmp.Close()
		return err
	}
	return durable.Replace(tmp, e.Output)
}

// exportToStream writes to standard output, a pipe or a device, none of which a rename can replace.
func (e exportCmd) exportToStream(ctx context.Context, c *config) error {
	if e.Output == "" {
		return e.write(ctx, c, printableOn(os.Stdout))
	}
	out, err := os.OpenFile(e.Output, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(e.write(ctx, c, out), out.Close())
}

func (e exportCmd) write(ctx context.Context, c *config, out io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/"+url.PathEscape(e.Table), nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", mediaTypes[e.Format])
	return c.callAPI(ctx, request, out, nil)
}

type importCmd struct {
	Table  string `arg:"" help:"sites, freezers, computers, containers, users, todos, views or events."`
	File   string `arg:"" help:"CSV file with a header line, NDJSON file or JSON array, possibly compressed with gzip; - is standard input. Columns that the file does not have keep their values in existing rows; an empty cell clears."`
	Format string `help:"csv, ndjson or json. Default: by the file name's extension, else csv." enum:",csv,ndjson,json" default:""`
	DryRun bool   `help:"Validate everything, store nothing, and print how many rows would change and how many values would be cleared."`
}

// Run sends the rows to the API, called in this process. It prints every error of the rows.
func (i importCmd) Run(ctx context.Context, c *config) error {
	in := os.Stdin
	if i.File != "-" {
		file, err := os.Open(i.File)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	if info, err := in.Stat(); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory, not a file", i.File)
	}
	if i.Format == "" {
		i.Format = formatOf(i.File)
	}
	target := "/api/v1/" + url.PathEscape(i.Table)
	if i.DryRun {
		target += "?dry_run=true"
	}
	progress := newProgressLine()
	defer progress.done()
	body := &progressReader{src: in, line: progress}
	var spool rest.Spooler = media.NewStore(os.TempDir()) // the program that writes to a pipe may be slow
	if info, err := in.Stat(); err == nil && info.Mode().IsRegular() {
		body.size, spool = info.Size(), nil
	}
	buffered := bufio.NewReader(body)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, buffered)
	if err != nil {
		return err
	}
	request.ContentLength = -1
	request.Header.Set("Content-Type", mediaTypes[i.Format])
	if start, _ := buffered.Peek(2); string(start) == "\x1f\x8b" {
		request.Header.Set("Content-Encoding", "gzip")
	}
	return c.callAPI(ctx, request, printableOn(os.Stdout), spool)
}

// formatOf returns the format of a file by its extension, before .gz. Unknown extensions are CSV.
func formatOf(file string) string {
	name := strings.TrimSuffix(strings.ToLower(file), ".gz")
	format := map[string]string{".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json"}[filepath.Ext(name)]
	return cmp.Or(format, "csv")
}

var mediaTypes = map[string]string{"csv": "text/csv", "ndjson": "application/x-ndjson", "json": "application/json"}

// callAPI sends a request to the API in this process and writes the response to out. spool is for a bulk body; nil reads
// it directly.
func (c *config) callAPI(ctx context.Context, request *http.Request, out io.Writer, spool rest.Spooler) error {
	return c.withCheckedDB(ctx, func(d *database) (err error) {
		response := &cliResponse{header: http.Header{}, out: out}
		defer response.recoverAbort(&err)
		api.New(api.Options{
			Pool: d.pool, Log: warnLogger(), Access: authn.Options{AnonymousActor: osActor()}, Version: version(),
			EventMaxAhead: time.Duration(c.EventMaxAhead), Spool: spool,
		}).ServeHTTP(response, request)
		return response.err()
	})
}

// cliResponse is a ResponseWriter that writes a successful response to out and collects a problem for the error
// message.
type cliResponse struct {
	header   http.Header
	status   int
	out      io.Writer
	problem  strings.Builder
	writeErr error // of out
}

func (r *cliResponse) Header() http.Header    { return r.header }
func (r *cliResponse) WriteHeader(status int) { r.status = status }

func (r *cliResponse) Write(p []byte) (int, error) {
	if r.status >= http.StatusBadRequest {
		return r.problem.Write(p)
	}
	n, err := r.out.Write(p)
	r.writeErr = errors.Join(r.writeErr, err)
	return n, err
}

// recoverAbort converts the panic http.ErrAbortHandler, by which the API ends an incomplete response, into an error.
func (r *cliResponse) recoverAbort(err *error) {
	switch thrown := recover(); {
	case thrown == nil:
	case thrown != http.ErrAbortHandler:
		panic(thrown)
	case r.writeErr != nil:
		*err = r.writeErr
	default:
		*err = errors.New("database connection lost; the output is incomplete")
	}
}

// err returns the problem of the response as an error message for the command line, or nil.
func (r *cliResponse) err() error {
	if r.status < http.StatusBadRequest {
		return nil
	}
	var p problem.Problem
	if err := json.Unmarshal([]byte(r.problem.String()), &p); err != nil {
		return errors.New(r.problem.String())
	}
	if r.status == http.StatusNotFound || r.status == http.StatusMethodNotAllowed {
		return errors.New("no such table; `labledger export --help` and `labledger import --help` list the tables")
	}
	var lines strings.Builder
	for _, f := range p.Errors {
		if f.Line > 0 {
			fmt.Fprintf(&lines, "\n  line %d, %s: %s", f.Line, f.Field, f.Message)
		}
	}
	if lines.Len() > 0 {
		return errors.New("nothing was imported:" + lines.String())
	}
	return errors.New(p.Detail)
}
