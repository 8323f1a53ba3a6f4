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

// complainEvery is how often the log tells that traces are not sent: a collector that is away fails every batch.
const complainEvery = time.Minute

// maxComplaint bounds what a collector's answer adds to the log, in bytes.
const maxComplaint = 300

// complaints are what OpenTelemetry has to say. Those made while it starts are gathered, later ones are logged now and then. They implement
// otel.ErrorHandler and logr.LogSink; what is no error is passed over.
type complaints struct {
	log *slog.Logger

	mu      sync.Mutex
	running bool
	early   []error
	told    time.Time
	missed  int // complaints since then
}

// started returns what was complained of so far.
func (c *complaints) started() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = true
	return errors.Join(c.early...)
}

// Handle implements otel.ErrorHandler.
func (c *complaints) Handle(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.running:
		c.early = append(c.early, err)
	case time.Since(c.told) < complainEvery:
		c.missed++
	default:
		c.log.Warn("traces are lost; requests do not suffer", "error", brief(err), "suppressed", c.missed)
		c.told, c.missed = time.Now(), 0
	}
}

// brief is an error's text in one short line.
func brief(err error) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(err.Error(), "?")), " ")
	if len(text) > maxComplaint {
		text = strings.ToValidUTF8(text[:maxComplaint], "") + "…"
	}
	return text
}

// Error implements logr.LogSink. The details are left out, and so is the text of a URL that cannot be read: there may be a secret in them.
func (c *complaints) Error(err error, what string, _ ...any) {
	if unreadable := (*url.Error)(nil); errors.As(err, &unreadable) {
		err = errors.New("it cannot be read")
	}
	c.Handle(fmt.Errorf("%s: %w", what, err))
}

// Init implements logr.LogSink.
func (c *complaints) Init(logr.RuntimeInfo) {}

// Enabled implements logr.LogSink.
func (c *complaints) Enabled(int) bool { return false }

// Info implements logr.LogSink.
func (c *complaints) Info(int, string, ...any) {}

// WithValues implements logr.LogSink.
func (c *complaints) WithValues(...any) logr.LogSink { return c }

// WithName implements logr.LogSink.
func (c *complaints) WithName(string) logr.LogSink { return c }
