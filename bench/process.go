package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/api"
	"labledger/api/authn"
	"labledger/internal/auth"
	"labledger/internal/postgres"
)

// The servers that are compared run in processes of their own, so that each has its own garbage collector, and so that
// their processor time and allocations can be told from those of the client.

// A serverKind is one of the compared servers.
type serverKind string

const (
	labledger         serverKind = "labledger"
	labledgerLogging  serverKind = "labledger with its log"
	labledgerSignedIn serverKind = "labledger with authentication"
	bareServer        serverKind = "net/http + pgx"
	pipelinedServer   serverKind = "pipelined"
)

// serverConfig is what a process needs. It reads it from its standard input, and ends with that.
type serverConfig struct {
	Kind   serverKind
	URL    string // of the database
	Secret string // of access tokens
}

// serverAddresses are what a process writes to its standard output.
type serverAddresses struct {
	Server, Usage string
}

// processUsage is what a process has used since it began.
type processUsage struct {
	CPU     time.Duration
	Objects uint64 // allocated
}

// handler returns the handler of a server.
func (c serverConfig) handler(ctx context.Context) (http.Handler, error) {
	switch c.Kind {
	case bareServer:
		pool, err := pgxpool.New(ctx, c.URL)
		return nethttpHandler(pool), err
	case pipelinedServer:
		return newPipelinedHandler(ctx, c.URL)
	}
	pool, err := postgres.Open(ctx, c.URL)
	if err != nil {
		return nil, err
	}
	level := slog.LevelError
	options := api.Options{Pool: pool, Access: authn.Options{AnonymousActor: "bench"}, Version: "bench"}
	switch c.Kind {
	case labledgerLogging:
		level = slog.LevelInfo
	case labledgerSignedIn:
		keys, err := auth.NewKeys(c.Secret)
		if err != nil {
			return nil, err
		}
		options.Access = authn.Options{Keys: keys, AuthRequired: true}
	}
	options.Log = slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: level}))
	return api.New(options), nil
}

// serve runs a server until the standard input ends.
func serve(ctx context.Context) error {
	input := json.NewDecoder(os.Stdin)
	var config serverConfig
	if err := input.Decode(&config); err != nil {
		return err
	}
	handler, err := config.handler(ctx)
	if err != nil {
		return err
	}
	var addresses serverAddresses
	if addresses.Server, err = startHTTP(handler); err != nil {
		return err
	}
	if addresses.Usage, err = startHTTP(http.HandlerFunc(writeUsage)); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(addresses); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func writeUsage(w http.ResponseWriter, _ *http.Request) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	_ = json.NewEncoder(w).Encode(processUsage{ // the reader checks the response
		CPU:     time.Duration(used.Utime.Nano() + used.Stime.Nano()),
		Objects: memory.Mallocs,
	})
}

// A process is a running server.
type process struct {
	target
	usageURL string
	command  *exec.Cmd
	input    io.Closer
}

// startProcess starts a server in a process of its own.
func startProcess(config serverConfig) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{command: exec.Command(program, "serve")}
	p.command.Stderr = os.Stderr
	input, err := p.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.input = input
	output, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	if err := json.NewEncoder(input).Encode(config); err != nil {
		return nil, err
	}
	var addresses serverAddresses
	if err := json.NewDecoder(output).Decode(&addresses); err != nil {
		return nil, fmt.Errorf("the server %q: %w", config.Kind, err)
	}
	p.address, p.usageURL = addresses.Server, "http://"+addresses.Usage
	return p, nil
}

func (p *process) stop() error {
	_ = p.input.Close()
	return p.command.Wait()
}

// usage returns what the process has used so far.
func (p *process) usage() (used processUsage) {
	response, err := http.Get(p.usageURL)
	if err != nil {
		panic(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&used); err != nil {
		panic(err)
	}
	return used
}
