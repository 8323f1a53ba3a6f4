package cli

import (
	"context"
	"net"
	"net/http"
	"testing"

	"labledger/internal/pgtest"
)

// When the database is gone or the listener fails, running requests end, since the pool waits for their connections.
func TestServeUntil_endsRequests(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(databaseDone chan struct{}, listener net.Listener){
		"database": func(databaseDone chan struct{}, _ net.Listener) { close(databaseDone) },
		"listener": func(_ chan struct{}, listener net.Listener) { _ = listener.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			running, ended := make(chan struct{}), make(chan struct{})
			server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				close(running)
				<-r.Context().Done()
				close(ended)
			})}
			defer func() { _ = server.Close() }()
			databaseDone, result := make(chan struct{}), make(chan error, 1)
			go func() { result <- serveUntil(context.Background(), server, listener, databaseDone) }()
			go func() {
				response, err := http.Get("http://" + listener.Addr().String())
				if err == nil {
					_ = response.Body.Close()
				}
			}()
			<-running
			fail(databaseDone, listener)
			if err := <-result; (err != nil) != (name == "listener") {
				t.Errorf("got error %v", err)
			}
			pgtest.WaitFor(t, "the request to end", func() bool {
				select {
				case <-ended:
					return true
				default:
					return false
				}
			})
		})
	}
}

// After ctx, running requests may finish: the graceful shutdown follows.
func TestServeUntil_leavesRequestsToShutdown(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	running, finish, status := make(chan struct{}), make(chan struct{}), make(chan int, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(running)
		<-finish
		w.WriteHeader(http.StatusNoContent)
	})}
	defer func() { _ = server.Close() }()
	ctx, stop := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- serveUntil(ctx, server, listener, nil) }()
	go func() {
		response, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			status <- 0
			return
		}
		_ = response.Body.Close()
		status <- response.StatusCode
	}()
	<-running
	stop()
	if err := <-result; err != nil {
		t.Error(err)
	}
	close(finish)
	if got := <-status; got != http.StatusNoContent {
		t.Errorf("status %d, want 204", got)
	}
}
