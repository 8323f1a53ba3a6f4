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
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"labledger/api"
	"labledger/internal/postgres"
	"labledger/internal/postgres/migrate"
	"labledger/schema"
	"labledger/web"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Apply all migrations that are missing."`
	Down   migrateDownCmd   `cmd:"" help:"Take back the last migration. Its tables go, with all that is in them."`
	Status migrateStatusCmd `cmd:"" help:"Show which migrations are applied."`
}

type migrateUpCmd struct{}

func (migrateUpCmd) Run(ctx context.Context, c *config) error {
	return c.beside(ctx, func(d *database) error {
		from, to, err := migrate.Up(ctx, d.url, schema.Files)
		if err := moved(from, to, err); err != nil {
			return err
		}
		return c.admitServer(ctx)
	})
}

// admitServer gives the server's role the password of DATABASE_URL, where the owner's URL is another.
func (c *config) admitServer(ctx context.Context) error {
	if c.OwnerURL == "" || c.DatabaseURL == "" {
		return nil
	}
	if err := c.server().sample(); err != nil {
		return err
	}
	changed, err := postgres.SetServerPassword(ctx, c.OwnerURL, c.DatabaseURL)
	if changed {
		fmt.Println("the server's role " + postgres.ServerRole + " has a new password, that of DATABASE_URL")
	}
	return err
}

// moved tells how far a migration came, also when it failed on the way.
func moved(from, to uint, err error) error {
	if err == nil || from != to {
		fmt.Printf("schema: %d → %d\n", from, to)
	}
	return err
}

type migrateDownCmd struct {
	Steps int `arg:"" default:"1" help:"How many to take back."`
}

func (m migrateDownCmd) Run(ctx context.Context, c *config) error {
	if m.Steps < 1 {
		return errors.New("migrate down: the number of steps must be at least 1")
	}
	return c.beside(ctx, func(d *database) error {
		from, to, err := migrate.Down(ctx, d.url, schema.Files, m.Steps)
		return moved(from, to, err)
	})
}

type migrateStatusCmd struct{}

func (migrateStatusCmd) Run(ctx context.Context, c *config) error {
	return c.beside(ctx, func(d *database) error {
		status, err := migrate.Status(ctx, d.url, schema.Files)
		if err != nil {
			return err
		}
		for _, m := range status.Files {
			state := "missing"
			if m.Applied {
				state = "applied"
			}
			fmt.Printf("%6d  %-8s %s\n", m.Version, state, m.Name)
		}
		if status.Dirty {
			fmt.Println("The last migration was broken off; the next `labledger migrate up` heals that.")
		}
		return nil
	})
}

type seedCmd struct{}

func (seedCmd) Run(ctx context.Context, c *config) error {
	return c.beside(ctx, func(d *database) error {
		if err := d.ready(ctx, quiet()); err != nil {
			return err
		}
		return d.seed(ctx)
	})
}

type exportCmd struct {
	Table  string `arg:"" help:"sites, freezers, computers, containers, instruments, events, alerts, rules, users, todos, attachments or changes."`
	Format string `help:"csv or ndjson." enum:"csv,ndjson" default:"csv"`
	Output string `short:"o" help:"File to write; standard output without it." placeholder:"FILE"`
}

// Run asks the API in this very process, so that a file and an answer are the same bytes. A file is there whole, or stays as it was.
func (e exportCmd) Run(ctx context.Context, c *config) error {
	info, err := os.Stat(e.Output)
	if e.Output == "" || err == nil && !info.Mode().IsRegular() {
		return e.toDevice(ctx, c)
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

// toDevice writes to standard output, a pipe or a device, which cannot be replaced.
func (e exportCmd) toDevice(ctx context.Context, c *config) error {
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
	return c.ask(ctx, request, out)
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
	body := &progress{from: in}
	if info, err := in.Stat(); err == nil && info.Mode().IsRegular() {
		body.size = info.Size()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", mediaTypes[i.Format])
	err = c.ask(ctx, request, os.Stdout)
	body.end()
	return err
}

var mediaTypes = map[string]string{"csv": "text/csv", "ndjson": "application/x-ndjson", "json": "application/json"}

// ask sends a request to the API in this process and writes its answer to out.
func (c *config) ask(ctx context.Context, request *http.Request, out io.Writer) error {
	return c.beside(ctx, func(d *database) (err error) {
		if err := d.ready(ctx, quiet()); err != nil {
			return err
		}
		a := &answer{header: http.Header{}, out: out}
		defer a.survive(&err)
		api.New(api.Options{Pool: d.pool, Log: quiet(), AnonymousActor: operator(), Version: version()}).ServeHTTP(a, request)
		return a.err()
	})
}

// An answer is a response that goes to a file, or, when it is a problem, to the person at the terminal.
type answer struct {
	header  http.Header
	status  int
	out     io.Writer
	problem strings.Builder
	failed  error // of out
}

func (a *answer) Header() http.Header    { return a.header }
func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(p []byte) (int, error) {
	if a.status >= http.StatusBadRequest {
		return a.problem.Write(p)
	}
	n, err := a.out.Write(p)
	a.failed = errors.Join(a.failed, err)
	return n, err
}

// survive turns a stream that broke off in the middle into an error.
func (a *answer) survive(err *error) {
	switch thrown := recover(); {
	case thrown == nil:
	case thrown != http.ErrAbortHandler:
		panic(thrown)
	case a.failed != nil:
		*err = a.failed
	default:
		*err = errors.New("the database went away in the middle; what was written is not all")
	}
}

func (a *answer) err() error {
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

// progress shows on the terminal how much of a file has been read.
type progress struct {
	from    io.Reader
	size    int64 // 0 when it is not known
	read    int64
	printed int64
}

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	p.read += int64(n)
	if p.read-p.printed >= 4<<20 {
		p.printed = p.read
		if p.size > 0 {
			fmt.Fprintf(os.Stderr, "\r%d %% of %d MB", p.read*100/p.size, p.size/1_000_000)
		} else {
			fmt.Fprintf(os.Stderr, "\r%d MB", p.read/1_000_000)
		}
	}
	return n, err
}

func (p *progress) end() {
	if p.printed > 0 {
		fmt.Fprintln(os.Stderr)
	}
}

type staticCmd struct {
	Dir string `arg:"" help:"Folder that is served at /static/."`
}

// Run writes what a web server before this one gives out in its place.
func (s staticCmd) Run() error { return web.Write(s.Dir) }

type psqlCmd struct {
	Args []string `arg:"" optional:"" help:"Arguments of psql, like -c 'TABLE instrument'."`
}

// Run opens psql on the database that the API works on.
func (p psqlCmd) Run(ctx context.Context, c *config) error {
	program, err := postgres.FindClient("psql")
	if err != nil {
		return err
	}
	return c.beside(ctx, func(d *database) error {
		if d.cluster != nil {
			if err := d.ready(ctx, quiet()); err != nil {
				return err
			}
		}
		d.pool.Close()
		// Ctrl-C belongs to psql here: it breaks off a query, not the session.
		target, password := postgres.WithoutPassword(d.url)
		command := exec.Command(program, append([]string{"--dbname", target}, p.Args...)...)
		command.Env = os.Environ()
		if password != "" {
			command.Env = append(command.Env, "PGPASSWORD="+password)
		}
		if d.cluster != nil { // its one role is everybody's, so the history is told who sits there
			actor := strings.NewReplacer(`\`, `\\`, ` `, `\ `).Replace(operator())
			command.Env = append(command.Env, "PGOPTIONS="+os.Getenv("PGOPTIONS")+" -c labledger.actor="+actor)
		}
		command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
		if err := command.Start(); err != nil {
			return err
		}
		stop := passOn(command.Process)
		defer stop()
		err := command.Wait()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exitCode(exit.ExitCode())
		}
		return err
	})
}

// passOn hands the signals that mean an end to another program.
func passOn(to *os.Process) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				_ = to.Signal(s) // one that has ended needs none
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

type versionCmd struct{}

func (versionCmd) Run() error {
	fmt.Println("labledger " + version())
	return nil
}

type helpCmd struct{}

func (helpCmd) Run(parser *kong.Kong) error {
	_, err := parser.Parse([]string{"--help"})
	return err
}
