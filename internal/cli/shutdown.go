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

// A graceful shutdown has four steps:
//  1. /readyz returns 503, so that load balancers with health checks stop sending requests.
//  2. The port closes, so that other proxies choose another server.
//  3. Each response on an open connection carries "Connection: close".
//  4. Idle connections close and running requests finish.
//
// A connection stays open while a request may be in transit on it.

// keepAliveDrain is how long open connections are served after the port has closed. Proxies in front need a shorter
// idle timeout (nginx: keepalive_timeout of the upstream).
const keepAliveDrain = 3 * time.Second

// drainHandler tracks the steps of a graceful shutdown.
type drainHandler struct {
	next     http.Handler
	notReady atomic.Bool // /readyz returns 503
	closing  atomic.Bool // the port is closed
}

func (h *drainHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.closing.Load() {
		w.Header().Set("Connection", "close")
	}
	h.next.ServeHTTP(w, r)
}

// shutdown stops the server gracefully. A second signal ends each wait and closes all connections.
func (h *drainHandler) shutdown(
	server *http.Server, listener net.Listener, delay time.Duration, log *slog.Logger,
) error {
	secondSignal, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	sleep := func(d time.Duration) {
		select {
		case <-secondSignal.Done():
		case <-time.After(d):
		}
	}
	h.notReady.Store(true)
	log.Info("stopping; waiting for running requests", "seconds", (delay + shutdownTimeout).Seconds())
	sleep(delay)
	h.closing.Store(true)
	_ = listener.Close() // Serve returns the error
	if delay > 0 {
		sleep(keepAliveDrain)
	}
	ctx, cancel := context.WithTimeout(secondSignal, shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		log.Warn("requests aborted at shutdown", "error", err.Error())
		return server.Close()
	}
	return nil
}
