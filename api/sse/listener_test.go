package sse

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"labledger/internal/pgtest"
)

// A Listener is a client of the stream, for the tests of this package and of package sse_test.
type Listener struct {
	*http.Response
	Cancel   context.CancelFunc
	messages chan Message // closed when the stream ends
	err      error        // why the stream ended; valid once messages is closed
}

// A Message is a message of the stream, or a comment.
type Message struct{ ID, Event, Data, Comment string }

// Heartbeat is a heartbeat without a position.
var Heartbeat = Message{Comment: "heartbeat"}

// Listen opens a stream, which ends with ctx. Header lines have the form "Name: value". It may be called from any
// goroutine.
func Listen(ctx context.Context, client *http.Client, url string, header ...string) (*Listener, error) {
	ctx, cancel := context.WithCancel(ctx)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		cancel()
		return nil, err
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	response, err := client.Do(r)
	if err != nil {
		cancel()
		return nil, err
	}
	l := &Listener{Response: response, Cancel: cancel, messages: make(chan Message, 10_000)}
	go l.receive(ctx)
	return l, nil
}

// receive parses messages until the stream ends.
func (l *Listener) receive(ctx context.Context) {
	defer close(l.messages)
	defer l.Body.Close()
	reader := bufio.NewReader(l.Body)
	var m Message
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			l.err = err
			return
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch {
		case name == "id":
			m.ID = value
		case name == "event":
			m.Event = value
		case name == "data":
			m.Data = value
		case name == "" && value != "":
			m.Comment = value
		case name == "":
			select {
			case l.messages <- m:
			case <-ctx.Done():
				l.err = ctx.Err()
				return
			}
			m = Message{}
		}
	}
}

// Messages returns the channel of messages, which is closed when the stream ends.
func (l *Listener) Messages() <-chan Message { return l.messages }

// Next waits for the next message, with or without data.
func (l *Listener) Next(t testing.TB) Message {
	t.Helper()
	return l.next(t, func(Message) bool { return true })
}

// NextData waits for the next message with data.
func (l *Listener) NextData(t testing.TB) Message {
	t.Helper()
	return l.next(t, func(m Message) bool { return m.Data != "" })
}

// next waits for the next message that matches.
func (l *Listener) next(t testing.TB, matches func(Message) bool) Message {
	t.Helper()
	timeout := time.After(pgtest.WaitTimeout) // also ends a stream of heartbeats
	for {
		select {
		case m, ok := <-l.messages:
			if !ok {
				t.Fatalf("the stream ended: %v", l.err)
			}
			if matches(m) {
				return m
			}
		case <-timeout:
			t.Fatal("timeout while waiting for a message")
		}
	}
}

// WaitClosed waits until the stream ends, which must be a clean end.
func (l *Listener) WaitClosed(t testing.TB) {
	t.Helper()
	timeout := time.After(pgtest.WaitTimeout)
	for {
		select {
		case _, ok := <-l.messages:
			if ok {
				continue
			}
			if l.err != io.EOF {
				t.Errorf("the stream ended with %v, want EOF", l.err)
			}
		case <-timeout:
			t.Error("timeout while waiting for the end of the stream")
		}
		return
	}
}

// received returns the messages that have arrived, without waiting.
func (l *Listener) received() (messages []Message) {
	for {
		select {
		case m, ok := <-l.messages:
			if !ok {
				return messages
			}
			messages = append(messages, m)
		default:
			return messages
		}
	}
}
