package cli

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// This file ends a server so that nobody notices. In this order: /readyz says no, so that balancers that ask send nobody any more; the port
// closes, so that proxies which do not ask go elsewhere; each answer on a connection that is still open says that it is the last one there;
// what is idle is closed, and what is under way finishes. A connection is not closed while a request may be on its way over it.

// keepAliveDrain is how long open connections are served after the port has closed. Proxies in front must let idle ones go sooner (nginx:
// keepalive_timeout of the upstream).
const keepAliveDrain = 3 * time.Second

// A drainHandler knows how far a server is with its end.
type drainHandler struct {
	next     http.Handler
	notReady atomic.Bool // /readyz says no
	closing  atomic.Bool // the port is closed
}

func (s *drainHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.closing.Load() {
		w.Header().Set("Connection", "close")
	}
	s.next.ServeHTTP(w, r)
}

// shutdown ends the server. Being told a second time to stop cuts the waiting short.
func (s *drainHandler) shutdown(server *http.Server, listener net.Listener, delay time.Duration, log *slog.Logger) error {
	again, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	wait := func(d time.Duration) {
		select {
		case <-again.Done():
		case <-time.After(d):
		}
	}
	s.notReady.Store(true)
	log.Info("stopping; requests under way may finish", "seconds", (delay + shutdownTimeout).Seconds())
	wait(delay)
	s.closing.Store(true)
	_ = listener.Close() // Serve has returned then, and says so
	if delay > 0 {
		wait(keepAliveDrain)
	}
	ctx, cancel := context.WithTimeout(again, shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		log.Warn("some requests were cut off", "error", err.Error())
		return server.Close()
	}
	return nil
}
