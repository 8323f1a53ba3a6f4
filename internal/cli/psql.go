package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"labledger/internal/postgres"
)

type psqlCmd struct {
	Args []string `arg:"" optional:"" help:"Arguments of psql, such as -c 'TABLE instrument'."`
}

// Run opens psql on the database of the API.
func (p psqlCmd) Run(ctx context.Context, c *config) error {
	program, err := postgres.FindClient("psql", 0)
	if err != nil {
		return err
	}
	return c.withOwnerDB(ctx, func(d *database) error {
		if d.cluster != nil && d.cluster.IsNew() {
			if err := d.migrateAndSeed(ctx, warnLogger()); err != nil {
				return err
			}
		}
		d.pool.Close()
		// No CommandContext: in psql, Ctrl-C cancels a query, not the session.
		target, password, options := postgres.ForLibpq(d.url)
		if d.cluster != nil {
			// All users share the role of the embedded Postgres, so the history gets the name of the OS user.
			options += postgres.SessionOption("labledger.actor", osActor())
		}
		command := exec.Command(program, append([]string{"--dbname", target}, p.Args...)...)
		command.Env = postgres.ClientEnv(password, options)
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

// forwardSignals sends SIGTERM and SIGHUP on to another process until stop is called.
func forwardSignals(process *os.Process) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				_ = process.Signal(s) // fails if the process has exited
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
