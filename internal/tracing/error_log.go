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

// logInterval is the minimum time between two logged errors. An unreachable collector fails every batch.
const logInterval = time.Minute

// maxErrorLen is the maximum length of a logged error, in bytes. A collector's response may be long.
const maxErrorLen = 300

// errorLogger collects OpenTelemetry's internal errors. It stores errors during startup for startupErrors and logs
// later ones, at most one per logInterval. It implements otel.ErrorHandler and logr.LogSink and ignores informational
// messages.
type errorLogger struct {
	log *slog.Logger

	mu         sync.Mutex
	running    bool
	startup    []error
	lastLogged time.Time
	suppressed int // errors since lastLogged
}

// startupErrors ends the startup phase and returns its errors, joined.
func (l *errorLogger) startupErrors() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = true
	return errors.Join(l.startup...)
}

// Handle implements otel.ErrorHandler.
func (l *errorLogger) Handle(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.running:
		l.startup = append(l.startup, err)
	case time.Since(l.lastLogged) < logInterval:
		l.suppressed++
	default:
		l.log.Warn("traces are lost; requests are not affected", "error", oneLine(err), "suppressed", l.suppressed)
		l.lastLogged, l.suppressed = time.Now(), 0
	}
}

// oneLine returns an error's text as one line of valid UTF-8, truncated to maxErrorLen.
func oneLine(err error) string {
	line := strings.Join(strings.Fields(strings.ToValidUTF8(err.Error(), "?")), " ")
	if len(line) > maxErrorLen {
		line = strings.ToValidUTF8(line[:maxErrorLen], "") + "…"
	}
	return line
}

// Error implements logr.LogSink. It drops the key/value details and the text of malformed URLs, because both may
// contain secrets.
func (l *errorLogger) Error(err error, msg string, _ ...any) {
	if urlErr := (*url.Error)(nil); errors.As(err, &urlErr) {
		err = errors.New("invalid URL")
	}
	l.Handle(fmt.Errorf("%s: %w", msg, err))
}

// Init implements logr.LogSink.
func (l *errorLogger) Init(logr.RuntimeInfo) {}

// Enabled implements logr.LogSink.
func (l *errorLogger) Enabled(int) bool { return false }

// Info implements logr.LogSink.
func (l *errorLogger) Info(int, string, ...any) {}

// WithValues implements logr.LogSink.
func (l *errorLogger) WithValues(...any) logr.LogSink { return l }

// WithName implements logr.LogSink.
func (l *errorLogger) WithName(string) logr.LogSink { return l }
