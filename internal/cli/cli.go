// Package cli is the command line: it reads the configuration, wires the packages together and runs one command.
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

	Serve   serveCmd   `cmd:"" default:"withargs" help:"Serve the API (the default command)."`
	Migrate migrateCmd `cmd:"" help:"Migrate the database schema, or show its state."`
	Seed    seedCmd    `cmd:"" help:"Load the mock data, of which a second run changes nothing, or with --demo a whole laboratory."`
	Export  exportCmd  `cmd:"" help:"Write a whole table to standard output or to a file."`
	Import  importCmd  `cmd:"" help:"Store the rows of a CSV, NDJSON or JSON file, all or none."`
	Replay  replayCmd  `cmd:"" help:"Evaluate changed rules over the recorded events and print how the alerts would differ. Stores nothing."`
	Ledger  ledgerCmd  `cmd:"" help:"Verify the recorded ledger against its events, or repair user states."`
	History historyCmd `cmd:"" help:"Verify the history by its seals."`
	User    userCmd    `cmd:"" help:"Create and manage accounts."`
	Backup  backupCmd  `cmd:"" help:"Write the database to a file, and verify the file by restoring it into a scratch database."`
	Restore restoreCmd `cmd:"" help:"Restore a backup into an empty database."`
	Health  healthCmd  `cmd:"" help:"Query the readiness of the local server; exit code 1 if it is not ready. For health checks."`
	Check   checkCmd   `cmd:"" help:"Validate the configuration: reject sample passwords, weak keys and unsafe settings."`
	Static  staticCmd  `cmd:"" hidden:"" help:"Write the web app's files, with compressed copies, to a directory for a web server."`
	Psql    psqlCmd    `cmd:"" help:"Open psql on the same database; psql gets all arguments that follow." passthrough:""`
	Version versionCmd `cmd:"" help:"Print the version."`
	Help    helpCmd    `cmd:"" help:"Print this help: all commands and settings."`
}

// Main runs one command and returns the exit code of the process.
func Main(args []string) int {
	var c cli
	parser := kong.Must(&c,
		kong.Name("labledger"),
		kong.Description("Laboratory inventory, event ledger and change history over HTTP, on PostgreSQL."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	file, err := loadEnvironment(parser.Model.Flags)
	if err != nil {
		return fail(err)
	}
	command, err := parser.Parse(args)
	if err != nil {
		parser.Stdout = os.Stderr // standard output is for data; the usage must not end up in a redirected file
	}
	parser.FatalIfErrorf(err)
	c.envFile, c.Host = file, unbracket(c.Host)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(&c.config, parser); err != nil {
		stop()
		return fail(err)
	}
	return 0
}

// fail prints the error of a command and returns the exit code of the process.
func fail(err error) int {
	var code exitCode
	if errors.As(err, &code) {
		return int(code)
	}
	fmt.Fprintln(os.Stderr, "labledger: "+printable(err.Error()))
	return 1
}

// exitCode is an error that sets the exit code of the process without a message: the command has already printed one.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

type helpCmd struct{}

func (helpCmd) Run(parser *kong.Kong) error {
	_, err := parser.Parse([]string{"--help"})
	return err
}
