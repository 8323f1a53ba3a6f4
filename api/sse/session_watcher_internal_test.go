package sse

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"labledger/api/rest"
	"labledger/db"
)

// memoryCredentials are credentials in memory.
type memoryCredentials struct {
	mu    sync.Mutex
	ended []string
	err   error
	polls [][]string // the keys of each call
}

func (c *memoryCredentials) ListEndedCredentials(
	_ context.Context, p db.ListEndedCredentialsParams,
) (ended []string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.polls = append(c.polls, slices.Sorted(slices.Values(p.Keys)))
	for _, key := range p.Keys {
		if slices.Contains(c.ended, key) {
			ended = append(ended, key)
		}
	}
	return ended, c.err
}

// end ends the session or token of a caller. From now on, each poll fails with err, unless that is nil.
func (c *memoryCredentials) end(caller *rest.Caller, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended, c.err = append(c.ended, credentialKey(caller)), err
}

// takePolls returns the keys of each poll since the last call of takePolls.
func (c *memoryCredentials) takePolls() [][]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	polls := c.polls
	c.polls = nil
	return polls
}

// watchInBubble runs a test with a sessionWatcher in a synctest bubble.
func watchInBubble(t *testing.T, run func(t *testing.T, w *sessionWatcher, c *memoryCredentials)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &memoryCredentials{}
		run(t, newSessionWatcher(c), c)
		advance(sessionPollInterval) // now the watcher must have stopped, or the bubble reports a deadlock
	})
}

func newSession() *rest.Caller { return &rest.Caller{SessionID: uuid.New()} }

// TestSessionWatcher_cancels: a stream ends at the first poll after the end of its session or token. Streams of other
// sessions stay open.
func TestSessionWatcher_cancels(t *testing.T) {
	watchInBubble(t, func(t *testing.T, w *sessionWatcher, c *memoryCredentials) {
		for _, caller := range []*rest.Caller{newSession(), {TokenID: 7}} {
			ended, stopEnded := w.watch(t.Context(), caller)
			second, stopSecond := w.watch(t.Context(), caller)
			other, stopOther := w.watch(t.Context(), newSession())
			otherToken, stopOtherToken := w.watch(t.Context(), &rest.Caller{TokenID: 8})
			advance(10*sessionPollInterval + sessionPollInterval/2)
			if err := errors.Join(ended.Err(), second.Err()); err != nil {
				t.Errorf("a stream of a valid session ended: %v", err)
			}
			c.end(caller, nil)
			advance(sessionPollInterval / 2)
			if ended.Err() == nil || second.Err() == nil {
				t.Error("the streams are open after the first poll")
			}
			if err := errors.Join(other.Err(), otherToken.Err()); err != nil {
				t.Errorf("a stream of another session ended: %v", err)
			}
			stopEnded()
			stopSecond()
			stopOther()
			stopOtherToken()
		}
	})
}

// TestSessionWatcher_retries: a failed poll ends no stream, and the next one ends it.
func TestSessionWatcher_retries(t *testing.T) {
	watchInBubble(t, func(t *testing.T, w *sessionWatcher, c *memoryCredentials) {
		caller := newSession()
		watched, stop := w.watch(t.Context(), caller)
		defer stop()
		c.end(caller, errors.New("no database"))
		advance(5*sessionPollInterval + sessionPollInterval/2)
		if watched.Err() != nil {
			t.Error("the stream ended although all polls failed")
		}
		c.end(caller, nil)
		advance(sessionPollInterval / 2)
		if watched.Err() == nil {
			t.Error("the stream is open after a poll")
		}
	})
}

// TestSessionWatcher_expires: a stream ends when its access token expires, to the nanosecond. Another stream of the
// session stays open.
func TestSessionWatcher_expires(t *testing.T) {
	watchInBubble(t, func(t *testing.T, w *sessionWatcher, c *memoryCredentials) {
		caller := newSession()
		active, stopActive := w.watch(t.Context(), caller)
		defer stopActive()
		expiring := *caller
		expiring.Expires = time.Now().Add(time.Minute)
		watched, stop := w.watch(t.Context(), &expiring)
		defer stop()
		advance(time.Minute - 1)
		if watched.Err() != nil {
			t.Error("the stream ended before the access token expired")
		}
		advance(1)
		if watched.Err() == nil || active.Err() != nil {
			t.Errorf("with the expired token %v, want an error; with the other %v", watched.Err(), active.Err())
		}
	})
}

// TestSessionWatcher_polls: one poll per interval serves all streams, each session once. Polls stop after the last
// stream and start again with the next. Anonymous streams need none.
func TestSessionWatcher_polls(t *testing.T) {
	watchInBubble(t, func(t *testing.T, w *sessionWatcher, c *memoryCredentials) {
		for range 2 {
			ann, bob := newSession(), newSession()
			_, stopAnn := w.watch(t.Context(), ann)
			_, stopAnn2 := w.watch(t.Context(), ann)
			_, stopBob := w.watch(t.Context(), bob)
			_, stopAnonymous := w.watch(t.Context(), &rest.Caller{})
			advance(sessionPollInterval + sessionPollInterval/2)
			stopAnn()
			stopBob()
			advance(2 * sessionPollInterval)
			stopAnn2()
			advance(10 * sessionPollInterval)
			stopAnonymous()
			both := []string{credentialKey(ann), credentialKey(bob)}
			slices.Sort(both)
			want := [][]string{both, {credentialKey(ann)}, {credentialKey(ann)}}
			if got := c.takePolls(); !slices.EqualFunc(got, want, slices.Equal) {
				t.Errorf("polls of %q, want %q", got, want)
			}
		}
	})
}
