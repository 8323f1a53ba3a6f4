package cli

import (
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

	"labledger/api"
)

type exportCmd struct {
	Table  string `arg:"" help:"sites, freezers, computers, containers, instruments, events, alerts, rules, users, todos, attachments or changes."`
	Format string `help:"csv or ndjson." enum:"csv,ndjson" default:"csv"`
	Output string `short:"o" help:"File to write; standard output without it." placeholder:"FILE"`
}

// Run asks the API in this very process, so that a file and an answer are the same bytes. A file is there whole, or stays as it was.
func (e exportCmd) Run(ctx context.Context, c *config) error {
	info, err := os.Stat(e.Output)
	if e.Output == "" || err == nil && !info.Mode().IsRegular() {
		return e.exportToStream(ctx, c)
	}
	out, err := os.CreateTemp(filepath.Dir(e.Output), filepath.Base(e.Output)+".part-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(out.Name()) }() // it has another name by then, unless something failed
	if err := e.write(ctx, c, out); err != nil {
		_ = out.Close() // it goes
		return err
	}
	mode := os.FileMode(0o644)
	if info != nil {
		mode = info.Mode().Perm()
	}
	if err := errors.Join(out.Chmod(mode), out.Close()); err != nil {
		return err
	}
	return os.Rename(out.Name(), e.Output)
}

// exportToStream writes to standard output, a pipe or a device, which cannot be replaced.
func (e exportCmd) exportToStream(ctx context.Context, c *config) error {
	if e.Output == "" {
		return e.write(ctx, c, os.Stdout)
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
	return c.callAPI(ctx, request, out)
}

type importCmd struct {
	Table  string `arg:"" help:"sites, freezers, computers, containers, users, todos or events."`
	File   string `arg:"" help:"CSV with a header line, NDJSON or a JSON array; - is standard input."`
	Format string `help:"csv, ndjson or json. Default: what the file's name says, else csv." enum:",csv,ndjson,json" default:""`
	DryRun bool   `help:"Check everything, store nothing."`
}

// Run stores the file's rows through the API in this very process. Everything that is wrong with them is printed.
func (i importCmd) Run(ctx context.Context, c *config) error {
	in := os.Stdin
	if i.File != "-" {
		file, err := os.Open(i.File)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	if info, err := in.Stat(); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory, not a file", i.File)
	}
	if i.Format == "" {
		i.Format = map[string]string{".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json"}[filepath.Ext(i.File)]
	}
	if i.Format == "" {
		i.Format = "csv"
	}
	target := "/api/v1/" + url.PathEscape(i.Table)
	if i.DryRun {
		target += "?dry_run=true"
	}
	body := &importProgress{src: in}
	if info, err := in.Stat(); err == nil && info.Mode().IsRegular() {
		body.size = info.Size()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", mediaTypes[i.Format])
	err = c.callAPI(ctx, request, os.Stdout)
	body.done()
	return err
}

var mediaTypes = map[string]string{"csv": "text/csv", "ndjson": "application/x-ndjson", "json": "application/json"}

// callAPI sends a request to the API in this process and writes its answer to out.
func (c *config) callAPI(ctx context.Context, request *http.Request, out io.Writer) error {
	return c.withOwnerDB(ctx, func(d *database) (err error) {
		if err := d.migrateAndSeed(ctx, warnLogger()); err != nil {
			return err
		}
		a := &cliResponse{header: http.Header{}, out: out}
		defer a.recoverAbort(&err)
		api.New(api.Options{Pool: d.pool, Log: warnLogger(), AnonymousActor: osUsername(), Version: version()}).ServeHTTP(a, request)
		return a.err()
	})
}

// An cliResponse is a response that goes to a file, or, when it is a problem, to the person at the terminal.
type cliResponse struct {
	header   http.Header
	status   int
	out      io.Writer
	problem  strings.Builder
	writeErr error // of out
}

func (a *cliResponse) Header() http.Header    { return a.header }
func (a *cliResponse) WriteHeader(status int) { a.status = status }

func (a *cliResponse) Write(p []byte) (int, error) {
	if a.status >= http.StatusBadRequest {
		return a.problem.Write(p)
	}
	n, err := a.out.Write(p)
	a.writeErr = errors.Join(a.writeErr, err)
	return n, err
}

// recoverAbort turns a stream that broke off in the middle into an error.
func (a *cliResponse) recoverAbort(err *error) {
	switch thrown := recover(); {
	case thrown == nil:
	case thrown != http.ErrAbortHandler:
		panic(thrown)
	case a.writeErr != nil:
		*err = a.writeErr
	default:
		*err = errors.New("the database went away in the middle; what was written is not all")
	}
}

func (a *cliResponse) err() error {
	if a.status < http.StatusBadRequest {
		return nil
	}
	var p api.Problem
	if err := json.Unmarshal([]byte(a.problem.String()), &p); err != nil {
		return errors.New(a.problem.String())
	}
	if a.status == http.StatusNotFound || a.status == http.StatusMethodNotAllowed {
		return errors.New("there is no such table. `labledger help` names them")
	}
	var lines strings.Builder
	for _, f := range p.Errors {
		if f.Line > 0 {
			fmt.Fprintf(&lines, "\n  line %d, %s: %s", f.Line, f.Field, f.Message)
		}
	}
	if lines.Len() > 0 {
		return errors.New("nothing was stored" + lines.String())
	}
	return errors.New(p.Detail)
}
