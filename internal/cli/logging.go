package cli

import (
	"log/slog"
	"os"

	"golang.org/x/term"
)

// serverLogger returns the log of the server on standard output: text on a terminal, else JSON lines, unless
// configured.
func (c *config) serverLogger() *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // the parser accepts only valid levels
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "text" || c.LogFormat == "" && isTerminal(os.Stdout) {
		return slog.New(slog.NewTextHandler(os.Stdout, options))
	}
	return slog.New(slog.NewJSONHandler(os.Stdout, options))
}

// warnLogger returns a log of warnings and errors on standard error, for commands that print results.
func warnLogger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
