package tracing

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
)

// logInterval is how often the log tells that traces are not sent: a collector that is away fails every batch.
const logInterval = time.Minute

// maxErrorLen bounds what a collector's answer adds to the log, in bytes.
const maxErrorLen = 300

// errorLogger are what OpenTelemetry has to say. Those made while it starts are gathered, later ones are logged now and then. They implement
// otel.ErrorHandler and logr.LogSink; what is no error is passed over.
type errorLogger struct {
	log *slog.Logger

	mu         sync.Mutex
	running    bool
	startup    []error
	lastLogged time.Time
	suppressed int // complaints since then
}

// startupErrors returns what was complained of so far.
func (c *errorLogger) startupErrors() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = true
	return errors.Join(c.startup...)
}

// Handle implements otel.ErrorHandler.
func (c *errorLogger) Handle(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.running:
		c.startup = append(c.startup, err)
	case time.Since(c.lastLogged) < logInterval:
		c.suppressed++
	default:
		c.log.Warn("traces are lost; requests do not suffer", "error", oneLine(err), "suppressed", c.suppressed)
		c.lastLogged, c.suppressed = time.Now(), 0
	}
}

// oneLine is an error's text in one short line.
func oneLine(err error) string {
	line := strings.Join(strings.Fields(strings.ToValidUTF8(err.Error(), "?")), " ")
	if len(line) > maxErrorLen {
		line = strings.ToValidUTF8(line[:maxErrorLen], "") + "…"
	}
	return line
}

// Error implements logr.LogSink. The details are left out, and so is the text of a URL that cannot be read: there may be a secret in them.
func (c *errorLogger) Error(err error, msg string, _ ...any) {
	if urlErr := (*url.Error)(nil); errors.As(err, &urlErr) {
		err = errors.New("it cannot be read")
	}
	c.Handle(fmt.Errorf("%s: %w", msg, err))
}

// Init implements logr.LogSink.
func (c *errorLogger) Init(logr.RuntimeInfo) {}

// Enabled implements logr.LogSink.
func (c *errorLogger) Enabled(int) bool { return false }

// Info implements logr.LogSink.
func (c *errorLogger) Info(int, string, ...any) {}

// WithValues implements logr.LogSink.
func (c *errorLogger) WithValues(...any) logr.LogSink { return c }

// WithName implements logr.LogSink.
func (c *errorLogger) WithName(string) logr.LogSink { return c }
