package api

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
)

// sessionPollInterval bounds how long a stream outlives its session.
const sessionPollInterval = time.Second

// A sessionWatcher closes streams whose session or API token has ended. It polls once per interval for all of them, and
// only while there are any.
type sessionWatcher struct {
	pool *pgxpool.Pool

	mu      sync.Mutex
	cancels map[string]map[*context.CancelFunc]struct{} // by principal.credentialKey
	running bool
}

func newSessionWatcher(pool *pgxpool.Pool) *sessionWatcher {
	return &sessionWatcher{pool: pool, cancels: map[string]map[*context.CancelFunc]struct{}{}}
}

// watch returns a context that ends when the caller's session or API token ends or the access token expires. The caller
// of watch must call stop.
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

// run polls until no session is watched.
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
			continue // retry; while the database is unavailable, it authenticates no requests either
		}
		w.cancel(ended)
	}
}

// watchedKeys returns the keys of all watched sessions and tokens. It returns nil and marks run as stopped if there are
// none.
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

// cancel closes the streams of the given keys.
func (w *sessionWatcher) cancel(keys []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, key := range keys {
		for cancel := range w.cancels[key] {
			(*cancel)()
		}
	}
}
