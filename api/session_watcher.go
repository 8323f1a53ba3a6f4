package api

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"labledger/db"
)

// This file ends what is open for long, a live stream, when what its caller came with has ended. One question a second serves all of them.

// vigilPause bounds how long a stream outlives its session.
const vigilPause = time.Second

// A vigil watches over sessions and API tokens. It works only while there are any.
type vigil struct {
	pool *pgxpool.Pool

	mu      sync.Mutex
	watched map[string]map[*context.CancelFunc]struct{} // by principal.key
	working bool
}

func newVigil(pool *pgxpool.Pool) *vigil {
	return &vigil{pool: pool, watched: map[string]map[*context.CancelFunc]struct{}{}}
}

// over returns a context that ends with the principal's session or token, and with its access token. stop must be called.
func (v *vigil) over(ctx context.Context, who *principal) (live context.Context, stop func()) {
	stopAt := context.CancelFunc(func() {})
	if !who.until.IsZero() {
		ctx, stopAt = context.WithDeadline(ctx, who.until)
	}
	live, cancel := context.WithCancel(ctx)
	end := context.CancelFunc(func() { cancel(); stopAt() })
	key := who.key()
	if key == "" {
		return live, end
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.watched[key] == nil {
		v.watched[key] = map[*context.CancelFunc]struct{}{}
	}
	v.watched[key][&end] = struct{}{}
	if !v.working {
		v.working = true
		go v.work()
	}
	return live, func() {
		end()
		v.mu.Lock()
		defer v.mu.Unlock()
		if delete(v.watched[key], &end); len(v.watched[key]) == 0 {
			delete(v.watched, key)
		}
	}
}

// work looks until there is nothing left to watch.
func (v *vigil) work() {
	for {
		time.Sleep(vigilPause)
		keys := v.keys()
		if keys == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), statementTime)
		ended, err := db.New(v.pool).ListEndedCredentials(ctx, db.ListEndedCredentialsParams{Keys: keys})
		cancel()
		if err != nil {
			continue // a database that is away lets nobody in either
		}
		v.end(ended)
	}
}

// keys are what is watched; nil ends the work.
func (v *vigil) keys() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var keys []string
	for key := range v.watched {
		keys = append(keys, key)
	}
	v.working = keys != nil
	return keys
}

func (v *vigil) end(keys []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, key := range keys {
		for end := range v.watched[key] {
			(*end)()
		}
	}
}
