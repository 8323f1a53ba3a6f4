package sse

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"labledger/api/rest"
	"labledger/db"
)

// sessionPollInterval bounds how long a stream outlives its session.
const sessionPollInterval = time.Second

// credentials are the sessions and API tokens in the database: a *db.Queries.
type credentials interface {
	ListEndedCredentials(ctx context.Context, p db.ListEndedCredentialsParams) ([]string, error)
}

// A sessionWatcher closes streams whose session or API token has ended. It polls once per interval for all of them, and
// only while there are any.
type sessionWatcher struct {
	credentials credentials

	mu      sync.Mutex
	cancels map[string]map[*context.CancelFunc]struct{} // by credentialKey
	running bool
}

func newSessionWatcher(creds credentials) *sessionWatcher {
	return &sessionWatcher{credentials: creds, cancels: map[string]map[*context.CancelFunc]struct{}{}}
}

// watch returns a context that ends when the caller's session or API token ends or the access token expires. The caller
// of watch must call stop.
func (w *sessionWatcher) watch(ctx context.Context, caller *rest.Caller) (watched context.Context, stop func()) {
	stopDeadline := context.CancelFunc(func() {})
	if !caller.Expires.IsZero() {
		ctx, stopDeadline = context.WithDeadline(ctx, caller.Expires)
	}
	watched, cancel := context.WithCancel(ctx)
	cancelBoth := context.CancelFunc(func() { cancel(); stopDeadline() })
	key := credentialKey(caller)
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

// credentialKey returns the key of the session or API token for ListEndedCredentials, or "" for an anonymous caller.
func credentialKey(caller *rest.Caller) string {
	switch {
	case caller.SessionID != uuid.Nil:
		return "session " + caller.SessionID.String()
	case caller.TokenID != 0:
		return "token " + strconv.FormatInt(caller.TokenID, 10)
	}
	return ""
}

// run polls until no session is watched.
func (w *sessionWatcher) run() {
	for {
		time.Sleep(sessionPollInterval)
		keys := w.watchedKeys()
		if keys == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), rest.StatementTimeout)
		ended, err := w.credentials.ListEndedCredentials(ctx, db.ListEndedCredentialsParams{Keys: keys})
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
