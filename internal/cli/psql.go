package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"labledger/internal/postgres"
)

type psqlCmd struct {
	Args []string `arg:"" optional:"" help:"Arguments of psql, like -c 'TABLE instrument'."`
}

// Run opens psql on the database that the API works on.
func (p psqlCmd) Run(ctx context.Context, c *config) error {
	program, err := postgres.FindClient("psql")
	if err != nil {
		return err
	}
	return c.withOwnerDB(ctx, func(d *database) error {
		if d.cluster != nil {
			if err := d.migrateAndSeed(ctx, warnLogger()); err != nil {
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
			actor := strings.NewReplacer(`\`, `\\`, ` `, `\ `).Replace(osUsername())
			command.Env = append(command.Env, "PGOPTIONS="+os.Getenv("PGOPTIONS")+" -c labledger.actor="+actor)
		}
		command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
		if err := command.Start(); err != nil {
			return err
		}
		stop := forwardSignals(command.Process)
		defer stop()
		err := command.Wait()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exitCode(exit.ExitCode())
		}
		return err
	})
}

// forwardSignals hands the signals that mean an end to another program.
func forwardSignals(to *os.Process) (stop func()) {
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
