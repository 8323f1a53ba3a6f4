package api

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
)

// This file ends what is open for long, a live stream, when what its caller came with has ended. One question a second serves all of them.

// sessionPollInterval bounds how long a stream outlives its session.
const sessionPollInterval = time.Second

// A sessionWatcher watches over sessions and API tokens. It works only while there are any.
type sessionWatcher struct {
	pool *pgxpool.Pool

	mu      sync.Mutex
	cancels map[string]map[*context.CancelFunc]struct{} // by principal.key
	running bool
}

func newSessionWatcher(pool *pgxpool.Pool) *sessionWatcher {
	return &sessionWatcher{pool: pool, cancels: map[string]map[*context.CancelFunc]struct{}{}}
}

// watch returns a context that ends with the principal's session or token, and with its access token. stop must be called.
func (w *sessionWatcher) watch(ctx context.Context, caller *principal) (watched context.Context, stop func()) {
	stopDeadline := context.CancelFunc(func() {})
	if !caller.expires.IsZero() {
		ctx, stopDeadline = context.WithDeadline(ctx, caller.expires)
	}
	watched, cancel := context.WithCancel(ctx)
	cancelBoth := context.CancelFunc(func() { cancel(); stopDeadline() })
	key := caller.credentialKey()
	if key == "" {
		return watched, cancelBoth
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancels[key] == nil {
		w.cancels[key] = map[*context.CancelFunc]struct{}{}
	}
	w.cancels[key][&cancelBoth] = struct{}{}
	if !w.running {
		w.running = true
		go w.run()
	}
	return watched, func() {
		cancelBoth()
		w.mu.Lock()
		defer w.mu.Unlock()
		if delete(w.cancels[key], &cancelBoth); len(w.cancels[key]) == 0 {
			delete(w.cancels, key)
		}
	}
}

// run looks until there is nothing left to watch.
func (w *sessionWatcher) run() {
	for {
		time.Sleep(sessionPollInterval)
		keys := w.watchedKeys()
		if keys == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
		ended, err := db.New(w.pool).ListEndedCredentials(ctx, db.ListEndedCredentialsParams{Keys: keys})
		cancel()
		if err != nil {
			continue // a database that is away lets nobody in either
		}
		w.cancel(ended)
	}
}

// watchedKeys are what is watched; nil ends the work.
func (w *sessionWatcher) watchedKeys() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var keys []string
	for key := range w.cancels {
		keys = append(keys, key)
	}
	w.running = keys != nil
	return keys
}

func (w *sessionWatcher) cancel(keys []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, key := range keys {
		for cancel := range w.cancels[key] {
			(*cancel)()
		}
	}
}
