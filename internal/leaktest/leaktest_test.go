package leaktest

import (
	"runtime"
	"testing"
)

type worker struct{ stop chan struct{} }

func (w *worker) run()   { <-w.stop }
func (w *worker) start() { go func() { <-w.stop }() }

type idler struct{}

func (*idler) run() {}

// Goroutines are counted by function and by type while they run.
func TestInFuncInType(t *testing.T) {
	w := &worker{stop: make(chan struct{})}
	go w.run()
	w.start()
	for InType((*worker).run) < 2 {
		runtime.Gosched()
	}
	if n := InFunc((*worker).run); n != 1 {
		t.Errorf("InFunc: %d goroutines, want 1", n)
	}
	if n := InType((*idler).run); n != 0 {
		t.Errorf("InType of a type without goroutines: %d, want 0", n)
	}
	close(w.stop)
	for InType((*worker).run) > 0 {
		runtime.Gosched()
	}
}
