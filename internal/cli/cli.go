// Package cli is the command line: it reads the configuration, wires the parts together and decides nothing else.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type cli struct {
	config

	Serve   serveCmd   `cmd:"" default:"withargs" help:"Serve the API (this is what happens without a command)."`
	Migrate migrateCmd `cmd:"" help:"Bring the database's schema up to date, or back."`
	Seed    seedCmd    `cmd:"" help:"Load the mock data. Running it twice changes nothing."`
	Export  exportCmd  `cmd:"" help:"Write a whole table to standard output or a file."`
	Import  importCmd  `cmd:"" help:"Store the rows of a CSV or NDJSON file, all or nothing."`
	Replay  replayCmd  `cmd:"" help:"Tell which alerts changed rules would have raised over the recorded events. Changes nothing."`
	Ledger  ledgerCmd  `cmd:"" help:"Hold the recorded ledger against what follows from its events."`
	User    userCmd    `cmd:"" help:"Create accounts, and say what they may do."`
	Backup  backupCmd  `cmd:"" help:"Write everything to a file, and prove it by restoring it into a scratch database."`
	Restore restoreCmd `cmd:"" help:"Fill an empty database with a backup."`
	Health  healthCmd  `cmd:"" help:"Ask the server of this machine whether it is ready; exit code 1 when not. For health checks."`
	Check   checkCmd   `cmd:"" help:"Refuse a configuration that a server must not run with: sample passwords, a weak key."`
	Static  staticCmd  `cmd:"" hidden:"" help:"Write the web app's files into a folder, packed, for a web server to give out."`
	Psql    psqlCmd    `cmd:"" help:"Open psql on the same database; everything after it goes to psql." passthrough:""`
	Version versionCmd `cmd:"" help:"Print the version."`
	Help    helpCmd    `cmd:"" help:"Print this help: commands, and all configuration."`
}

// Main runs one command and returns the exit code of the process.
func Main(args []string) int {
	var c cli
	parser := kong.Must(&c,
		kong.Name("labledger"),
		kong.Description("What stands where in a laboratory, and the whole history of it: an HTTP API over PostgreSQL."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	command, err := parser.Parse(args)
	if err != nil {
		parser.Stdout = os.Stderr // who asked for data must not be sent the usage
	}
	parser.FatalIfErrorf(err)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(&c.config, parser); err != nil {
		stop()
		var exit exitCode
		if errors.As(err, &exit) {
			return int(exit)
		}
		fmt.Fprintln(os.Stderr, "labledger: "+err.Error())
		return 1
	}
	return 0
}

// exitCode ends the program with the code of a program that it ran, which has said itself what was wrong.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

type helpCmd struct{}

func (helpCmd) Run(parser *kong.Kong) error {
	_, err := parser.Parse([]string{"--help"})
	return err
}
