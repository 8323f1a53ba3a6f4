package main

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
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"labledger/api"
	"labledger/db/postgres"
	"labledger/schema"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Apply all migrations that are missing."`
	Down   migrateDownCmd   `cmd:"" help:"Take back the last migration. Its tables go, with all that is in them."`
	Status migrateStatusCmd `cmd:"" help:"Show which migrations are applied."`
}

type migrateUpCmd struct{}

func (migrateUpCmd) Run(ctx context.Context, c *config) error {
	return c.beside(ctx, func(d *database) error {
		from, to, err := postgres.Migrate(ctx, d.url, schema.Files)
		return moved(from, to, err)
	})
}

// moved tells how far a migration came, also when it failed on the way.
func moved(from, to uint, err error) error {
	fmt.Printf("schema: %d → %d\n", from, to)
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
		from, to, err := postgres.MigrateDown(ctx, d.url, schema.Files, m.Steps)
		return moved(from, to, err)
	})
}

type migrateStatusCmd struct{}

func (migrateStatusCmd) Run(ctx context.Context, c *config) error {
	return c.beside(ctx, func(d *database) error {
		status, err := postgres.MigrationStatus(ctx, d.url, schema.Files)
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
	Table  string `arg:"" help:"sites, freezers, computers, containers, instruments or changes."`
	Format string `help:"csv or ndjson." enum:"csv,ndjson" default:"csv"`
	Output string `short:"o" help:"File to write; standard output without it." placeholder:"FILE"`
}

// Run asks the API in this very process, so that a file and an answer are the same bytes.
func (e exportCmd) Run(ctx context.Context, c *config) (err error) {
	out := os.Stdout
	if e.Output != "" {
		if out, err = os.Create(e.Output); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, out.Close()) }()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/"+url.PathEscape(e.Table), nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", mediaTypes[e.Format])
	return c.ask(ctx, request, out)
}

type importCmd struct {
	Table  string `arg:"" help:"sites, freezers, computers or containers."`
	File   string `arg:"" help:"CSV with a header line, or NDJSON; - is standard input."`
	Format string `help:"csv or ndjson. Default: what the file's name says, else csv." enum:",csv,ndjson" default:""`
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
	if i.Format == "" {
		i.Format = "csv"
		if ext := filepath.Ext(i.File); ext == ".ndjson" || ext == ".jsonl" {
			i.Format = "ndjson"
		}
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

var mediaTypes = map[string]string{"csv": "text/csv", "ndjson": "application/x-ndjson"}

// ask sends a request to the API in this process and writes its answer to out.
func (c *config) ask(ctx context.Context, request *http.Request, out io.Writer) error {
	return c.beside(ctx, func(d *database) error {
		if err := d.ready(ctx, quiet()); err != nil {
			return err
		}
		a := &answer{header: http.Header{}, out: out}
		api.New(api.Options{Pool: d.pool, Log: quiet(), Actor: operator(), Version: version()}).ServeHTTP(a, request)
		return a.err()
	})
}

// An answer is a response that goes to a file, or, when it is a problem, to the person at the terminal.
type answer struct {
	header  http.Header
	status  int
	out     io.Writer
	problem strings.Builder
}

func (a *answer) Header() http.Header    { return a.header }
func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(p []byte) (int, error) {
	if a.status >= http.StatusBadRequest {
		return a.problem.Write(p)
	}
	return a.out.Write(p)
}

func (a *answer) err() error {
	if a.status < http.StatusBadRequest {
		return nil
	}
	var p api.Problem
	if err := json.Unmarshal([]byte(a.problem.String()), &p); err != nil {
		return errors.New(a.problem.String())
	}
	text := p.Detail
	if a.status == http.StatusNotFound || a.status == http.StatusMethodNotAllowed {
		text = "there is no such table. `labledger help` names them"
	}
	for _, f := range p.Errors {
		if f.Line > 0 {
			text += fmt.Sprintf("\n  line %d, %s: %s", f.Line, f.Field, f.Message)
		}
	}
	return errors.New(text)
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

type psqlCmd struct {
	Args []string `arg:"" optional:"" help:"Arguments of psql, like -c 'TABLE instrument'."`
}

// Run opens psql on the database that the API works on.
func (p psqlCmd) Run(ctx context.Context, c *config) error {
	program, err := postgres.FindPsql()
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
		target, password := withoutPassword(d.url)
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
		err := command.Run()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exitCode(exit.ExitCode())
		}
		return err
	})
}

// withoutPassword takes the password out of a database's URL: arguments are for everyone on the machine to see.
func withoutPassword(database string) (target, password string) {
	u, err := url.Parse(database)
	if err != nil || u.User == nil {
		return database, ""
	}
	password, _ = u.User.Password()
	u.User = url.User(u.User.Username())
	return u.String(), password
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
